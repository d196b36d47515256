# Generated from README.org by tangle.el; edit README.org instead.
"""How far a run is: a bar on a terminal, a few plain lines in a log."""

import sys
from collections.abc import Iterator

from tqdm import tqdm


LINES = 5  # of a log


class Progress:
    """Shows on standard error how a run goes on; QUIET, it shows nothing."""

    def __init__(self, label: str = "", quiet: bool = True) -> None:
        self.label, self.quiet, self.bar = label, quiet, None

    def count(self, first: int, last: int) -> Iterator[int]:
        """Yield the steps FIRST to LAST - 1."""
        self.last, self.part = last, first * LINES // max(last, 1)
        if self.quiet or not sys.stderr.isatty():
            yield from range(first, last)
            return
        self.bar = tqdm(range(first, last), self.label, last, initial=first)
        yield from self.bar

    def report(self, step: int, said: str) -> None:
        """Show what was SAID of STEP steps."""
        part = step * LINES // max(self.last, 1)
        if self.bar is not None:
            self.bar.set_postfix_str(said)
        elif not self.quiet and part > self.part:
            print(f"{self.label}: step {step} of {self.last}: {said}",
                  file=sys.stderr, flush=True)
        self.part = part
