# Generated from README.org by tangle.el; edit README.org instead.
"""Memory and speed of training on long lists, by number of processes."""

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

import deep
import mapped_names
import processes


SIZES = 10_000, 1_000_000, 20_000_000  # names
STEPS, WARM, BATCH = 220, 20, 128
SYLLABLES = [a + b for a in "bcdfghklmnprst" for b in "aeiou"]  # 70**4 names


def write_list(path: Path, count: int) -> None:
    """Write COUNT made-up names of four syllables to PATH."""
    names = map("".join, itertools.product(SYLLABLES, repeat=4))
    with open(path, "w") as file:
        while some := list(itertools.islice(names, min(count, 10**5))):
            file.write("\n".join(some) + "\n")
            count -= len(some)


def peak() -> int:
    """Return the most memory that this process had resident, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def learn(rows: deep.Rows, letters: str) -> float:
    """Return the names a second that a new network learns from ROWS."""
    sizes = {"vocabulary": len(letters) + 1, "context": deep.CONTEXT,
             "channels": deep.CHANNELS, "hidden": deep.HIDDEN}
    model = deep.build(sizes, 0.0, 0)
    replica = processes.replicate(model)
    optimizer, _ = deep.optimise(model, STEPS, deep.LR, 0.0)
    for step in range(STEPS):
        if step == WARM:
            begin = time.perf_counter()
        loss = deep.learn(model, replica, rows, BATCH, 0.0, 0, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return (STEPS - WARM) * BATCH / (time.perf_counter() - begin)


def main(argv: list[str] | None = None) -> int:
    """Learn from the list of names ARGV; print what that took, as JSON."""
    given = sys.argv[1:] if argv is None else argv
    if not given:
        print("bench_corpus: needs a list of names; make bench makes some")
        return 0
    torch.set_num_threads(1)
    path = Path(given[0])
    before, begin = peak(), time.perf_counter()
    corpus = processes.in_turn(lambda: mapped_names.load(
        path, False, deep.CONTEXT, deep.cut, path.parent))
    found = {"start": before, "load": time.perf_counter() - begin,
             "loaded": peak()}
    rows = deep.Rows(**corpus.arrays["train"], release=corpus.release)
    found["speed"] = learn(rows, corpus.letters)
    found["peak"] = max(processes.gather(peak()))
    if processes.rank() == 0:
        print(json.dumps(found))
    return 0


def lines(sizes: tuple[int, ...] = SIZES) -> Iterator[str]:
    """Yield a table: memory and speed for lists of these SIZES."""
    yield ("  names  processes  encode/open s  peak MB: import, load, train"
           "  names/s")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "names.txt"
            write_list(path, size)
            for count in 1, 2:
                output = subprocess.run(
                    [sys.executable, "-m", "torch.distributed.run",
                     "--standalone", "--nproc-per-node", str(count),
                     __file__, str(path)], check=True, text=True,
                    stdout=subprocess.PIPE).stdout
                found = json.loads(output)
                yield (f"{size:9} {count:5} {found['load']:12.1f}"
                       f"{found['start']:15} {found['loaded']:6}"
                       f"{found['peak']:6}{found['speed']:14.0f}")


if __name__ == "__main__":
    sys.exit(processes.run(main))
