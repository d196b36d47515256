# Generated from README.org by tangle.el; edit README.org instead.
"""Make .venv from the pinned requirements.txt."""

import shutil
import subprocess
import sys
from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]


OLDEST = (3, 10)


def step(command: list[str], fault: str) -> None:
    """Run COMMAND; if it fails, stop with FAULT and the last line it said."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        said = done.stdout.strip().splitlines() or [""]
        sys.exit(f"setup: error: {fault} ({said[-1].strip()})")


def main() -> int:
    """Make the environment, if need be, and bring it up to date."""
    if sys.version_info < OLDEST:
        found = sys.version.split()[0]
        sys.exit(f"setup: error: this is Python {found}; the book needs 3.10 "
                 "or newer: make PYTHON=python3.12 setup")
    environment = ROOT / ".venv"
    pip = str(environment / "bin/pip")
    print("setup     .venv, from requirements.txt", flush=True)
    if not Path(pip).exists():
        shutil.rmtree(environment, ignore_errors=True)
        step([sys.executable, "-m", "venv", str(environment)],
             "no .venv can be made; on Debian and Ubuntu type: "
             "apt-get install python3-venv")
    step([pip, "install", "--quiet", "--disable-pip-version-check",
          "--requirement", "requirements.txt"],
         "pip could not install requirements.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
