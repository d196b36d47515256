# Generated from README.org by tangle.el; edit README.org instead.
"""Say where in README.org a line of a tangled file came from."""

import re
import sys
from pathlib import Path

from book.source import ROOT, where


FRAME = re.compile(r'^ *File "([^"]+)", line (\d+)(?:, in (\S+))?', re.M)


def traced(log: str) -> str:
    """Return LOG with README.org:LINE: for each frame in a tangled file."""
    def origin(frame: re.Match) -> str:
        path = Path(frame[1]).resolve()
        if not any(path.is_relative_to(ROOT / folder)
                   for folder in ("src", "tests")):
            return frame[0]
        target = path.relative_to(ROOT).as_posix()
        line = where(target, int(frame[2]))
        caller = f"in {frame[3]} " if frame[3] else ""
        there = f"README.org:{line}: {caller}({target}:{frame[2]})"
        return there if line else frame[0]

    return FRAME.sub(origin, log)


def answer(place: str) -> int:
    """Print the README.org line of PLACE, a FILE:LINE; return a status."""
    target, _, line = place.rpartition(":")
    if not target or not line.isdigit():
        print(f"where: error: {place!r} is not FILE:LINE, "
              "such as src/logistic.py:41", file=sys.stderr)
        return 2
    if not (ROOT / target).is_file():
        print(f"where: error: there is no file {target}", file=sys.stderr)
        return 2
    found = where(target, int(line))
    if found is None:
        print(f"where: error: {place} did not come from a block of README.org",
              file=sys.stderr)
        return 2
    print(f"README.org:{found}")
    return 0


def main() -> int:
    """Answer for one FILE:LINE, or, with --log FILE, for a failed run."""
    if sys.argv[1:2] == ["--log"]:
        log = Path(sys.argv[2]).read_text("utf-8", errors="replace")
        print(traced(log).rstrip(), file=sys.stderr)
        return 0
    return answer(sys.argv[1] if sys.argv[1:] else "")


if __name__ == "__main__":
    sys.exit(main())
