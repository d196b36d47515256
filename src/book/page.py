# Generated from README.org by tangle.el; edit README.org instead.
"""Turn the HTML that Org exports into the page: one file, no network."""

import importlib.metadata
import re
import sys
from collections import Counter
from html import escape
from pathlib import Path
from string import Template

from atomic_file import write
from book.drawing import light
from book.listing import to_html
from book.mathml import to_mathml
from book.source import README, ROOT, BookError, line_at
from bs4 import BeautifulSoup, Tag
from pygments.util import ClassNotFound


HERE = Path(__file__).parent


def line_of(*words: str) -> int:
    """Return the line of README.org that holds one of WORDS first, or 1."""
    text = README.read_text("utf-8")
    found = [text.find(some) for some in words if some in text]
    return line_at(text, min(found, default=0))


class Page:
    """The page while it is made: a tree, and pieces that enter it last."""

    def __init__(self, html: str):
        self.soup = BeautifulSoup(html, "html.parser")
        self.pieces: list[str] = []
        self.numbers: dict[str, str] = {}  # by the id of what is numbered

    def put(self, tag: Tag, html: str) -> None:
        """Let finished HTML stand where TAG stands."""
        tag.replace_with(f"\ue000{len(self.pieces)}\ue001")
        self.pieces.append(html)


BESIDE = re.compile(r"\(?<math>(?:(?!</math>).)*</math>[.,;:?)]+"
                    r"|\(<math>(?:(?!</math>).)*</math>", re.S)


def finished(page: Page) -> str:
    """Return the tree as HTML, with the pieces in place."""
    html = page.soup.decode(formatter="minimal")
    while "\ue000" in html:
        html = re.sub("\ue000(\\d+)\ue001",
                      lambda mark: page.pieces[int(mark[1])], html)
    html = BESIDE.sub(r"<n->\g<0></n->", html)
    ids = re.findall(r'<[a-z]\w*[^>]* id="([^"]*)"', html)
    for name, times in Counter(ids).items():
        if times > 1:
            raise BookError(line_of(f"#+name: {name}"),
                            f"the id {name} is taken twice; choose another")
    for link in re.findall(r'<a [^>]*href="#([^"]*)"', html):
        if link not in ids:
            raise BookError(line_of(f"[[#{link}]", f"[[{link}]"),
                            f"nothing is named {link}")
    return html


def permalink(target: str, what: str) -> str:
    """Return a quiet link to TARGET itself."""
    return (f'<a class="permalink" href="#{target}" '
            f'aria-label="Link to {escape(what)}">#</a>')


BROKEN = re.compile(r"\[BROKEN LINK: ([^\]]*)\]")


def refuse_leftovers(page: Page) -> None:
    """Stop at a dead link, or at a heading whose id Org had to invent."""
    for text in page.soup.find_all(string=BROKEN):
        if text.parent.name not in ("data", "pre", "code"):
            link = BROKEN.search(text)[1]
            raise BookError(line_of(f"[[{link}"), f"nothing is named {link}")
    for tag in page.soup.find_all(id=re.compile(r"^(org[0-9a-f]{7})?$")):
        if tag.name in ("h2", "h3", "h4", "h5", "h6"):
            title = tag.get_text().split(maxsplit=1)[-1]
            raise BookError(
                line_of(f"* {title}"), "this heading has no CUSTOM_ID"
            )
        del tag["id"]


DELIMITERS = re.compile(r"^\$+|\$+$|\\(begin|end)\{equation\*?\}")


def equation(page: Page, name: str, math: str) -> str:
    """Return a displayed formula; one that has a NAME gets a number too."""
    box = f'<div class="formula" tabindex="0">{math}</div>'
    if not name:
        return f'<div class="equation">{box}</div>'
    number = 1 + sum(label.startswith("(") for label in page.numbers.values())
    page.numbers[name] = f"({number})"
    label = (f'<a class="number" href="#{name}" '
             f'aria-label="Equation {number}">({number})</a>')
    return f'<div class="equation" id="{name}">{box}{label}</div>'


def set_formulas(page: Page) -> None:
    """Turn every formula into MathML; number those that have a name."""
    tags = page.soup.find_all(
        "data", class_=["latex-fragment", "latex-environment"]
    )
    shown = ["latex-environment" in tag["class"] for tag in tags]
    tex = [DELIMITERS.sub("", tag.get_text()).strip() for tag in tags]
    try:
        results = to_mathml(list(zip(tex, shown, strict=True)))
    except ValueError as error:
        bad = tags[tex.index(str(error))].get_text().strip()
        raise BookError(line_of(bad), f"pandoc cannot convert {bad}") from None
    for tag, display, math in zip(tags, shown, results, strict=True):
        page.put(
            tag, equation(page, tag.get("id", ""), math) if display else math
        )


def listing(tag: Tag, again: bool) -> str:
    """Return TAG's code in colours, under the name of its file."""
    name, file = tag.get("id", ""), tag["data-file"].strip('"')
    check = "check " if file.startswith("tests/") else ""
    label = (f'<figcaption>{check}<a href="{file}">{file}</a>'
             f'<a class="permalink" href="#{name}">{name}</a></figcaption>')
    try:
        code = to_html(tag.get_text(), tag["data-language"])
    except ClassNotFound:
        language = tag["data-language"]
        raise BookError(line_of(f"#+begin_src {language}"),
                        f"no colours are known for {language}") from None
    identity = f' id="{name}"' if name else ""
    kind = f"listing {check}{'again' if again else ''}".strip()
    return (f'<figure class="{kind}"{identity}>'
            f'{"" if file == "no" else label}'
            f'<pre tabindex="0"><code>{code}</code></pre></figure>')


def set_listings(page: Page) -> None:
    """Colour every listing and name the file that it belongs to."""
    before = None
    for tag in page.soup.find_all("data", class_="src-block"):
        place = (
            tag["data-file"],
            tag.find_parent(class_=re.compile("^outline-[23]")),
        )
        page.put(tag, listing(tag, again=place == before))
        before = place
    for tag in page.soup.find_all("pre"):
        tag["tabindex"] = "0"
    for tag in page.soup.find_all("code"):
        if len(tag.get_text()) > 24:  # may need more than a phone's line
            tag["class"] = "long"


def set_headings(page: Page) -> None:
    """Make sections of headings, and fold the solutions."""
    for box in page.soup.find_all(class_=re.compile("^outline-text-")):
        box.unwrap()
    for box in page.soup.find_all(class_=re.compile("^outline-")):
        heading = box.find(re.compile("^h[2-6]$"))
        title, name = heading.get_text(), heading["id"]
        box.attrs = {}
        if title.startswith("Solution"):
            box.name, heading.name = "details", "summary"
            box["class"] = "solution"
            continue
        box.name = "section"
        if number := heading.find(class_=re.compile("^section-number-")):
            number["class"] = "number"
            number.string = page.numbers[name] = number.get_text().rstrip(".")
        heading.append(link := page.soup.new_tag("a"))
        page.put(link, permalink(name, f"section {title}"))


def svg_of(path: str, alt: str, count: int) -> str:
    """Return the figure file PATH, drawing COUNT, to stand in the page."""
    try:
        svg = (ROOT / path).read_text("utf-8")
    except FileNotFoundError:
        raise BookError(line_of(f"[[file:{path}"),
                        f"there is no {path}; run make train") from None
    label = f'<svg role="img" aria-label="{escape(alt)}"'
    return light(svg, f"f{count}-").replace("<svg", label, 1).strip()


def set_figures(page: Page) -> None:
    """Put the drawings into the page, each with its number."""
    for count, figure in enumerate(page.soup.find_all("figure"), start=1):
        image, caption = figure.find("img"), figure.find("figcaption")
        name, path = figure.get("id", ""), ""
        if image:
            path = image["src"].removeprefix("./").removeprefix("file://")
        if not (caption and name and path and image.get("alt")):
            raise BookError(line_of(f"[[file:{path}"),
                            f"{path} needs a #+name, a #+caption and alt text")
        page.numbers[name] = str(count)
        page.put(caption.find(class_="figure-number"),
                 f'<a class="number" href="#{name}">Figure {count}</a> ')
        figure["class"] = "drawing"
        page.put(image, f'<div class="scroll" tabindex="0">'
                        f"{svg_of(path, image['alt'], count)}</div>")


NUMBER = re.compile(r"[-+]?\d[\d.,]*%?")


def align_numbers(table: Tag) -> None:
    """Mark the cells of TABLE's columns that hold nothing but numbers."""
    lines = [row.find_all(["th", "td"]) for row in table.find_all("tr")]
    for column in zip(*lines, strict=True):
        said = [cell.get_text().strip() for cell in column
                if cell.name == "td"]
        right = any(said) and all(
            NUMBER.fullmatch(words) for words in said if words)
        for cell in column:
            del cell["class"]
            if right:
                cell["class"] = "right"


def set_tables(page: Page) -> None:
    """Let wide tables scroll in their own box, and number them."""
    for count, table in enumerate(page.soup.find_all("table"), start=1):
        name, caption = table.get("id", ""), table.find("caption")
        if not (caption and name):
            first = (table.get_text(" ").split() or [""])[0]
            raise BookError(line_of(f"| {first}"),
                            "a table needs a #+name and a #+caption")
        page.numbers[name] = str(count)
        page.put(
            caption.find(class_="table-number"),
            f'<a class="number" href="#{name}">Table {count}</a> ',
        )
        del caption["class"]
        for group in table.find_all("colgroup"):
            group.decompose()
        align_numbers(table)
        box = table.wrap(page.soup.new_tag("div"))
        box["class"], box["tabindex"] = "scroll", "0"


def set_minus_signs(page: Page) -> None:
    """Give the negative numbers of tables and of metrics a minus sign."""
    for text in page.soup.find_all(string=re.compile(r"^\s*-\d")):
        if text.parent.name in ("td", "b", "data"):
            text.replace_with(text.replace("-", "\N{MINUS SIGN}", 1))


def set_references(page: Page) -> None:
    """Give every reference its number."""
    for link in page.soup.find_all("a", href=re.compile("^#")):
        if not link.contents:
            link.string = page.numbers.get(link["href"][1:], "")


def set_citations(page: Page) -> None:
    """Link each citation to its entry in the bibliography; both must exist."""
    entries, cited = {}, set()
    heading = page.soup.find(id="bibliography")
    for term in heading.parent.find_all("dt") if heading else []:
        words = re.findall(r"\w+", term.get_text().lower())
        entries[term.get_text()] = term["id"] = "-".join(["bib", *words])
    for link in page.soup.find_all("a", href="#bibliography"):
        who = " ".join(link.get_text().split())
        if not re.search(r"\(\d{4}[a-z]?\)$", who):
            continue
        if who not in entries:
            raise BookError(
                line_of(f"[{who}]"), f"the bibliography has no {who}"
            )
        link["href"] = "#" + entries[who]
        cited.add(who)
    for who in sorted(entries.keys() - cited):
        raise BookError(line_of(f"- {who} ::"), f"nothing cites {who}")


def contents(page: Page) -> str:
    """Return the table of contents: chapters and their sections."""
    items, depth = [], 0
    for heading in page.soup.find_all(["h2", "h3"]):
        level = int(heading.name[1]) - 1
        items.append(
            "<ul>" * (level - depth)
            if level > depth
            else "</li>" + "</ul></li>" * (depth - level)
        )
        title = "".join(
            str(part) for part in heading.contents if "\ue000" not in part
        ).strip()
        items.append(f'<li><a href="#{heading["id"]}">{title}</a>')
        depth = level
    return "".join(items) + "</li></ul>" * depth


def keyword(name: str) -> str:
    """Return the value of the keyword NAME of README.org."""
    found = re.search(
        rf"^#\+{name}: (.*)$", README.read_text("utf-8"), re.M | re.I
    )
    if not found:
        raise BookError(1, f"there is no #+{name}: line")
    return found[1]


def figure_rules() -> str:
    """Return the dark colours that every drawing carries, once."""
    drawings = sorted((ROOT / "figs").glob("*.svg"))
    if not drawings:
        return ""
    text = drawings[0].read_text("utf-8")
    return text[text.index("@media") : text.index("</style>")]


def versions(emacs: str, org: str) -> str:
    """Return what built the page, in words."""
    torch = importlib.metadata.version("torch").partition("+")[0]
    return f"torch {torch}, GNU Emacs {emacs} and Org {org}"


def part(name: str) -> str:
    """Return the file NAME beside this one without its first line."""
    return (HERE / name).read_text("utf-8").partition("\n")[2].strip()


STEPS = [set_figures, set_formulas, set_listings, set_headings, set_tables,
         set_minus_signs, set_references, set_citations]


def build(html: str, built_with: str) -> str:
    """Return the whole page for the HTML that Org exports from README.org."""
    page = Page(html)
    refuse_leftovers(page)
    for step in STEPS:
        step(page)
    filled = {name: escape(keyword(name))
              for name in ("title", "subtitle", "description")}
    filled["style"] = f"{part('page.css')}\n{figure_rules()}"
    filled["script"] = part("copy.js")
    filled["contents"] = contents(page)
    filled["text"] = finished(page).strip()
    filled["versions"] = built_with
    return Template(part("page.html")).substitute(filled) + "\n"


def main() -> int:
    """Read Org's HTML on standard input; write the page to the last file."""
    emacs, org, out = sys.argv[1:]
    try:
        page = build(sys.stdin.read(), versions(emacs, org))
    except BookError as error:
        print(error)
        return 1
    write(ROOT / out, page)
    print(f"page      {out}, {len(page.encode()) / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
