# Generated from README.org by tangle.el; edit README.org instead.
"""README.html: one file that needs no network."""

import importlib.metadata
import re
import sys
from html import escape
from pathlib import Path
from string import Template

import pypandoc

from book.markdown import Markdown, folded, said_of
from book.tree import ROOT, chapters, fault, load, nodes, told, words
from common.files import write

HERE = Path(__file__).parent
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
    (r'<span id="cb\d+-\d+"><a [^>]*></a>', "<l->"),
    (r'<span class="(\w\w)">([^<]*)</span>', lambda span: (
        f"<{COLOURS[span[1]]}->{span[2]}</{COLOURS[span[1]]}->"
        if span[1] in COLOURS else span[2])),
    (r"<l->(.*?)</span>(?=\n|</code>)", r"\1"),
    (r'<div class="sourceCode" id="cb\d+"\s*>(.*?)</div>', r"\1"),
    (r' class="sourceCode \w+"', ""),
    (r"<pre(?= |>)", '<pre tabindex="0"'),
    # text that is no paragraph of its own
    (r"<(figcaption|summary|caption)>\s*<p>(.*?)</p>", r"<\1>\2"),
    (r"<table>", '<div class="scroll" tabindex="0"><table>'),
    (r"</table>", "</table></div>"),
    (r' style="text-align: left;"', ""),
    (r'style="text-align: right;"', 'class="right"'),
]


class Page(Markdown):
    """The book as one page; its drawings wait in SVG."""

    def __init__(self, tree: dict):
        super().__init__(tree)
        self.svg, self.rules = [], ""  # the rules that all drawings share
        self.file = ""  # the one that the last listing belongs to
        self.fold = 0  # how many folded sections are open here

    def heading(self, node: dict) -> str:
        name, title = node["id"], self.text(node["title"])
        level, number = node["level"] + 1, self.numbers.get(node["id"], "")
        self.fold += folded(node)
        self.file = "" if level <= 3 else self.file
        inside = self.blocks(node.get("c", []))
        self.fold -= folded(node)
        if folded(node):
            return (f'<details id="{name}"><summary>\n\n{title}\n\n</summary>'
                    f"\n\n{inside}\n\n</details>")
        if self.fold:  # no section of its own
            return f'<h{level} id="{name}">{escape(title)}</h{level}>\n\n{inside}'
        return (f"{'#' * level} [{number}]{{.number}} {title}"
                f'[#](#{name}){{.permalink aria-label="Link here"}} '
                f"{{#{name}}}\n\n{inside}")

    def figure(self, node: dict, path: str) -> str:
        if not (ROOT / path).exists():
            raise fault(node["at"], f"there is no {path}; run make train")
        svg = (ROOT / path).read_text("utf-8")
        if style := re.search(r"<style>.*?(@media.*?)</style>", svg, re.S):
            self.rules, svg = style[1], svg.replace(style[0], "")
        svg = re.sub(r' (width|height)="[^"]*pt"', "", svg)
        alt = escape(said_of(node).get("alt", ""))
        self.svg.append(svg.replace(
            "<svg", f'<svg role="img" aria-label="{alt}"', 1))
        return (f'<figure class="drawing" id="{node.get("name", "")}">'
                f'<div class="scroll" tabindex="0">\ue000{len(self.svg) - 1}'
                f"\ue001</div><figcaption>\n\n{self.caption(node)}\n\n"
                "</figcaption></figure>")

    def caption(self, node: dict) -> str:
        text, name = super().caption(node), node.get("name")
        return re.sub(r"^(\w+ \d+)\. ", rf"[\1](#{name}){{.number}} ", text)

    def table(self, node: dict) -> str:
        name = node.get("name", "")
        return (f'<div class="table" id="{name}">\n\n{self.caption(node)}'
                f"\n\n{super().table(node)}\n\n</div>")

    def listing(self, node: dict) -> str:
        target, fold = node.get("target", ""), said_of(node).get("fold")
        kind = "check" if target.startswith("tests/") else "code"
        label = (f'<figcaption><a href="{target}">{target}</a></figcaption>'
                 if target not in ("", self.file) else "")
        self.file = target or self.file
        name = f' id="{node["name"]}"' if "name" in node else ""
        text = (f'<figure class="listing {kind}"{name}>{label}\n\n'
                f"{self.fence(node['body'], node.get('language', ''))}"
                "\n\n</figure>")
        return (f"<details><summary>{escape(fold)}</summary>\n\n{text}\n\n"
                "</details>") if fold else text

    def output(self, node: dict, text: str) -> str:
        kind = "output" if node.get("result") else "example"
        return self.fence(text, f"{{.{kind}}}")

    def equation(self, node: dict, math: str) -> str:
        name = node.get("name", "")
        number = (f'<a class="number" href="#{name}">({self.numbers[name]})</a>'
                  if name else "")
        identity = f' id="{name}"' if name else ""
        return (f'<div class="equation"{identity}><div class="formula" '
                f'tabindex="0">\n\n{math}\n\n</div>{number}</div>')

    def term(self, node: dict, tag: str, text: str) -> str:
        return f"[{tag}]{{#{node['name']}}}\n:   {text}\n\n"

    def entry(self, heading: dict) -> str:
        """Return a link to HEADING."""
        number = self.numbers[heading["id"]]
        return (f'<a href="#{heading["id"]}"><span class="number">{number}'
                f'</span> {escape(words(heading["title"]))}</a>')

    def contents(self, found: list[dict]) -> str:
        """Return the list of the chapters FOUND and of their sections."""
        lists = ""
        for chapter in found:
            inner = "".join(f"<li>{self.entry(heading)}</li>"
                            for heading in nodes(chapter, "headline")
                            if heading["id"] in self.numbers)
            inner = f"<ul>{inner}</ul>" if inner else ""
            lists += f"<li>{self.entry(chapter)}{inner}</li>\n"
        return f"<ul>\n{lists}</ul>"


def part(name: str) -> str:
    """Return the file NAME beside this one without its first line."""
    return (HERE / name).read_text("utf-8").partition("\n")[2].strip()


def page(tree: dict) -> str:
    """Return the page for the TREE of README.org."""
    book, found, text = Page(tree), chapters(tree), ""
    for at, chapter in enumerate(found):
        near = found[max(at - 1, 0):at] + found[at + 1:at + 2]
        text += (f'{book.block(chapter)}\n\n<div class="turn">'
                 f'{"".join(map(book.entry, near))}</div>\n\n')
    text = pypandoc.convert_text(text, "html5", "commonmark_x", extra_args=[
        "--mathml", "--section-divs", "--wrap=none"])
    for wrong, right in MENDED:
        text = re.sub(wrong, right, text, flags=re.S)
    text = re.sub("\ue000(\\d+)\ue001", lambda n: book.svg[int(n[1])], text)
    said = {node["key"].lower(): escape(node["value"])
            for node in nodes(tree, "keyword")}
    torch = importlib.metadata.version("torch").partition("+")[0]
    return Template(part("page.html")).substitute(
        said, style=f"{part('page.css')}\n{book.rules}", text=text,
        script=part("page.js"), contents=book.contents(found),
        versions=f"torch {torch}, GNU Emacs {tree['emacs']} and "
                 f"Org {tree['org']}") + "\n"


def main() -> None:
    """Write the page to the file named on the command line."""
    out = Path(sys.argv[1] if sys.argv[1:] else ROOT / "README.html")
    text = page(load())
    write(out, text)
    print(f"page      {out.name}, {len(text.encode()) / 1e3:.0f} kB")


if __name__ == "__main__":
    told(main)
