# Generated from README.org by tangle.el; edit README.org instead.
"""What the notebooks run on: a cell works in the file that it names."""

import importlib
import inspect
import re
import sys
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import pytest
from IPython import get_ipython
from IPython.display import SVG, display

from book.source import ROOT


class Checks:
    """Gives pytest the tests of a module as they stand in memory."""

    def __init__(self, module):
        self.module = module

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path, parent):
        collector = pytest.Module.from_parent(parent, path=module_path)
        collector.obj = self.module
        return collector

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report):
        passed = report.passed and report.when == "call"
        return ("passed", "", "") if passed else None

    def pytest_deselected(self, items):
        names = ", ".join(dict.fromkeys(item.originalname for item in items))
        print(f"Slow, and not run; to run: check({names}, slow=True)")


class Kept:
    """Lets a fixture of a module compute once for all cells."""

    values: dict = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        function, key = fixturedef.func, (fixturedef.func, request.param_index)
        if key in self.values:
            fixturedef.func = lambda **_: self.values[key]
        made = yield
        if (fixturedef.scope == "module"
                and not inspect.isgeneratorfunction(function)
                and "tmp_path_factory" not in fixturedef.argnames):
            self.values[key] = made
        return made


OPTIONS = ["--no-header", "--tb=short", "--color=no", "--capture=sys",
           "--override-ini=console_output_style=classic",
           "-p", "no:unraisableexception"]  # the kernel's are not the test's


class CheckFailed(Exception):
    """A check failed; pytest has said how."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows
        return [f"CheckFailed: {self}"]


def check(*tests, slow: bool = False) -> None:
    """Run TESTS, functions of the notebook, through pytest."""
    module = sys.modules[tests[0].__module__]
    names = [f"{module.__file__}::{test.__name__}" for test in tests]
    which = [] if slow else ["-m", "not slow"]
    status = pytest.main([*OPTIONS, *which, *names],
                         plugins=[Checks(module), Kept()])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise CheckFailed(", ".join(test.__name__ for test in tests))


FILE = re.compile(r"# (src|tests)/([a-z0-9_/]+)\.py\n")


@dataclass
class Kernel:
    """The kernel's shell, its own module and names, and what there was."""

    shell: object
    own: tuple
    held: dict = field(default_factory=dict)
    drawn: dict[Path, int] = field(default_factory=dict)


def enter(kernel: Kernel, info) -> None:
    """Go where the cell belongs that is about to run."""
    kernel.drawn, kernel.held = drawings(), {}
    if found := FILE.match(info.raw_cell or ""):
        module = importlib.import_module(found[2].replace("/", "."))
        names = vars(module)
        names["_oh"] = kernel.own[1]["_oh"]  # where IPython keeps outputs
        names.setdefault("check", check)
        kernel.shell.user_module, kernel.shell.user_ns = module, names
        kernel.held = dict(names) if found[1] == "src" else {}


def spread(held: dict, names: dict) -> None:
    """Replace the functions and classes of HELD by the new ones in NAMES."""
    folders = f"{ROOT}/src/", f"{ROOT}/tests/"
    fresh = {id(old): names.get(name) for name, old in held.items()
             if (inspect.isfunction(old) or inspect.isclass(old))
             and names.get(name) is not old}
    for module in list(sys.modules.values()):
        if str(getattr(module, "__file__", "")).startswith(folders):
            for name, thing in list(vars(module).items()):
                if id(thing) in fresh:
                    setattr(module, name, fresh[id(thing)])
    if fresh:
        Kept.values.clear()


def drawings() -> dict[Path, int]:
    """Return the figures and when each was written."""
    return {path: path.stat().st_mtime_ns
            for path in sorted((ROOT / "figs").glob("*.svg"))}


def leave(kernel: Kernel, result) -> None:
    """Come back with what the cell defined, and show what it drew."""
    names = kernel.shell.user_ns
    kernel.shell.user_module, kernel.shell.user_ns = kernel.own
    spread(kernel.held, names)
    kernel.own[1].update({name: thing for name, thing in names.items()
                          if not name.startswith("_")})
    for path, time in drawings().items():
        if kernel.drawn.get(path) != time:
            display(SVG(filename=path))


@cache
def start() -> None:
    """Let every cell of this kernel run in the file that it names."""
    shell = get_ipython()
    kernel = Kernel(shell, (shell.user_module, shell.user_ns),
                    drawn=drawings())
    sys.path.insert(0, str(ROOT / "tests"))
    shell.events.register("pre_run_cell", partial(enter, kernel))
    shell.events.register("post_run_cell", partial(leave, kernel))
