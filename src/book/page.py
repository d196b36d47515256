# Generated from README.org by tangle.el; edit README.org instead.
"""README.html: one file that needs no network."""

import base64
import hashlib
import importlib.metadata
import json
import re
import sys
from html import escape
from pathlib import Path
from string import Template

import pypandoc

from book.markdown import Markdown, fence, folded
from book.tree import ROOT, chapters, fault, load, nodes, read, words
from common.files import write

COLOURS = {"kw": "k", "cf": "k", "im": "k", "co": "c", "st": "s", "fu": "d"}
MENDED = [
    # MathML: what browsers do not need, or mistake; a full stop stays with
    # its formula
    (r"</?semantics>|<annotation.*?</annotation>", ""),
    (r' xmlns="http://www.w3.org/1998/Math/MathML"| display="inline"', ""),
    (r' form="prefix"(?=>[([])| form="postfix"(?=>[])])', ""),
    ("\u0302</mo>", "^</mo>"), ("\u0303</mo>", "~</mo>"),
    ('accent="true"', 'accent="true" stretchy="false"'),
    ('<mtable><mtr><mtd columnalign="right"',
     '<mtable displaystyle="true"><mtr><mtd columnalign="right"'),
    (r"\(?<math>(?:(?!</math>).)*</math>[.,;:?)]+", r"<n->\g<0></n->"),
    # listings: four colours, and no anchor in every line
    (r'<span id="cb\d+-\d+"><a [^>]*></a>(.*?)</span>(?=\n|</code>)', r"\1"),
    (r'<span class="(\w\w)">([^<]*)</span>', lambda span: (
        f"<{COLOURS[span[1]]}->{span[2]}</{COLOURS[span[1]]}->"
        if span[1] in COLOURS else span[2])),
    (r'<div class="sourceCode" id="cb\d+"\s*>(.*?)</div>', r"\1"),
    (r' class="sourceCode \w+"', ""),
    (r"<pre(?= |>)", '<pre tabindex="0"'),
    # text that is no paragraph of its own, and tables
    (r"<(figcaption|summary)>\s*<p>(.*?)</p>", r"<\1>\2"),
    (r"<table>(.*?)</table>", r'<div class="scroll" tabindex="0">\g<0></div>'),
    (r' style="text-align: left;"', ""),
    (r'style="text-align: right;"', 'class="right"'),
]


class Page(Markdown):
    """The book as one page."""

    rules = ""  # the style that all drawings share
    file = ""  # the one that the last listing belongs to

    def heading(self, node: dict, title: str) -> str:
        name, level = node["name"], node["level"] + 1
        self.file = "" if level <= 3 else self.file
        inside = self.blocks(node.get("c", []))
        if folded(node):
            return (f'<details id="{name}"><summary>\n\n{title}\n\n</summary>'
                    f"\n\n{inside}\n\n</details>")
        if name in self.numbers:
            title = f"[{self.numbers[name]}]{{.number}} {title}"
        return (f"{'#' * level} {title}[#](#{name}){{.permalink aria-label="
                f'"Link here"}} {{#{name}}}\n\n{inside}')

    def figure(self, node: dict, path: str) -> str:
        if not (ROOT / path).exists():
            raise fault(node["at"], f"there is no {path}; run make train")
        svg = re.sub(r' (width|height)="[^"]*pt"', "",
                     (ROOT / path).read_text("utf-8"))
        before, style, after = re.split("(?s)<style>(.*?)</style>", svg)
        self.rules = style
        said = node.get("html", {})
        alt = escape(said.get("alt", ""))
        svg = re.sub(r' image-rendering="[^"]*"', "", before + after).replace(
            "<svg", f'<svg role="img" aria-label="{alt}"', 1)
        touch = f' data-touch="{said["touch"]}"' if "touch" in said else ""
        return (f'<figure class="drawing"{touch} id="{node.get("name", "")}">'
                f'<div class="scroll" tabindex="0">{svg}</div><figcaption>\n\n'
                f"{self.caption(node)}\n\n</figcaption></figure>")

    def caption(self, node: dict) -> str:
        name, text = node.get("name", ""), super().caption(node)
        return re.sub(r"^(\w+ \d+)\. ", rf"[\1](#{name}){{.number}} ", text)

    def table(self, node: dict) -> str:
        return (f'<div class="table" id="{node.get("name", "")}">\n\n'
                f"{self.caption(node)}\n\n{super().table(node)}\n\n</div>")

    def listing(self, node: dict) -> str:
        target = node.get("target", "")
        kind = "check" if target.startswith("tests/") else "code"
        label = (f'<figcaption><a href="{target}">{target}</a></figcaption>'
                 if target not in ("", self.file) else "")
        self.file = target or self.file
        name = f' id="{node["name"]}"' if "name" in node else ""
        code = fence(node["body"], node.get("language", ""))
        text = (f'<figure class="listing {kind}"{name}>{label}\n\n{code}\n\n'
                "</figure>")
        if fold := node.get("html", {}).get("fold"):
            return (f"<details><summary>{escape(fold)}</summary>\n\n{text}\n\n"
                    "</details>")
        return text

    def output(self, node: dict, text: str) -> str:
        return fence(text, "{.output}" if "result" in node else "{.example}")

    def equation(self, node: dict, math: str) -> str:
        name, number = "", ""
        if "name" in node:
            name = f' id="{node["name"]}"'
            number = (f'<a class="number" href="#{node["name"]}">'
                      f'({self.numbers[node["name"]]})</a>')
        return (f'<div class="equation"{name}><div class="formula" '
                f'tabindex="0">\n\n{math}\n\n</div>{number}</div>')

    def entry(self, heading: dict) -> str:
        """Return a link to HEADING."""
        name = heading["name"]
        return (f'<a href="#{name}"><span class="number">{self.numbers[name]}'
                f'</span> {escape(words(heading["title"]))}</a>')


def part(name: str) -> str:
    """Return the file NAME of the book."""
    return (ROOT / name).read_text("utf-8").strip()


def page(tree: dict) -> str:
    """Return the page for the TREE of README.org."""
    book, found, text = Page(tree), chapters(tree), ""
    for at, chapter in enumerate(found):
        near = found[max(at - 1, 0):at] + found[at + 1:at + 2]
        text += (f'<div id="c{at}">\n\n{book.block(chapter)}\n\n'
                 '<div class="turn">'
                 f'{"".join(map(book.entry, near))}</div></div>\n\n')
    text = pypandoc.convert_text(text, "html5", "commonmark_x", extra_args=[
        "--mathml", "--wrap=none"])
    for wrong, right in MENDED:
        text = re.sub(wrong, right, text, flags=re.S)
    contents = "".join(f'<li class="level{heading["level"]}">'
                       f"{book.entry(heading)}\n"
                       for heading in nodes(tree, "headline")
                       if heading["name"] in book.numbers)
    said = {node["key"].lower(): escape(node["value"])
            for node in nodes(tree, "keyword")}
    torch = importlib.metadata.version("torch").partition("+")[0]
    script = f"\n{part('page/page.js')}\n{part('src/book/touch.js')}\n"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest())
    margins = "".join(  # on paper every page names its chapter
        f"#c{at} {{ page: c{at} }}\n"
        f"@page c{at} {{ @top-center {{ content: "
        f"{json.dumps(words(chapter['title']))}; font: 9pt sans-serif }} }}\n"
        for at, chapter in enumerate(found))
    return Template(part("page/page.html")).substitute(
        said, style=f"{part('page/page.css')}\n{book.rules}\n{margins}",
        text=text, script=script, digest=digest.decode(),
        weights=json.dumps(read(ROOT / "figs/touch.json").get("pictures"),
                           separators=(",", ":")), contents=contents,
        versions=f"torch {torch}, GNU Emacs {tree['emacs']} and "
                 f"Org {tree['org']}") + "\n"


def main() -> None:
    """Write the page to the file named on the command line."""
    out = Path(sys.argv[1] if sys.argv[1:] else ROOT / "README.html")
    text = page(load())
    write(out, text)
    print(f"page      {out.name}, {len(text.encode()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
