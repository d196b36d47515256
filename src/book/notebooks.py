# Generated from README.org by tangle.el; edit README.org instead.
"""Every chapter as a notebook, with what its cells print."""

import re

import nbformat
from nbformat.v4 import (new_code_cell, new_markdown_cell, new_notebook,
                         new_output)

from book.markdown import Markdown, fence
from book.tree import ROOT, chapters, load, runs
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
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


class Notebooks(Markdown):
    """The book as notebooks: code goes to CELLS, a mark into the text."""

    cells: list

    def place(self, name: str) -> str:
        return f"{self.home[name]}.ipynb#{name}"

    def heading(self, node: dict, title: str) -> str:
        return f"{'#' * node['level']} {title}\n\n{self.blocks(node['c'])}"

    def figure(self, node: dict, path: str) -> str:
        alt = node.get("html", {}).get("alt", "")
        return f"![{alt}](../../{path})\n\n{self.caption(node)}"

    def equation(self, node: dict, math: str) -> str:
        return math

    def listing(self, node: dict) -> str:
        if not runs(node):
            return fence(node["body"], node.get("language", ""))
        check = node.get("target", "").startswith("tests/")
        self.cells.append(new_code_cell("%%check\n" * check + RUN.sub(
            'main(["--out", "../../build"])', node["body"])))
        return MARK

    def output(self, node: dict, text: str) -> str:
        if "result" not in node:
            return fence(text)
        self.cells[-1].outputs = [new_output("stream", name="stdout",
                                             text=f"{text}\n")]
        return ""

    def notebook(self, chapter: dict) -> str:
        """Return CHAPTER as the text of a notebook."""
        self.cells = [new_code_cell(FIRST)]
        first, *texts = self.block(chapter).split(MARK)
        cells = [new_markdown_cell(first.strip()), self.cells[0]]
        for code, text in zip(self.cells[1:], texts, strict=True):
            cells += [code, new_markdown_cell(text.strip())]
        cells = [cell for cell in cells if cell.source]
        for number, cell in enumerate(cells):
            cell["id"] = f"{chapter['name']}-{number}"
        return nbformat.writes(new_notebook(
            cells=cells, metadata={"kernelspec": KERNEL})) + "\n"


def main() -> None:
    """Write the notebooks, and remove those of chapters that are gone."""
    tree = load()
    book = Notebooks(tree)
    fresh = {FOLDER / f"{chapter['name']}.ipynb": book.notebook(chapter)
             for chapter in chapters(tree)}
    for path in {*FOLDER.glob("*.ipynb")} - fresh.keys():
        path.unlink()
    for path, text in fresh.items():
        write(path, text)


if __name__ == "__main__":
    main()
