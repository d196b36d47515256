# Generated from README.org by tangle.el; edit README.org instead.
"""What the notebooks run on: a cell works in the file that it names."""

import importlib
import inspect
import re
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from IPython import get_ipython
from IPython.display import SVG, display

from book.source import ROOT


class Checks:
    """Gives pytest the tests of a module as they stand in memory."""

    kept: dict = {}  # what costly fixtures returned

    def __init__(self, module):
        self.module = module

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path, parent):
        collector = pytest.Module.from_parent(parent, path=module_path)
        collector.obj = self.module
        return collector

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        function, key = fixturedef.func, (fixturedef.func, request.param_index)
        if key in self.kept:
            fixturedef.func = lambda **_: self.kept[key]
        made = yield
        if (fixturedef.scope == "module"
                and not inspect.isgeneratorfunction(function)
                and "tmp_path_factory" not in fixturedef.argnames):
            self.kept[key] = made
        return made


OPTIONS = ["--no-header", "--tb=short", "--color=no", "--capture=sys",
           "--override-ini=console_output_style=classic",
           "-p", "no:unraisableexception"]  # the kernel's are not the test's


class CheckFailed(Exception):
    """A check failed; pytest has said how."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows
        return [f"CheckFailed: {self}"]


def check(*tests) -> None:
    """Run TESTS, functions of the notebook, through pytest."""
    module = sys.modules[tests[0].__module__]
    names = [f"{module.__file__}::{test.__name__}" for test in tests]
    if pytest.main([*OPTIONS, *names], plugins=[Checks(module)]):
        raise CheckFailed(", ".join(test.__name__ for test in tests))


FILE = re.compile(r"# (src|tests)/([a-z0-9_/]+)\.py\n")


@dataclass
class Kernel:
    """The kernel's shell, its own module and names, and the figures."""

    shell: object
    own: tuple
    drawn: dict[Path, int]


def enter(kernel: Kernel, info) -> None:
    """Go where the cell belongs that is about to run."""
    kernel.drawn = drawings()
    if found := FILE.match(info.raw_cell or ""):
        module = importlib.import_module(found[2].replace("/", "."))
        names = vars(module)
        names["_oh"] = kernel.own[1]["_oh"]  # where IPython keeps outputs
        names.setdefault("check", check)
        kernel.shell.user_module, kernel.shell.user_ns = module, names
        if found[1] == "src":
            Checks.kept.clear()  # it came from the code as it was


def drawings() -> dict[Path, int]:
    """Return the figures and when each was written."""
    return {path: path.stat().st_mtime_ns
            for path in sorted((ROOT / "figs").glob("*.svg"))}


def leave(kernel: Kernel, result) -> None:
    """Come back with what the cell defined, and show what it drew."""
    names = kernel.shell.user_ns
    kernel.shell.user_module, kernel.shell.user_ns = kernel.own
    kernel.own[1].update({name: thing for name, thing in names.items()
                          if not name.startswith("_")})
    for path, time in drawings().items():
        if kernel.drawn.get(path) != time:
            display(SVG(filename=path))


def start() -> None:
    """Let every cell of this kernel run in the file that it names."""
    shell = get_ipython()
    kernel = Kernel(shell, (shell.user_module, shell.user_ns), drawings())
    sys.path.insert(0, str(ROOT / "tests"))
    shell.events.register("pre_run_cell", partial(enter, kernel))
    shell.events.register("post_run_cell", partial(leave, kernel))
