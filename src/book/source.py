# Generated from README.org by tangle.el; edit README.org instead.
"""README.org as data: its blocks, and the way back from a tangled line."""

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]


README = ROOT / "README.org"


class BookError(Exception):
    """Something in README.org is wrong; the message names the line."""

    def __init__(self, line: int, message: str):
        super().__init__(f"README.org:{line}: error: {message}")


@dataclass
class Block:
    """A source block: where its first line stands, and where it goes."""

    name: str
    language: str
    target: str
    line: int
    body: list[str] = field(default_factory=list)


def tangle_option(arguments: str, default: str) -> str:
    """Return what :tangle says in header ARGUMENTS."""
    found = re.search(r"(?:^|\s):tangle\s+(\S+)", arguments)
    return found[1].strip('"') if found else default


class Reader:
    """Reads an Org text line by line and collects its source blocks."""

    def __init__(self):
        self.blocks: list[Block] = []
        self.targets: dict[tuple[int, str], str] = {}  # by level and language
        self.level, self.name, self.open = 0, "", False

    def read(self, number: int, line: str) -> None:
        if self.open:
            self.inside(line)
        elif begin := re.match(r"\s*#\+begin_src\s+(\S+)(.*)", line, re.I):
            self.begin(number, begin[1], begin[2])
        elif heading := re.match(r"(\*+) ", line):
            self.level = len(heading[1])
            self.targets = {key: target for key, target in self.targets.items()
                            if key[0] < self.level}
        elif drawer := re.match(r"\s*:header-args:(\S+):(.*)", line, re.I):
            self.targets[self.level, drawer[1]] = tangle_option(drawer[2], "no")
        elif named := re.match(r"\s*#\+name:\s*(.+?)\s*$", line, re.I):
            self.name = named[1]

    def begin(self, number: int, language: str, arguments: str) -> None:
        inherited = [target for key, target in sorted(self.targets.items())
                     if key[1] == language]
        target = tangle_option(arguments, inherited[-1] if inherited else "no")
        self.blocks.append(Block(self.name, language, target, number + 1))
        self.name, self.open = "", True

    def inside(self, line: str) -> None:
        if re.match(r"\s*#\+end_src", line, re.I):
            self.open = False
        else:
            unescaped = re.sub(r"^(\s*),(,*(?:\*|#\+))", r"\1\2", line)
            self.blocks[-1].body.append(unescaped)


def blocks(text: str) -> list[Block]:
    """Return the source blocks of an Org TEXT in order."""
    reader = Reader()
    for number, line in enumerate(text.splitlines(), start=1):
        reader.read(number, line)
    return reader.blocks


def line_map(target: str, text: str | None = None) -> dict[int, int]:
    """Map the lines of the tangled file TARGET to the lines of README.org."""
    text = README.read_text("utf-8") if text is None else text
    tangled = (ROOT / target).read_text("utf-8").splitlines()
    mapping, at = {}, 0
    for block in blocks(text):
        if block.target != target:
            continue
        body = textwrap.dedent("\n".join(block.body)).rstrip()
        lines = body.lstrip("\n").split("\n")
        first = block.line + len(body) - len(body.lstrip("\n"))
        while tangled[at:at + len(lines)] != lines and at < len(tangled):
            at += 1
        mapping |= {at + i + 1: first + i for i in range(len(lines))}
        at += len(lines)
    return mapping


def where(target: str, line: int) -> int | None:
    """Return the line of README.org that line LINE of TARGET came from."""
    return line_map(target).get(line)
