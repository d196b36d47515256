# Generated from README.org by tangle.el; edit README.org instead.
"""Run the blocks of every chapter, and put what they print below them."""

import hashlib
import io
import json
import multiprocessing
import sys
import traceback
import types
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

from book.tree import README, ROOT, chapters, fault, nodes, runs
from common.files import write

FEW = 10  # lines: more stand in an example block, as Org has it


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
        except Exception:
            trace = traceback.format_exc().strip()
            raise fault(block["at"], f"this block fails\n{trace}") from None
        printed.append(into.getvalue())
    write(kept(chapter), json.dumps(printed))


def quoted(printed: str) -> str:
    """Return what was PRINTED as Org writes it below #+RESULTS:."""
    lines = printed.rstrip("\n").split("\n")
    if len(lines) < FEW:
        return "\n".join(f": {line}" for line in lines)
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
