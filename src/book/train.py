# Generated from README.org by tangle.el; edit README.org instead.
"""Run every program whose sources changed; keep results that it reproduces.

Programs run side by side, forked from a process that has imported PyTorch
already: that saves half the time of most.
"""

import multiprocessing
import os
import re
import runpy
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path

from book.tree import ROOT, load, nodes, read
from common.files import imported, made_from, write

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["torch", "torch._dynamo", "matplotlib.figure",
                              "matplotlib.backends.backend_svg"])
OPTIONS = sys.argv[1:]


def traced(log: str) -> str:
    """Return LOG with README.org:LINE: for each frame in a tangled file."""
    lines = {}  # of README.org, for each line of a tangled file but its first
    for block in nodes(load(), "src-block"):
        if "target" in block:
            here = lines.setdefault(str(ROOT / block["target"]), [0, 0])
            last = block["line"] + block["body"].count("\n") + 1
            here += [*range(block["line"], last), 0, 0]

    def place(frame: re.Match) -> str:
        found = lines.get(frame[1], [])[int(frame[2]):][:1]
        return f"README.org:{found[0]}:" if found else frame[0]

    return re.sub(r'  File "([^"]+)", line (\d+),?', place, log)


def losses(results, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield the losses by split in RESULTS, each with its path."""
    items = (results.items() if isinstance(results, dict)
             else enumerate(results) if isinstance(results, list) else ())
    for key, value in items:
        if key in ("train", "dev", "test") and isinstance(value, float):
            yield f"{path}{key}", value
        else:
            yield from losses(value, f"{path}{key}.")


def reproduced(kept: dict, fresh: dict) -> bool:
    """Say whether FRESH results are KEPT ones, made by another processor."""
    if any(kept.get(key) != fresh.get(key) for key in ("made_from", "seed")):
        return False
    old, new = dict(losses(kept)), dict(losses(fresh))
    return old.keys() == new.keys() and all(
        abs(new[key] - value) <= max(3 * kept.get("spread", 0),
                                     1e-3 * abs(value), 1e-6)
        for key, value in old.items())


def quoted(results: dict) -> str:
    """Return the loss in RESULTS that says most."""
    return next((f"{split} {results[split]:.4g}"
                 for split in ("dev", "test", "train")
                 if isinstance(results.get(split), float)), "")


def execute(path: Path, out: Path, more: list[str]) -> None:
    """Run the program at PATH, which writes to OUT, in this process."""
    log = os.open(out / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = [str(path), "--quiet", "--out", str(out), *more]
    runpy.run_path(str(path), run_name="__main__")


def run(path: Path) -> bool:
    """Run the program at PATH if it is due; keep or replace its results."""
    name, out = path.stem, ROOT / "build/results" / path.stem
    there = ROOT / f"figs/{name}.json"
    last = read(out / there.name)
    if not OPTIONS and last.get("made_from") == made_from(name) and (
            reproduced(read(there), last)):
        return True
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    process = FORKS.Process(target=execute, args=(path, out, OPTIONS))
    process.start()
    process.join()
    if process.exitcode:
        log = (out / "log").read_text("utf-8", "replace").strip()
        print(f"train     {name} failed\n{traced(log)}", file=sys.stderr)
        return False
    kept, fresh = read(there), read(out / there.name)
    same = reproduced(kept, fresh)
    if (network := out / f"{name}.pt").exists():
        network.replace(ROOT / "build" / network.name)
    for file in [*out.glob("*.svg"), out / there.name]:
        if not (same and there.with_name(file.name).exists()):
            write(there.with_name(file.name), file.read_bytes())
    said = "reproduced" if same else "new results"
    if loss := quoted(fresh):
        said += f": {loss} (the book: {quoted(kept)})"
    print(f"train     {name} {said}", flush=True)
    return True


def size(program: str) -> int:
    """Return the parameters of PROGRAM: large ones train long."""
    return read(ROOT / f"figs/{program}.json").get("parameters", 0)


def main() -> None:
    """Run programs and experiments, each after those that it imports."""
    paths = {path.stem: path for folder in ("src", "src/experiments")
             for path in (ROOT / folder).glob("*.py")}
    order = TopologicalSorter({name: paths.keys() & imported(path)
                               for name, path in paths.items()})
    order.prepare()
    running = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while order.is_active():
            for name in sorted(order.get_ready(), key=size, reverse=True):
                running[pool.submit(run, paths[name])] = name
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            if not all(future.result() for future in done):
                sys.exit(1)
            order.done(*map(running.pop, done))
    for path in (ROOT / "src/long").glob("*.py"):
        kept = read(ROOT / f"figs/{path.stem}.json")
        if kept.get("made_from") != made_from(path.stem):
            print(f"train     {path.stem} is out of date: make long")


if __name__ == "__main__":
    main()
