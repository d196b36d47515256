# Generated from README.org by tangle.el; edit README.org instead.
"""README.org as Org reads it: the tree in build/book.json, and its lines."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from common.files import ROOT

README = ROOT / "README.org"


def fault(at: int, message: str) -> SystemExit:
    """Return the end of a run: README.org is at fault at character AT."""
    line = README.read_text("utf-8").count("\n", 0, at) + 1
    return SystemExit(f"README.org:{line}: error: {message}")


def read(path: Path) -> dict:
    """Return the JSON in PATH, or nothing if it is not there."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def load() -> dict:
    """Return the tree, and under "text" the README.org that it is of."""
    tree = read(ROOT / "build/book.json")
    tree["text"] = README.read_text("utf-8")
    if tree.get("length") != len(tree["text"]):
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


def runs(block: dict) -> bool:
    """Say whether BLOCK is a cell: of a program, an example or a check."""
    target = block.get("target", "")
    return block.get("language") == "python" and (
        "output" in block or target != "" and not target.startswith(
            ("src/book/", "src/common/")))


def words(content: list) -> str:
    """Return the plain text of CONTENT, a list of nodes and strings."""
    return "".join(node if isinstance(node, str)
                   else node.get("value") or words(node.get("c", []))
                   for node in content)


def slug(text: str) -> str:
    """Return TEXT as one lower-case word, for an id."""
    return re.sub(r"\W+", "-", text.lower()).strip("-")
