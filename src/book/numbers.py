# Generated from README.org by tangle.el; edit README.org instead.
"""Refresh the numbers and tables that README.org quotes, or check them."""

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator

from atomic_file import write
from book.source import README, ROOT, BookError


METRIC = re.compile(
    r"(?ims:^[ \t]*#\+begin_src.*?^[ \t]*#\+end_src)"  # not in a block
    r"|\[\[metric:(\w[\w.]*)%([^\]]+)\]\[([^\]]*)\]\]"
)


TABLE = re.compile(r"^#\+BEGIN: results(.*)\n((?:.*\n)*?)#\+END:", re.M | re.I)


def line_of(text: str, at: int) -> int:
    """Return the number of the line that holds character AT of TEXT."""
    return text.count("\n", 0, at) + 1


def results(program: str, line: int) -> dict:
    """Return the contents of figs/PROGRAM.json."""
    try:
        return json.loads((ROOT / f"figs/{program}.json").read_text("utf-8"))
    except FileNotFoundError:
        raise BookError(
            line, f"there is no figs/{program}.json; run make train"
        ) from None


def value(key: str, line: int):
    """Return what KEY, such as logistic.accuracy.test, stands for."""
    program, *path = key.split(".")
    found = results(program, line)
    for step in path:
        try:
            found = found[int(step) if isinstance(found, list) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise BookError(
                line, f"figs/{program}.json has no {'.'.join(path)}"
            ) from None
    return found


def quote(key: str, form: str, line: int) -> str:
    """Return the number KEY in the format FORM, such as .3f."""
    try:
        return format(value(key, line), form)
    except (TypeError, ValueError):
        raise BookError(line, f"%{form} does not fit metric:{key}") from None


def cell(number) -> str:
    """Return a table's cell: four significant digits, or a whole number."""
    if number is None:
        return ""
    return (
        f"{number:,d}"
        if isinstance(number, int)
        else f"{number:#.4g}".rstrip(".")
    )


def rows(program: str, result: dict, splits: list[str]) -> list[tuple]:
    """Return two rows: the program's own, and its baseline's."""
    name = f"[[#{program.replace('_', '-')}][={program}=]]"
    own = (
        name,
        cell(result["parameters"]),
        cell(result["steps"]),
        result["measure"],
        *(cell(result.get(split)) for split in splits),
    )
    rival = result["baseline"]
    other = (
        rival["name"],
        "",
        "",
        result["measure"],
        *(cell(rival.get(split)) for split in splits),
    )
    return [own, other]


def best_of(body: list[tuple]) -> Callable[[tuple], tuple]:
    """Return what sets the smallest loss of each measure in bold."""
    def loss(row: tuple) -> float:
        return float(row[-1].replace(",", ""))

    def marked(row: tuple) -> tuple:
        rivals = [loss(other) for other in body if other[3] == row[3]]
        last = f"*{row[-1]}*" if loss(row) == min(rivals) else row[-1]
        return (*row[:-1], last)

    return marked


def aligned(body: list[tuple]) -> list[str]:
    """Return an Org table's lines; the first row of BODY is its head."""
    def width(text: str) -> int:
        return len(re.sub(r"\[\[.*?\]\[(.*?)\]\]", r"\1", text))

    widths = [max(map(width, column)) for column in zip(*body, strict=True)]
    lines = []
    for row in body:
        cells = [text + " " * (wide - width(text))
                 for text, wide in zip(row, widths, strict=True)]
        lines.append(f"| {' | '.join(cells)} |")
    lines.insert(1, f"|{'+'.join('-' * (wide + 2) for wide in widths)}|")
    return lines


def same(one: str, two: str) -> bool:
    """Return whether two tables differ at most in their alignment."""
    plain = [re.sub(r"--+|\s+", "", text) for text in (one, two)]
    return plain[0] == plain[1]


def table(arguments: str, line: int) -> str:
    """Return the Org table that a results block with ARGUMENTS holds."""
    words = shlex.split(arguments)
    given = dict(zip(words[::2], words[1::2], strict=True))
    found = {program: results(program, line)
             for program in given[":programs"].split()}
    splits = [split for split in ("train", "dev", "test")
              if any(split in result for result in found.values())]
    head = ("program or baseline", "parameters", "steps", "measure", *splits)
    body = []
    for program, result in found.items():
        for row in rows(program, result, splits):
            if row not in body:
                body.append(row)
    return "\n".join([f"#+name: {given[':name']}",
                      f"#+caption: {given[':caption']}",
                      *aligned([head, *map(best_of(body), body)]), ""])


def refreshed(text: str) -> str:
    """Return README.org's TEXT with every link and table renewed."""
    def metric(found: re.Match) -> str:
        key, form = found[1], found[2]
        if key is None:
            return found[0]
        number = quote(key, form, line_of(text, found.start()))
        return f"[[metric:{key}%{form}][{number}]]"

    def block(found: re.Match) -> str:
        fresh = table(found[1], line_of(text, found.start()))
        if same(found[2], fresh):
            return found[0]
        return f"#+BEGIN: results{found[1]}\n{fresh}#+END:"

    return METRIC.sub(metric, TABLE.sub(block, text))


def stale(text: str) -> Iterator[str]:
    """Yield a message for every line that a refresh would change."""
    for found in filter(lambda match: match[1], METRIC.finditer(text)):
        line = line_of(text, found.start())
        number = quote(found[1], found[2], line)
        if number != found[3]:
            yield (f"README.org:{line}: error: {found[3]} is stale, "
                   f"it is {number} now")
    for found in TABLE.finditer(text):
        line = line_of(text, found.start())
        if not same(found[2], table(found[1], line)):
            yield f"README.org:{line}: error: this table is stale"


def refresh(stamp: str) -> int:
    """Bring README.org up to date; keep STAMP newer than it if it was."""
    text = README.read_text("utf-8")
    fresh = refreshed(text)
    if fresh != text:
        tangled = os.path.getmtime(stamp) >= os.path.getmtime(README)
        write(README, fresh)
        if tangled:  # only numbers changed: the programs need no second look
            os.utime(stamp)
        print("numbers   README.org: refreshed from figs/*.json")
    return 0


def main() -> int:
    """Refresh the numbers, or, with --check, name those that are stale."""
    try:
        if sys.argv[1:] != ["--check"]:
            return refresh(sys.argv[1])
        faults = list(stale(README.read_text("utf-8")))
    except BookError as error:
        faults = [str(error)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
