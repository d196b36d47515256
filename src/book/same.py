# Generated from README.org by tangle.el; edit README.org instead.
"""Compare a fresh page with README.html, if the same versions made both."""

import re
import sys

from book.source import ROOT


def versions(page: str) -> str:
    """Return the footer's line about the versions that built PAGE."""
    found = re.search(r"Built from README.org with .*", page)
    return found[0] if found else ""


def main() -> int:
    """Compare the two files named on the command line."""
    fresh, kept = (
        (ROOT / name).read_text("utf-8") if (ROOT / name).exists() else ""
        for name in sys.argv[1:]
    )
    if fresh == kept:
        return 0
    if kept and versions(fresh) != versions(kept):
        print(
            "check     README.html was built by other versions: not compared"
        )
        return 0
    state = "changed" if kept else "missing"
    print(f"README.html:1: error: {state}; run make html", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
