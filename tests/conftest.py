# Generated from README.org by tangle.el; edit README.org instead.
"""What all checks share: one thread, and the lines of README.org."""

import os
import re
from pathlib import Path

import pytest

from book.source import ROOT, where


os.environ.setdefault("OMP_NUM_THREADS", "1")  # as make has it


PLACE = re.compile(r'^(?:E +File ")?([^"\n]+\.py)(?::|", line )(\d+):? ?(.*)',
                   re.M)


def pytest_terminal_summary(terminalreporter):
    reports = [report for kind in ("failed", "error")
               for report in terminalreporter.getreports(kind)]
    for report in reports:
        for name, number, words in PLACE.findall(report.longreprtext):
            path = Path(name).resolve()
            if any(path.is_relative_to(ROOT / folder)
                   for folder in ("src", "tests")):
                target = path.relative_to(ROOT).as_posix()
                if line := where(target, int(number)):
                    terminalreporter.write_line(
                        f"README.org:{line}: error: "
                        f"{words or 'called from here'} in {report.nodeid}")


@pytest.fixture
def undrawn(monkeypatch):
    """Let programs write empty figures."""
    monkeypatch.setattr("command_line.to_svg", lambda *_: "<svg/>")
