# Generated from README.org by tangle.el; edit README.org instead.
"""Refresh the numbers and tables that README.org quotes, or check them."""

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator

from atomic_file import write
from book.source import README, ROOT, BookError, line_at, told


METRIC = re.compile(
    r"(?ims:^[ \t]*#\+begin_(?P<kind>src|example)\b.*?^[ \t]*#\+end_(?P=kind))"
    r"|=\[\[metric:.*?\]\]="  # neither in a block nor between = signs
    r"|\[\[metric:(?P<key>\w[\w.]*)%(?P<form>[^\]]+)\]\[(?P<said>[^\]]*)\]\]"
    r"|(?P<bad>\[\[\s*(?i:metric)\b)")
TABLE = re.compile(r"^[ \t]*#\+BEGIN:[ \t]+results\b(.*)\n"
                   r"((?:.*\n)*?)[ \t]*#\+END:", re.M | re.I)


def results(program: str, line: int) -> dict:
    """Return the contents of figs/PROGRAM.json."""
    name = f"figs/{program}.json"
    try:
        found = json.loads((ROOT / name).read_text("utf-8"))
        return dict(found)
    except FileNotFoundError:
        fault = f"there is no {name}; run make train"
    except (OSError, TypeError, ValueError):
        fault = f"{name} cannot be read; remove it and run make train"
    raise BookError(line, fault)


def value(key: str, line: int):
    """Return what KEY, such as logistic.accuracy.test, stands for."""
    program, *path = key.split(".")
    found = results(program, line)
    for step in path:
        try:
            found = found[int(step) if isinstance(found, list) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            fault = f"figs/{program}.json has no {'.'.join(path)}"
            raise BookError(line, fault) from None
    return found


def quote(key: str, form: str, line: int) -> str:
    """Return the number KEY in the format FORM, such as .3f."""
    number = value(key, line)
    try:
        return format(number, form)
    except (TypeError, ValueError):
        raise BookError(line, f"%{form} does not fit metric:{key}") from None


def cell(number: float | int | None, measure: str = "") -> str:
    """Return a cell: a whole number, a rate, or four significant digits."""
    if number is None:
        return ""
    if isinstance(number, int):
        return f"{number:,d}"
    if measure.startswith("error rate"):
        return f"{number:.2%}"
    return f"{number:#.4g}".rstrip(".")


def rows(program: str, result: dict, splits: list[str]) -> list[tuple]:
    """Return two rows: the program's own, and its baseline's."""
    link = f"[[#{program.replace('_', '-')}][={program}=]]"
    measure, rival = result["measure"], result["baseline"]
    own = (link, cell(result["parameters"]), cell(result["steps"]), measure)
    other = (rival["name"], "", "", measure)
    return [(*own, *(cell(result.get(split), measure) for split in splits)),
            (*other, *(cell(rival.get(split), measure) for split in splits))]


def links(text: str) -> Iterator[re.Match]:
    """Yield the metric links of TEXT; raise BookError at a malformed one."""
    for found in METRIC.finditer(text):
        if found["bad"]:
            raise BookError(line_at(text, found.start()),
                            "a number is quoted as "
                            "[[metric:program.key%format][number]]")
        if found["key"]:
            yield found


def best_of(body: list[tuple]) -> Callable[[tuple], tuple]:
    """Return what sets the smallest loss of each measure in bold."""
    def loss(row: tuple) -> float:
        return float(row[-1].strip("%").replace(",", ""))

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


def parameters(arguments: str, line: int) -> dict[str, str]:
    """Return what a results block says after its name."""
    try:
        words = shlex.split(arguments)
        given = dict(zip(words[::2], words[1::2], strict=True))
        return {key: given[key] for key in (":programs", ":name", ":caption")}
    except (KeyError, ValueError):
        raise BookError(line, 'a results block needs :programs "...", '
                              ':name tbl-... and :caption "..."') from None


def table(arguments: str, line: int) -> str:
    """Return the Org table that a results block with ARGUMENTS holds."""
    given = parameters(arguments, line)
    found = {program: results(program, line)
             for program in given[":programs"].split()}
    splits = [split for split in ("train", "dev", "test")
              if any(split in result for result in found.values())]
    head = ("program or baseline", "parameters", "steps", "measure", *splits)
    body = []
    for program, result in found.items():
        own, rival = rows(program, result, splits)
        known = [row[3:] for row in body]
        body += [own] if rival[3:] in known else [own, rival]
    return "\n".join([f"#+name: {given[':name']}",
                      f"#+caption: {given[':caption']}",
                      *aligned([head, *map(best_of(body), body)]), ""])


def refreshed(text: str) -> str:
    """Return README.org's TEXT with every link and table renewed."""
    def block(found: re.Match) -> str:
        fresh = table(found[1], line_at(text, found.start()))
        if same(found[2], fresh):
            return found[0]
        return f"#+BEGIN: results{found[1]}\n{fresh}#+END:"

    pieces, at, fresh = [], 0, TABLE.sub(block, text)
    for found in links(fresh):
        line = line_at(fresh, found.start())
        pieces += [fresh[at:found.start("said")],
                   quote(found["key"], found["form"], line)]
        at = found.end("said")
    return "".join([*pieces, fresh[at:]])


def stale(text: str) -> Iterator[str]:
    """Yield a message for every line that a refresh would change."""
    for found in links(text):
        line = line_at(text, found.start())
        number = quote(found["key"], found["form"], line)
        if number != found["said"]:
            yield (f"README.org:{line}: error: {found['said']} is stale, "
                   f"it is {number} now")
    for found in TABLE.finditer(text):
        line = line_at(text, found.start())
        if not same(found[2], table(found[1], line)):
            yield f"README.org:{line}: error: this table is stale"


def refresh(stamp: str) -> None:
    """Bring README.org up to date; keep STAMP newer than it if it was."""
    text = README.read_text("utf-8")
    fresh = refreshed(text)
    if fresh != text:
        tangled = os.path.getmtime(stamp) >= os.path.getmtime(README)
        write(README, fresh)
        if tangled:  # only numbers changed: the programs need no second look
            os.utime(stamp)
        print("numbers   README.org: refreshed from figs/*.json")


def main() -> int:
    """Refresh the numbers, or, with --check, name those that are stale."""
    if sys.argv[1:] == ["--check"]:
        return told(lambda: stale(README.read_text("utf-8")))
    return told(lambda: refresh(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
