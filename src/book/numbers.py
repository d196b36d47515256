# Generated from README.org by tangle.el; edit README.org instead.
"""Refresh what README.org quotes: outputs, numbers and tables."""

import json
import re
import shlex
from functools import cache

from book.outputs import outputs
from book.tree import ROOT, fault, load, nodes, splice, told


@cache
def results(program: str) -> dict | None:
    """Return the contents of figs/PROGRAM.json, or None."""
    path = ROOT / f"figs/{program}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def value(key: str, at: int):
    """Return what KEY, such as logistic.accuracy.test, stands for."""
    program, *path = key.split(".")
    found = [results(program)]
    try:
        for step in ["0", *path]:
            found = found[int(step) if isinstance(found, list) else step]
        return dict(found) if not path else found
    except (KeyError, IndexError, TypeError, ValueError):
        raise fault(at, f"figs/ has no {key}; run make train") from None


def shown(item, form: str = "") -> str:
    """Return ITEM, a number, a text or a list, as a cell or a quotation."""
    if item is None:
        return ""
    if isinstance(item, list):
        return ", ".join(map(shown, item))
    if not form and isinstance(item, int):
        form = ","
    return format(item, form) if not isinstance(item, str) else item


def quotation(link: dict) -> tuple[int, int, str]:
    """Return the edit that renews the number of LINK, [[metric:KEY%FORM][N]].
    """
    key, _, form = link["path"].partition("%")
    try:
        said = shown(value(key, link["at"]), form)
    except (TypeError, ValueError):
        raise fault(link["at"], f"%{form} does not fit {key}") from None
    return link["at"], link["end"], f"[[{link['raw-link']}][{said}]]"


def aligned(table: list[list[str]]) -> str:
    """Return the rows of TABLE, the first of which is its head, as Org."""
    def width(text: str) -> int:
        return len(re.sub(r"\[\[.*?\]\[(.*?)\]\]", r"\1", text))

    widths = [max(map(width, column)) for column in zip(*table, strict=True)]
    lines = ["| " + " | ".join(text + " " * (wide - width(text))
                               for text, wide in zip(row, widths)) + " |"
             for row in table]
    lines.insert(1, "|" + "+".join("-" * (wide + 2) for wide in widths) + "|")
    return "\n".join(lines)


def loss(number: float | None, measure: str) -> str:
    """Return a cell: an error rate, or a loss of four significant digits."""
    if number is None:
        return ""
    rate = measure.startswith("error rate")
    return f"{number:.2%}" if rate else f"{number:#.4g}".rstrip(".")


def table_of_results(given: dict, at: int) -> list[list[str]]:
    """Return a row a program and baseline; the best test results are bold."""
    rows = {}
    for program in given["programs"].split():
        own = value(program, at)
        link = f"[[#{program.replace('_', '-')}][={program}=]]"
        rows[link] = own | {"name": link}
        if "baseline" in own:
            rival = own["baseline"] | {"measure": own["measure"]}
            rows.setdefault(f"{rival['name']} {own['measure']}", rival)
    splits = [split for split in ("train", "dev", "test")
              if any(split in row for row in rows.values())]
    best = {}
    for row in rows.values():
        if "test" in row:
            best[row["measure"]] = min(row["test"], best.get(row["measure"],
                                                             row["test"]))
    table = [["program or baseline", "parameters", "steps", "measure", *splits]]
    for row in rows.values():
        measure = row["measure"]
        cells = [loss(row.get(split), measure) for split in splits]
        if "test" in row and cells[-1] == loss(best[measure], measure):
            cells[-1] = f"*{cells[-1]}*"
        table.append([row["name"], shown(row.get("parameters")),
                      shown(row.get("steps")), measure, *cells])
    return table


def table_of_rows(given: dict, at: int) -> list[list[str]]:
    """Return a table from a list of dictionaries in a results file."""
    columns = [column.partition(":")[::2] for column in
               given["columns"].split()]
    return [[name.replace("_", " ") for name, _ in columns],
            *([shown(row.get(name), form) for name, form in columns]
              for row in value(given["from"], at))]


def table(block: dict, text: str) -> tuple[int, int, str]:
    """Return the edit that renews the dynamic BLOCK of README.org's TEXT."""
    words = shlex.split(block["arguments"])
    given = {key[1:]: said for key, said in zip(words[::2], words[1::2])}
    make = {"results": table_of_results, "rows": table_of_rows}
    try:
        cells = make[block["block-name"]](given, block["at"])
        lines = [text[block["at"]:block["end"]].split("\n")[0],
                 f"#+name: {given['name']}", f"#+caption: {given['caption']}",
                 aligned(cells), "#+END:"]
    except KeyError as error:
        raise fault(block["at"], f"this block has no {error}") from None
    end = len(text[:block["end"]].rstrip())
    return block["at"], end, "\n".join(lines)


def main() -> None:
    """Bring README.org up to date."""
    tree = load()
    edits = [quotation(link) for link in nodes(tree, "link")
             if link["type"] == "metric"]
    edits += [table(block, tree["text"])
              for block in nodes(tree, "dynamic-block")]
    if splice(edits + outputs(tree)):
        print("numbers   README.org: refreshed")


if __name__ == "__main__":
    told(main)
