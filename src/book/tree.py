# Generated from README.org by tangle.el; edit README.org instead.
"""README.org as Org reads it: the tree in build/book.json, and its lines."""

import json
import re
import sys
from collections.abc import Callable, Iterator

from common.files import ROOT, write

README = ROOT / "README.org"


class BookError(Exception):
    """README.org is at fault; the message names the line."""


def fault(at: int, message: str) -> BookError:
    """Return the error that README.org is at fault at the character AT."""
    return BookError(f"README.org:{line_of(at)}: error: {message}")


def told(work: Callable[[], None]) -> None:
    """Do WORK; a BookError becomes one line and exit status 1."""
    try:
        work()
    except BookError as error:
        sys.exit(str(error))


def line_of(at: int) -> int:
    """Return the number of the line that holds character AT."""
    return README.read_text("utf-8").count("\n", 0, at) + 1


def first_line(block: dict) -> int:
    """Return the number of the line where the code of BLOCK begins."""
    text = README.read_text("utf-8").lower()
    return line_of(text.index("#+begin_src", block["at"])) + 1


def load() -> dict:
    """Return the tree, and under "text" the README.org that it is of."""
    tree = json.loads((ROOT / "build/book.json").read_text("utf-8"))
    tree["text"] = README.read_text("utf-8")
    if tree["length"] != len(tree["text"]):
        raise fault(0, "the file has changed; run make tangle")
    return tree


def nodes(parent: dict, *kinds: str) -> Iterator[dict]:
    """Yield the nodes below PARENT of one of KINDS, in the book's order."""
    for part in ("caption", "title", "tag", "c"):
        for node in parent.get(part, ()):
            if isinstance(node, dict):
                if node["t"] in kinds:
                    yield node
                yield from nodes(node, *kinds)


def chapters(tree: dict) -> list[dict]:
    """Return the headings of level 1."""
    return [node for node in tree["c"] if node["t"] == "headline"]


def words(content: list) -> str:
    """Return the plain text of CONTENT, a list of nodes and strings."""
    return "".join(node if isinstance(node, str)
                   else node.get("value") or words(node.get("c", []))
                   for node in content)


def slug(text: str) -> str:
    """Return TEXT as one lower-case word, for an id."""
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def splice(edits: list[tuple[int, int, str]]) -> bool:
    """Make EDITS of README.org: (START, END, TEXT); say if it changed."""
    old = new = README.read_text("utf-8")
    for start, end, text in sorted(edits, reverse=True):
        new = new[:start] + text + new[end:]
    if new != old:
        write(README, new)
    return new != old
