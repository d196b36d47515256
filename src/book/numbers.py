# Generated from README.org by tangle.el; edit README.org instead.
"""Refresh what README.org quotes: outputs, numbers and tables."""

import functools
import re
import shlex

from book import tree
from book.outputs import outputs
from book.tree import ROOT, fault, nodes, splice

read = functools.cache(tree.read)


def value(key: str, at: int):
    """Return what KEY, such as logistic.accuracy.test, stands for."""
    program, *path = key.split(".")
    try:
        found = read(ROOT / f"figs/{program}.json") or {}[program]
        for step in path:
            found = found[int(step) if isinstance(found, list) else step]
    except (KeyError, IndexError, TypeError, ValueError):
        raise fault(at, f"figs/ has no {key}; run make train") from None
    return found


def shown(item, form: str = "") -> str:
    """Return ITEM, a number, a text or a list, as a cell or a quotation."""
    if item is None:
        return ""
    if isinstance(item, list):
        return ", ".join(map(shown, item))
    if isinstance(item, str):
        return item
    return format(item, form or "," * isinstance(item, int))


def quotation(link: dict) -> tuple[int, int, str]:
    """Return the edit that renews LINK, [[metric:KEY%FORM][NUMBER]]."""
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

    wide = [max(map(width, column)) for column in zip(*table, strict=True)]
    lines = ["| " + " | ".join(text + " " * (size - width(text))
                               for text, size in zip(row, wide)) + " |"
             for row in table]
    lines.insert(1, "|" + "+".join("-" * (size + 2) for size in wide) + "|")
    return "\n".join(lines)


def loss(row: dict, split: str) -> str:
    """Return a cell: an error rate, or a loss of four significant digits."""
    if split not in row:
        return ""
    rate = row["measure"].startswith("error rate")
    return f"{row[split]:{'.2%' if rate else '#.4g'}}".rstrip(".")


def table_of_results(given: dict, at: int) -> list[list[str]]:
    """Return a row a program and baseline; the best test results are bold."""
    rows = {}  # a baseline that several programs share comes once
    for program in given["programs"].split():
        own = value(program, at)
        rows[program] = own | {
            "name": f"[[#{program.replace('_', '-')}][={program}=]]"}
        if rival := own.get("baseline"):
            rows.setdefault((rival["name"], own["measure"]),
                            rival | {"measure": own["measure"]})
    rows = list(rows.values())
    splits = [split for split in ("train", "dev", "test")
              if any(split in row for row in rows)]
    table = [["program or baseline", "parameters", "steps", "measure",
              *splits]]
    for row in rows:
        cells = [loss(row, split) for split in splits]
        best = min((rival for rival in rows if "test" in rival
                    and rival["measure"] == row["measure"]),
                   key=lambda rival: rival["test"], default=row)
        if "test" in row and cells[-1] == loss(best, "test"):
            cells[-1] = f"*{cells[-1]}*"
        table.append([row["name"], shown(row.get("parameters")),
                      shown(row.get("steps")), row["measure"], *cells])
    return table


def table_of_rows(given: dict, at: int) -> list[list[str]]:
    """Return a table from a list of dictionaries in a results file."""
    columns = [column.partition(":")[::2]
               for column in given["columns"].split()]
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
        head = f"#+name: {given['name']}\n#+caption: {given['caption']}"
    except KeyError as error:
        raise fault(block["at"], f"this block has no {error}") from None
    begin = text[block["at"]:block["end"]].split("\n")[0]
    return (block["at"], len(text[:block["end"]].rstrip()),
            f"{begin}\n{head}\n{aligned(cells)}\n#+END:")


def main() -> None:
    """Bring README.org up to date."""
    book = tree.load()
    edits = [quotation(link) for link in nodes(book, "link")
             if link["type"] == "metric"]
    edits += [table(block, book["text"])
              for block in nodes(book, "dynamic-block")]
    if splice(book["text"], edits + outputs(book)):
        print("numbers   README.org: refreshed")


if __name__ == "__main__":
    main()
