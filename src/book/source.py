# Generated from README.org by tangle.el; edit README.org instead.
"""README.org as data: its blocks, and the way back from a tangled line."""

import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]


README = ROOT / "README.org"


class BookError(Exception):
    """Something in README.org is wrong; the message names the line."""

    def __init__(self, line: int, message: str):
        super().__init__(f"README.org:{line}: error: {message}")


def told(work: Callable[[], Iterable[str] | None]) -> int:
    """Do WORK, print the faults that it finds, and return the status."""
    try:
        faults = list(work() or [])
    except BookError as error:
        faults = [str(error)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


@dataclass
class Block:
    """A source block: where its first line stands, and where it goes."""

    name: str
    language: str
    target: str
    line: int
    body: list[str] = field(default_factory=list)


def line_at(text: str, at: int) -> int:
    """Return the number of the line that holds character AT of TEXT."""
    return text.count("\n", 0, at) + 1


def tangle_option(arguments: str, default: str) -> str:
    """Return what :tangle says in header ARGUMENTS."""
    found = re.search(r"(?:^|\s):tangle\s+(\S+)", arguments)
    return found[1].strip('"') if found else default


@dataclass
class Reader:
    """What is known while an Org text is read from top to bottom."""

    blocks: list[Block] = field(default_factory=list)
    targets: dict[tuple[int, str], str] = field(default_factory=dict)
    level: int = 0
    name: str = ""
    open: bool = False


def begin(reader: Reader, number: int, language: str, arguments: str) -> None:
    """Start a block whose first line comes after line NUMBER."""
    inherited = [target for key, target in sorted(reader.targets.items())
                 if key[1] == language]
    target = tangle_option(arguments, inherited[-1] if inherited else "no")
    block = Block(reader.name, language, target, number + 1)
    reader.blocks.append(block)
    reader.name, reader.open = "", True


def inside(reader: Reader, line: str) -> None:
    """Take LINE, which stands in a block, without Org's comma."""
    if re.match(r"\s*#\+end_src", line, re.I):
        reader.open = False
    else:
        line = re.sub(r"^(\s*),(,*(?:\*|#\+))", r"\1\2", line)
        reader.blocks[-1].body.append(line)


def outside(reader: Reader, number: int, line: str) -> None:
    """Take LINE, which stands in no block."""
    if found := re.match(r"\s*#\+begin_src\s+(\S+)(.*)", line, re.I):
        begin(reader, number, found[1], found[2])
    elif found := re.match(r"(\*+) ", line):
        reader.level = len(found[1])
        reader.targets = {key: target for key, target in reader.targets.items()
                          if key[0] < reader.level}
    elif found := re.match(r"\s*:header-args:(\S+):(.*)", line, re.I):
        target = tangle_option(found[2], "no")
        reader.targets[reader.level, found[1]] = target
    elif found := re.match(r"\s*#\+name:\s*(.+?)\s*$", line, re.I):
        reader.name = found[1]
    elif not line.lstrip().startswith("#+"):
        reader.name = ""  # it was the name of something else


def blocks(text: str) -> list[Block]:
    """Return the source blocks of an Org TEXT in order."""
    reader = Reader()
    for number, line in enumerate(text.splitlines(), start=1):
        if reader.open:
            inside(reader, line)
        else:
            outside(reader, number, line)
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
