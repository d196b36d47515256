# Generated from README.org by tangle.el; edit README.org instead.
"""build/README.epub: the book to take along, every folded part open."""

import os
import tempfile
from html import escape
from pathlib import Path

import pypandoc

from book.markdown import Markdown, fence
from book.tree import ROOT, chapters, load, nodes
from common.files import write

OUT = ROOT / "build/README.epub"
STYLE = """
body { line-height: 1.45 }
pre { font-size: 0.75em; white-space: pre-wrap }
pre.output { border-left: 2px solid; padding-left: 0.6em }
figcaption, .file, table { font-size: 0.85em }
td, th { padding-right: 0.6em; text-align: left }
"""


class Epub(Markdown):
    """The book for a reader without scripts."""

    def heading(self, node: dict, title: str) -> str:
        number = self.numbers.get(node["name"], "")
        return (f"{'#' * node['level']} {number} {title} {{#{node['name']}}}"
                f"\n\n{self.blocks(node.get('c', []))}")

    def link(self, node: dict, inside: str) -> str:
        if node["type"] == "file":  # stays at home
            return inside or f"`{node['path']}`"
        return super().link(node, inside)

    def figure(self, node: dict, path: str) -> str:
        alt = escape(node.get("html", {}).get("alt", ""))
        return (f"![{self.caption(node)}]({path})"
                f'{{#{node.get("name", "")} alt="{alt}"}}')

    def named(self, node: dict, text: str) -> str:
        """Return TEXT where links to NODE lead."""
        return f"::: {{#{node['name']}}}\n{text}\n:::" if (
            "name" in node) else text

    def table(self, node: dict) -> str:
        return self.named(node, f"{self.caption(node)}\n\n"
                                f"{super().table(node)}")

    def equation(self, node: dict, math: str) -> str:
        number = self.numbers.get(node.get("name"))
        return self.named(node, f"{math} ({number})" if number else math)

    def listing(self, node: dict) -> str:
        code = fence(node["body"], node.get("language", ""))
        if "target" in node:
            code = f"::: file\n`{node['target']}`\n:::\n\n{code}"
        return self.named(node, code)

    def output(self, node: dict, text: str) -> str:
        return fence(text, "{.output}")


def main() -> None:
    """Write the book of build/book.json to OUT."""
    tree = load()
    said = {node["key"].lower(): node["value"]
            for node in nodes(tree, "keyword")}
    text = "\n\n".join(map(Epub(tree).block, chapters(tree)))
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # the same bytes on every day
    with tempfile.TemporaryDirectory() as folder:
        style, new = Path(folder, "style.css"), Path(folder, OUT.name)
        style.write_text(STYLE)
        pypandoc.convert_text(
            text, "epub3", "commonmark_x", outputfile=str(new), extra_args=[
                "--mathml", "--toc", "--toc-depth=2", f"--css={style}",
                f"--resource-path={ROOT}", "--metadata=lang:en",
                "--metadata=identifier:pytorch-examples",
                f"--metadata=title:{said['title']}",
                f"--metadata=subtitle:{said['subtitle']}"])
        write(OUT, new.read_bytes())
    print(f"epub      {OUT.name}, {OUT.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
