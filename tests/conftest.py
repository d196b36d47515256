# Generated from README.org by tangle.el; edit README.org instead.
"""What all checks share: one thread, and the lines of README.org."""

import os
from pathlib import Path

import pytest

from book.source import ROOT, where


os.environ.setdefault("OMP_NUM_THREADS", "1")  # as make has it


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.getreports("failed"):
        for entry in getattr(
            report.longrepr, "reprtraceback", None
        ).reprentries:
            place = getattr(entry, "reprfileloc", None)
            path = place and (ROOT / place.path).resolve()
            if path and path.is_relative_to(ROOT):
                target = Path(path).relative_to(ROOT).as_posix()
                if line := where(target, place.lineno):
                    terminalreporter.write_line(
                        f"README.org:{line}: error: {place.message} "
                        f"in {report.nodeid}"
                    )


@pytest.fixture
def undrawn(monkeypatch):
    """Let programs write empty figures."""
    monkeypatch.setattr("command_line.to_svg", lambda *_: "<svg/>")
