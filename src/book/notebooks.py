# Generated from README.org by tangle.el; edit README.org instead.
"""Every chapter as a notebook, with what its cells print."""

import re

import nbformat
from nbformat.v4 import (new_code_cell, new_markdown_cell, new_notebook,
                         new_output)

from book.markdown import Markdown, said_of
from book.tree import ROOT, chapters, load, nodes, told
from common.files import write

FOLDER = ROOT / "src/notebooks"
RUN = re.compile(r'if __name__ == "__main__":\n    options\.run\(main\)')
FIRST = '''import sys

from IPython.core.magic import register_cell_magic

sys.path.insert(0, "..")  # to the book's modules
CHECKS = {}


@register_cell_magic
def check(line, cell):
    """Run a cell of checks apart from the chapter's own names."""
    exec(cell, CHECKS)'''
MARK = "\ue000"


def runs(block: dict) -> bool:
    """Say whether BLOCK is a cell: of a program, an example or a check."""
    target = block.get("target", "")
    return block.get("language") == "python" and not target.startswith(
        ("src/book/", "src/common/")) and bool(target or block.get("output"))


class Notebooks(Markdown):
    """The book as notebooks: code goes to CELLS, a mark into the text."""

    cells: list
    home: dict  # the chapter of each name

    def place(self, name: str) -> str:
        return f"{self.home[name]}.ipynb#{name}"

    def heading(self, node: dict) -> str:
        return (f"{'#' * node['level']} {self.text(node['title'])}\n\n"
                f"{self.blocks(node.get('c', []))}")

    def figure(self, node: dict, path: str) -> str:
        alt = said_of(node).get("alt", "")
        return f"![{alt}](../../{path})\n\n{self.caption(node)}"

    def equation(self, node: dict, math: str) -> str:
        return math

    def listing(self, node: dict) -> str:
        if not runs(node):
            return self.fence(node["body"], node.get("language", ""))
        check = node.get("target", "").startswith("tests/")
        self.cells.append(new_code_cell("%%check\n" * check + RUN.sub(
            'main(["--out", "../../build/notebook"])', node["body"])))
        return MARK

    def output(self, node: dict, text: str) -> str:
        if not node.get("result"):
            return self.fence(text, "")
        self.cells[-1].outputs = [new_output("stream", name="stdout",
                                             text=f"{text}\n")]
        return ""

    def notebook(self, chapter: dict) -> str:
        """Return CHAPTER as the text of a notebook."""
        self.cells = []
        first, *rest = map(new_markdown_cell, map(
            str.strip, self.block(chapter).split(MARK)))
        cells = [first, new_code_cell(FIRST)] + [
            cell for pair in zip(self.cells, rest, strict=True)
            for cell in pair if cell.source]
        for number, cell in enumerate(cells):
            cell["id"] = f"{chapter['id']}-{number}"
        book = new_notebook(cells=cells, metadata={"kernelspec": {
            "name": "python3", "display_name": "Python 3",
            "language": "python"}})
        nbformat.validate(book)
        return nbformat.writes(book) + "\n"


def main() -> None:
    """Write the notebooks, and remove those of chapters that are gone."""
    tree = load()
    book, found = Notebooks(tree), chapters(tree)
    book.home = {name: chapter["id"] for name, node in book.names.items()
                 for chapter in found
                 if chapter["at"] <= node["at"] < chapter["end"]}
    fresh = {f"{chapter['id']}.ipynb": book.notebook(chapter)
             for chapter in found}
    for path in FOLDER.glob("*.ipynb"):
        if path.name not in fresh:
            path.unlink()
    for name, text in fresh.items():
        write(FOLDER / name, text)


if __name__ == "__main__":
    told(main)
