# Generated from README.org by tangle.el; edit README.org instead.
"""Make .venv from the pinned requirements.txt."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]
OLDEST = (3, 10)


def said_by(command: list[str]) -> tuple[bool, str]:
    """Run COMMAND; return whether it succeeded, and its last line."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        return False, str(error)
    lines = done.stdout.strip().splitlines() or [""]
    return done.returncode == 0, lines[-1].strip()


def step(command: list[str], fault: str) -> None:
    """Run COMMAND; if it fails, stop with FAULT and what was said."""
    done, said = said_by(command)
    if not done:
        sys.exit(f"setup: error: {fault} ({said})")


def main() -> int:
    """Make the environment, if need be, and bring it up to date."""
    if sys.version_info < OLDEST:
        found = sys.version.split()[0]
        sys.exit(f"setup: error: this is Python {found}; the book needs 3.10 "
                 "or newer: make PYTHON=python3.12 setup")
    environment = ROOT / ".venv"
    pip = [str(environment / "bin/python"), "-m", "pip"]
    print("setup     .venv, from requirements.txt; the first time takes "
          "minutes", flush=True)
    if not said_by([*pip, "--version"])[0]:
        shutil.rmtree(environment, ignore_errors=True)
        step([sys.executable, "-m", "venv", str(environment)],
             "no .venv can be made; on Debian and Ubuntu type: "
             "apt-get install python3-venv")
    step([*pip, "install", "--quiet", "--disable-pip-version-check",
          "--requirement", "requirements.txt"],
         "pip could not install requirements.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
