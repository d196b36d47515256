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

from book.tree import (README, ROOT, chapters, fault, first_line, nodes, slug,
                       words)
from common.files import write

FEW = 10  # lines: more stand in an example block, as Org has it


def cells(chapter: dict) -> list[dict]:
    """Return the blocks of CHAPTER that run: its programs, and examples."""
    return [block for block in nodes(chapter, "src-block")
            if block.get("language") == "python" and (block.get("output")
            or block.get("target", "").startswith("src/")
            and not block["target"].startswith("src/book/"))]


def cache(chapter: dict) -> tuple[Path, str]:
    """Return where the outputs of CHAPTER are kept, and under which key."""
    key = hashlib.sha256()
    for block in cells(chapter):
        key.update(block["body"].encode())
    for path in sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("figs/*.json")]):
        key.update(path.read_bytes())
    return ROOT / f"build/outputs/{slug(words(chapter['title']))}.json", key.hexdigest()


def kept(chapter: dict) -> list[str] | None:
    """Return what the cells of CHAPTER print if it is known, else None."""
    path, key = cache(chapter)
    content = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return content.get("outputs") if content.get("key") == key else None


def run(chapter: dict) -> None:
    """Run the cells of CHAPTER in one namespace; keep what they print."""
    import torch  # here, since most edits change no output
    torch.set_num_threads(1)
    module = sys.modules["chapter"] = types.ModuleType("chapter")
    printed = []
    for block in cells(chapter):
        vars(module)["__file__"] = str(ROOT / block.get("target", "README.org"))
        into = io.StringIO()
        try:
            with redirect_stdout(into):
                exec(compile("\n" * (first_line(block) - 1) + block["body"],
                             README, "exec"), vars(module))
        except Exception:
            trace = traceback.format_exc().strip()
            raise fault(block["at"], f"this block fails\n{trace}") from None
        printed.append(into.getvalue())
    path, key = cache(chapter)
    write(path, json.dumps({"key": key, "outputs": printed}))


def quoted(printed: str) -> str:
    """Return what was PRINTED as Org writes it below #+RESULTS:."""
    lines = printed.rstrip("\n").split("\n")
    if len(lines) < FEW:
        return "\n".join(f": {line}" for line in lines)
    return "\n".join(["#+begin_example", *lines, "#+end_example"])


def edits(chapter: dict, text: str) -> list[tuple[int, int, str]]:
    """Return the edits of README.org's TEXT that renew CHAPTER's outputs."""
    after = {}  # the element behind each block: its result, if it has one
    for parent in [chapter, *nodes(chapter, "headline", "section", "item")]:
        children = [c for c in parent.get("c", ()) if isinstance(c, dict)]
        after |= {one["at"]: two for one, two in zip(children, children[1:])}
    found = []
    for block, printed in zip(cells(chapter), kept(chapter)):
        if not block.get("output"):
            continue
        result = after.get(block["at"], {})
        if result.get("result") or result.get("key") == "RESULTS":
            start, end, gap = result["at"], result["end"], ""
        else:
            start = end = len(text[:block["end"]].rstrip())
            gap = "\n\n"
        name = f" {block['name']}" if "name" in block else ""
        found.append((start, len(text[:end].rstrip("\n")),
                      f"{gap}#+RESULTS:{name}\n{quoted(printed)}"))
    return found


def outputs(tree: dict) -> list[tuple[int, int, str]]:
    """Run what changed; return the edits that renew every output."""
    found = [chapter for chapter in chapters(tree)
             if any(block.get("output") for block in cells(chapter))]
    stale = [chapter for chapter in found if kept(chapter) is None]
    if stale:
        with ProcessPoolExecutor(
                mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(run, stale))
    return [edit for chapter in found for edit in edits(chapter, tree["text"])]
