# Generated from README.org by tangle.el; edit README.org instead.
"""Refresh what README.org quotes: outputs, numbers and tables."""

import functools
import hashlib
import io
import json
import math
import multiprocessing
import re
import shlex
import sys
import traceback
import types
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

from book import tree
from book.tree import README, ROOT, chapters, fault, nodes, runs
from common.files import write

read = functools.cache(tree.read)
FEW = 10  # lines: more stand in an example block, as Org has it
SPLITS = "train", "dev", "test"


def scripts(chapter: dict) -> list[dict]:
    """Return the blocks of CHAPTER that run, but for checks."""
    return [block for block in nodes(chapter, "src-block") if runs(block)
            and not block.get("target", "").startswith("tests/")]


def kept(chapter: dict) -> Path:
    """Return where the outputs of CHAPTER are; its name is their key."""
    key = hashlib.sha256()
    for block in scripts(chapter):
        key.update(block["body"].encode())
    for path in sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("figs/*.json")]):
        key.update(path.read_bytes())
    return ROOT / f"build/outputs/{key.hexdigest()[:16]}.json"


def run(chapter: dict) -> None:
    """Run CHAPTER's scripts in one namespace; keep what they print."""
    module = sys.modules["chapter"] = types.ModuleType("chapter")
    printed = []
    for block in scripts(chapter):
        into = io.StringIO()
        try:
            with redirect_stdout(into):
                exec(compile("\n" * (block["line"] - 1) + block["body"],
                             README, "exec"), vars(module))
        except (Exception, SystemExit):
            trace = traceback.format_exc().strip()
            raise fault(block["at"], f"this block fails\n{trace}") from None
        printed.append(into.getvalue())
    write(kept(chapter), json.dumps(printed))


def quoted(printed: str) -> str:
    """Return what was PRINTED as Org writes it below #+RESULTS:."""
    lines = printed.rstrip("\n").split("\n")
    if len(lines) < FEW:
        return "\n".join(f": {line}" for line in lines)
    lines = [re.sub(r"^,*(\*|#\+)", r",\g<0>", line) for line in lines]
    return "\n".join(["#+begin_example", *lines, "#+end_example"])


def edits(chapter: dict, text: str) -> list[tuple[int, int, str]]:
    """Return the edits of README.org's TEXT that renew CHAPTER's outputs."""
    printed = json.loads(kept(chapter).read_text("utf-8"))
    results, block = {}, {}  # the result below each block
    for node in nodes(chapter, "src-block", "fixed-width", "example-block",
                      "keyword"):
        if node["t"] == "src-block":
            block = node
        elif "result" in node or node.get("key") == "RESULTS":
            results[block["at"]] = node
    found = []
    for block, said in zip(scripts(chapter), printed, strict=True):
        if "output" in block:
            end = len(text[:block["end"]].rstrip())
            old = results.get(block["at"], {"at": end, "end": end})
            gap = "\n\n" if old["at"] == end else ""
            name = f" {block['name']}" if "name" in block else ""
            found.append((old["at"], len(text[:old["end"]].rstrip("\n")),
                          f"{gap}#+RESULTS:{name}\n{quoted(said)}"))
    return found


def outputs(tree: dict) -> list[tuple[int, int, str]]:
    """Run what changed; return the edits that renew every output."""
    found = [chapter for chapter in chapters(tree)
             if any("output" in block for block in scripts(chapter))]
    stale = [chapter for chapter in found if not kept(chapter).exists()]
    if stale:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(mp_context=spawn) as pool:
            list(pool.map(run, stale))
    return [edit for chapter in found for edit in edits(chapter, tree["text"])]


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


def table_of_results(given: dict, at: int) -> list[list[str]]:
    """Return a row a program and baseline; the best test results are bold."""
    rows = {}  # a baseline that several programs share comes once
    for program in given["programs"].split():
        own = value(program, at)
        rows[program] = own | {
            "name": f"[[#{program.replace('_', '-')}][={program}=]]"}
        if rival := own.get("baseline"):
            rows.setdefault(rival["name"] + own["measure"],
                            {"measure": own["measure"]} | rival)
    best, table = {}, []
    for row in rows.values():
        best[row["measure"]] = min(best.get(row["measure"], math.inf),
                                   row.get("test", math.inf))
    for row in rows.values():
        form = ".2%" if row["measure"].startswith("error rate") else "#.4g"
        *cells, test = (shown(row.get(split), form).rstrip(".")
                        for split in SPLITS)
        mark = "*" * (row.get("test") == best[row["measure"]])
        table.append([row["name"], shown(row.get("parameters")),
                      shown(row.get("steps")), row["measure"], *cells,
                      f"{mark}{test}{mark}"])
    return [["program or baseline", "parameters", "steps", "measure", *SPLITS],
            *table]


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
    except KeyError as error:
        raise fault(block["at"], f"this block has no {error}") from None
    old = text[block["at"]:block["end"]].rstrip()
    *head, end = (line for line in old.split("\n") if line.startswith("#+"))
    return (block["at"], block["at"] + len(old),
            "\n".join([*head, aligned(cells), end]))


def main() -> None:
    """Bring README.org up to date."""
    book = tree.load()
    text = new = book["text"]
    edits = [quotation(link) for link in nodes(book, "link")
             if link["type"] == "metric"]
    edits += [table(block, text) for block in nodes(book, "dynamic-block")]
    for start, end, said in sorted(edits + outputs(book), reverse=True):
        new = new[:start] + said + new[end:]
    if new != text:
        write(README, new)
        print("numbers   README.org: refreshed")


if __name__ == "__main__":
    main()
