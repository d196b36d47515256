# Generated from README.org by tangle.el; edit README.org instead.
"""Build and test a copy of the book as other processors would."""

import os
import shutil
import subprocess
import sys

from book.train import quoted
from book.tree import ROOT, read

BASELINE = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_CBWR": "COMPATIBLE"}
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_CBWR": "AVX2"}
PLACES = {"sse": (BASELINE, ""), "avx2": (AVX2, ""), "seed": ({}, "--seed 7")}


def build(place: str) -> str:
    """Build and test a clone of the last commit in PLACE; say what failed."""
    switches, options = PLACES[place]
    copy = ROOT / "build/elsewhere" / place
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", ROOT, copy], check=True)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("MAKE", "MFLAGS"))} | switches
    for goal in "all", "test":
        print(f"elsewhere {place}: make {goal}", flush=True)
        done = subprocess.run(["make", goal, f"OPTIONS={options}"], cwd=copy,
                              env=environment, stdin=subprocess.DEVNULL)
        if done.returncode:
            return f"{place}: make {goal} failed"
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=copy,
                             capture_output=True, text=True).stdout
    return f"{place}: files changed\n{changed}" if changed and switches else ""


def main() -> None:
    """Visit every place, then print each result and what it became."""
    faults = list(filter(None, map(build, sys.argv[1:] or PLACES)))
    row = "{:20}" + " {:>14}" * (1 + len(PLACES))
    print(row.format("program", "the book", *PLACES))
    for path in sorted((ROOT / "figs").glob("*.json")):
        name = f"build/results/{path.stem}/{path.name}"
        print(row.format(path.stem, quoted(read(path)), *(
            quoted(read(ROOT / "build/elsewhere" / place / name))
            for place in PLACES)))
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
