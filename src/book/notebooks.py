# Generated from README.org by tangle.el; edit README.org instead.
"""The chapters as notebooks: make src/notebooks/*.ipynb, or check them."""

import ast
import json
import re
import sys
import textwrap

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from atomic_file import write
from book.prose import Chapter, chapters
from book.source import README, ROOT, Block, line_at, told


FOLDER = "src/notebooks"
NOTE = "Generated from README.org by src/book/notebooks.py; do not edit."
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python",
                           "name": "python3"},
            "language_info": {"name": "python"}, "note": NOTE}
ABOUT = """
*A chapter of [PyTorch Examples](../../README.html), generated from
`README.org`; to change it for good, edit that file.*
"""
RUNNING = """
*To run it, type `make setup` in the folder of the book and choose its
`.venv/bin/python` as the kernel. A cell runs in the file that its first line
names; what no cell has defined yet comes from that file as the book left it.
So run all cells from top to bottom, or start anywhere. `check` runs the tests
of its cell, on the programs as you changed them in the cells above, but for
slow ones; these it names.*
"""


SET_UP = f"""# {NOTE}
import os
import sys
from pathlib import Path

for folder in [Path.cwd(), *Path.cwd().parents]:
    if (folder / "src/book/cells.py").exists():
        break
else:
    sys.exit("There is no book here: clone the repository of this notebook, "
             "type `make setup` in it, and open src/notebooks from there.")
os.chdir(folder)
sys.path.insert(0, str(folder / "src"))
try:
    import torch
    from book.cells import start
except ModuleNotFoundError as missing:
    sys.exit(f"{{missing}}: type `make setup` in {{folder}}, and choose its "
             ".venv/bin/python as the kernel.")
start()"""


GUARD = re.compile(r'if __name__ == "__main__":\n(?: .*\n?)+')


def code(block: Block) -> str:
    """Return the source of BLOCK's cell: its file, itself, its checks."""
    source = textwrap.dedent("\n".join(block.body)).strip("\n")
    if block.target.count("/") == 1:  # a program, not a part of the build
        source = GUARD.sub("main([]);", source)
    tests = [part.name for part in ast.parse(source).body
             if isinstance(part, ast.FunctionDef)
             and part.name.startswith("test_")]
    if tests and block.target.startswith("tests/"):
        source += f"\n\n\ncheck({', '.join(tests)})"
    return f"# {block.target}\n{source}"


def cells(chapter: Chapter) -> list[nbformat.NotebookNode]:
    """Return the cells of CHAPTER; the first two say what this is."""
    first, *rest = chapter.cells
    title, _, text = first.markdown.partition("\n\n")
    runs = any(cell.block for cell in rest)
    about = f"{title}\n{ABOUT}{RUNNING if runs else ''}".strip()
    found = [new_markdown_cell(about, id=first.id)]
    if runs:
        found.append(new_code_cell(SET_UP, id="set-up"))
    if text:
        found.append(new_markdown_cell(text, id=f"after-{first.id}"))
    for cell in rest:
        name = cell.id[:64]  # the longest that the format allows
        found.append(new_code_cell(code(cell.block), id=name) if cell.block
                     else new_markdown_cell(cell.markdown, id=name))
    return found


def notebooks(text: str) -> dict[str, str]:
    """Return the notebooks of an Org TEXT by their file names."""
    found = {}
    for chapter in chapters(text):
        made = new_notebook(cells=cells(chapter), metadata=METADATA)
        nbformat.validate(made)
        name = f"{FOLDER}/{chapter.name}.ipynb"
        found[name] = nbformat.writes(made).rstrip("\n") + "\n"
    return found


def present() -> dict[str, str]:
    """Return the notebooks that are there and that the build made."""
    found = {}
    for path in sorted((ROOT / FOLDER).glob("*.ipynb")):
        text = path.read_text("utf-8", errors="replace")
        if NOTE in text:
            found[f"{FOLDER}/{path.name}"] = text
    return found


def refresh(fresh: dict[str, str]) -> None:
    """Write the notebooks that changed, and remove those that are stale."""
    there = present()
    for name, text in fresh.items():
        if there.get(name) != text:
            write(ROOT / name, text)
            print(f"notebook  {name} written")
    for name in there.keys() - fresh.keys():
        (ROOT / name).unlink()
        print(f"notebook  {name} removed: it is no longer in README.org")


def first_difference(text: str, old: str, new: str) -> int:
    """Return the line of the Org TEXT where the notebook OLD is not NEW."""
    try:
        there = json.loads(old)["cells"]
    except (ValueError, KeyError):
        there = []
    wanted = json.loads(new or '{"cells": []}')["cells"]
    there += [None] * len(wanted)
    name = next((cell["id"] for cell, other in zip(wanted, there, strict=False)
                 if cell != other), "none")
    name = re.escape(name.removeprefix("after-"))
    found = re.search(rf"^(#\+name|:CUSTOM_ID): {name}", text, re.M)
    return line_at(text, found.start()) if found else 1


def stale(text: str) -> list[str]:
    """Return a message for every notebook that is not what TEXT makes."""
    there, fresh, faults = present(), notebooks(text), []
    for name in sorted(there.keys() | fresh.keys()):
        old, new = there.get(name, ""), fresh.get(name, "")
        if old != new:
            kind = "changed" if old and new else "missing" if new else "stale"
            line = first_difference(text, old, new)
            faults.append(f"README.org:{line}: error: {name} is {kind}; "
                          "run make notebooks")
    return faults


def main() -> int:
    """Write the notebooks, or, with --check, name those that differ."""
    text = README.read_text("utf-8")
    if sys.argv[1:] == ["--check"]:
        return told(lambda: stale(text))
    return told(lambda: refresh(notebooks(text)))


if __name__ == "__main__":
    sys.exit(main())
