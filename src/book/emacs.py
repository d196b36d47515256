# Generated from README.org by tangle.el; edit README.org instead.
"""Find Emacs 28 or newer, or install it, or name the command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys


OLDEST = 28
COMMANDS = {
    "apt-get": "apt-get install --yes --no-install-recommends emacs-nox",
    "dnf": "dnf install --assumeyes emacs-nox",
    "pacman": "pacman -S --noconfirm emacs-nox",
    "zypper": "zypper --non-interactive install emacs-nox",
    "apk": "apk add emacs-nox",
    "brew": "brew install emacs",
}


def version(command: str) -> int | None:
    """Return the major version of the Emacs called COMMAND, or None."""
    try:
        said = subprocess.run([command, "--version"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True).stdout
    except OSError:
        return None
    found = re.match(r"GNU Emacs (\d+)", said)
    return int(found[1]) if found else None


def right() -> list[str] | None:
    """Return what to put before a command to run it as root, or None."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and not subprocess.run(
            ["sudo", "-n", "true"], capture_output=True).returncode:
        return ["sudo", "-n"]
    return None


def advice() -> str:
    """Return the one command that installs Emacs on this machine."""
    manager = next((name for name in COMMANDS if shutil.which(name)), None)
    if manager is None:
        return "install GNU Emacs 28 or newer"
    root = "" if manager == "brew" or os.geteuid() == 0 else "sudo "
    return f"type: {root}{COMMANDS[manager]}"


def install() -> bool:
    """Install Emacs through apt-get; return whether that was possible."""
    prefix = right()
    if prefix is None or not shutil.which("apt-get"):
        return False
    print("setup     emacs-nox, through apt-get", flush=True)
    for command in ("apt-get update", COMMANDS["apt-get"]):
        done = subprocess.run(
            prefix
            + ["env", "DEBIAN_FRONTEND=noninteractive"]
            + command.split(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    return done.returncode == 0


def main() -> int:
    """Make sure that the Emacs named on the command line is there."""
    command = sys.argv[1]
    found = version(command)
    if found is None and install():
        found = version(command)
    if found is not None and found >= OLDEST:
        return 0
    what = (
        f"{command} is version {found}"
        if found
        else f"there is no {command} here"
    )
    print(
        f"setup: error: {what}; the book needs GNU Emacs {OLDEST} or newer: "
        f"{advice()}",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
