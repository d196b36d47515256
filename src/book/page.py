# Generated from README.org by tangle.el; edit README.org instead.
"""README.html: one file that needs no network."""

import base64
import hashlib
import importlib.metadata
import json
import re
from html import escape
from pathlib import Path
from string import Template

import pypandoc

from book.markdown import Markdown, fence, folded
from book.tree import ROOT, chapters, fault, load, nodes, read, words
from common.files import write

COLOURS = {"kw": "b", "cf": "b", "im": "b", "co": "i", "st": "u", "fu": "dfn"}


def coloured(span: re.Match) -> str:
    """Return pandoc's SPAN of a listing in one of four colours, or none."""
    tag = COLOURS.get(span[1])
    return f"<{tag}>{span[2]}</{tag}>" if tag else span[2]


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
    (r"(?<!−)(</m[in]>|</ms..>|</mfrac>|\)</mo>)(<mrow><mi [^>]*>\w+</mi>"
     r"<mo>&#8289;</mo></mrow>)(?!</ms)", r"\1<mspace width='.17em'/>\2"),
    (r"(<mo>&#8289;</mo></mrow>)(?=<m[^o])", r"\1<mspace width='.17em'/>"),
    (r"\(?<math>(?:(?!</math>).)*</math>[.,;:?)]+", r"<n->\g<0></n->"),
    # listings: four colours, and no anchor in every line
    (r'<span id="cb\d+-\d+"><a [^>]*></a>(.*?)</span>(?=\n|</code>)', r"\1"),
    (r'<span class="(\w\w)">([^<]*)</span>', coloured),
    (r'<div class="sourceCode" id="cb\d+"\s*>(.*?)</div>', r"\1"),
    (r' class="sourceCode \w+"', ""),
    # text: captions without paragraphs, and signs that may stand there
    (r"<figcaption>\s*<p>(.*?)</p>", r"<figcaption>\1"),
    (">[^<]+", lambda text: text[0].replace("&quot;", '"').replace(
        "&#39;", "'").replace("&gt;", ">")),
]


class Page(Markdown):
    """The book as one page."""

    rules = ""  # the style that all drawings share
    file = ""  # the one that the last listing belongs to

    def heading(self, node: dict, title: str) -> str:
        name, level = node["name"], node["level"] + 1
        self.file = "" if level <= 3 else self.file
        inside = self.blocks(node.get("c", []))
        if name in self.numbers:
            title = f"[{self.numbers[name]}]{{.number}} {title}"
        head = f"{'#' * level} {title} {{#{name}}}\n\n"
        return (f"<details><summary>\n\n{head}</summary>\n\n{inside}\n\n"
                "</details>" if folded(node) else head + inside)

    def figure(self, node: dict, path: str) -> str:
        try:
            svg = re.sub(
                r' (width|height)="[^"]*pt"| image-rendering="[^"]*"', "",
                (ROOT / path).read_text("utf-8"))
            before, self.rules, after = re.split(
                "(?s)<style>(.*?)</style>", svg)
        except (OSError, ValueError):
            raise fault(node["at"], f"{path} is no figure of a program; "
                        "run make train") from None
        said = node.get("html", {})
        alt = escape(said.get("alt", ""))
        svg = (before + after).replace(
            "<svg",
            f'<svg role="img" aria-label="{alt}" data-file="{path}"', 1)
        touch = f' data-touch="{said["touch"]}"' if "touch" in said else ""
        return (f'<figure class="drawing"{touch} id="{node.get("name", "")}">'
                f'<div class="scroll">{svg}</div><figcaption>\n\n'
                f"{self.caption(node)}\n\n</figcaption></figure>")

    def caption(self, node: dict) -> str:
        name, text = node.get("name", ""), super().caption(node)
        return re.sub(r"^(\w+ \d+)\. ", rf"[\1](#{name}){{.number}} ", text)

    def table(self, node: dict) -> str:
        name = f' id="{node["name"]}"' if "name" in node else ""
        return (f'<div class="table"{name}>\n\n{self.caption(node)}\n\n'
                f'<div class="scroll">\n\n{super().table(node)}\n\n'
                "</div></div>")

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
        fold = node.get("html", {}).get("fold")
        return (f"<details><summary>{escape(fold)}</summary>\n\n{text}\n\n"
                "</details>" if fold else text)

    def output(self, node: dict, text: str) -> str:
        return fence(text, "{.output}" if "result" in node else "{.example}")

    def equation(self, node: dict, math: str) -> str:
        name, number = "", ""
        if "name" in node:
            name = f' id="{node["name"]}"'
            number = (f'<a class="number" href="#{node["name"]}">'
                      f'({self.numbers[node["name"]]})</a>')
        return (f'<div class="equation"{name}><div class="formula">\n\n'
                f"{math}\n\n</div>{number}</div>")

    def entry(self, heading: dict) -> str:
        """Return a link to HEADING."""
        name = heading["name"]
        return (f'<a href="#{name}"><span class="number">{self.numbers[name]}'
                f'</span> {escape(words(heading["title"]))}</a>')


def part(name: str) -> str:
    """Return the file NAME beside this one."""
    return Path(__file__).with_name(name).read_text("utf-8").strip()


def html(text: str) -> str:
    """Return TEXT as HTML; kept, so that an edit costs one chapter."""
    key = f"{pypandoc.__version__}{Path(__file__).read_text('utf-8')}{text}"
    kept = ROOT / "build/html" / hashlib.sha256(key.encode()).hexdigest()
    if not kept.exists():
        text = pypandoc.convert_text(text, "html5", "commonmark_x",
                                     extra_args=["--mathml", "--wrap=none"])
        for wrong, right in MENDED:
            text = re.sub(wrong, right, text, flags=re.S)
        write(kept, text)
    return kept.read_text("utf-8")


def page(tree: dict) -> str:
    """Return the page for the TREE of README.org."""
    book, found, text, margins = Page(tree), chapters(tree), "", ""
    for at, chapter in enumerate(found):
        near = found[max(at - 1, 0):at] + found[at + 1:at + 2]
        text += html(f'<div id="c{at}">\n\n{book.block(chapter)}\n\n'
                     '<div class="turn">'
                     f'{"".join(map(book.entry, near))}</div></div>\n\n')
        margins += (  # on paper every page names its chapter
            f"#c{at} {{ page: c{at} }}\n@page c{at} {{ @top-center {{ content:"
            f" {json.dumps(words(chapter['title']))} }} }}\n")
    contents = "".join(f'<li class="level{heading["level"]}">'
                       f"{book.entry(heading)}\n"
                       for heading in nodes(tree, "headline")
                       if heading["name"] in book.numbers)
    said = {node["key"].lower(): escape(node["value"])
            for node in nodes(tree, "keyword")}
    torch = importlib.metadata.version("torch").partition("+")[0]
    script = f"\n{part('touch.js')}\n{part('page.js')}\n"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest())
    return Template(part("page.html")).substitute(
        said, style=f"{part('page.css')}\n{book.rules}\n{margins}",
        text=text, script=script, digest=digest.decode(),
        weights=json.dumps(read(ROOT / "figs/touch.json").get("pictures"),
                           separators=(",", ":")), contents=contents,
        versions=f"torch {torch}, GNU Emacs {tree['emacs']} and "
                 f"Org {tree['org']}") + "\n"


def main() -> None:
    """Write README.html."""
    text = page(load())
    write(ROOT / "README.html", text)
    print(f"page      README.html, {len(text.encode()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
