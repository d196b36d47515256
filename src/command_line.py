# Generated from README.org by tangle.el; edit README.org instead.
"""The command line that the programs of this book have in common."""

import argparse
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure

from atomic_file import write
from figure_style import to_svg


class InputError(Exception):
    """The user's input is at fault: one line, exit status 2."""


class RunError(Exception):
    """The run itself failed: one line, exit status 1."""


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors take one line instead of a page."""

    def error(self, message: str) -> None:
        raise InputError(" ".join(message.split()) + " (see --help)")


def count(text: str) -> int:
    """Read a whole number from 0 to 2**63 - 1, the largest int64."""
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < 2**63:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 0 to 2**63 - 1"
        )
    return number


def choose_device(name: str) -> torch.device:
    """Turn auto, cpu, cuda or mps into a device that this machine has."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, here in available.items() if here)
    if not available[name]:
        raise InputError(
            f"--device {name}: there is none here; use --device cpu"
        )
    return torch.device(name)


def output_folder(name: str) -> Path:
    """Return the folder NAME, if files can be made in it."""
    folder = nearest = Path(name)
    try:
        while not os.path.lexists(nearest) and nearest != nearest.parent:
            nearest = nearest.parent
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise InputError(f"--out {name}: {error.strerror}") from None
    if not name or any(len(os.fsencode(part)) > 250 for part in folder.parts):
        raise InputError(f"--out {name[:40]!r}: this is no name of a folder")
    return folder


def add_options(
    parser: argparse.ArgumentParser, steps: int | None, seed: int
) -> None:
    """Give PARSER the options that every program has."""
    add = parser.add_argument
    usual = "by the size of the data" if steps is None else "%(default)s"
    add("--steps", type=count, default=steps, metavar="N",
        help=f"parameter updates (default: {usual})")
    add("--seed", type=count, default=seed, metavar="N",
        help="seed of every generator (default: %(default)s)")
    add("--device", choices=["auto", "cpu", "cuda", "mps"], default="cpu",
        help="where tensors live (default: %(default)s)")
    add("--out", default="figs", metavar="DIR",
        help="folder of figures and results (default: %(default)s)")
    add("--quiet", action="store_true", help="print nothing")


def parse(
    program: str, about: str, argv: list[str] | None, *,
    steps: int | None, seed: int,
    more: Callable[[argparse.ArgumentParser], None] | None = None,
) -> argparse.Namespace:
    """Read PROGRAM's options from ARGV, by default the process's own."""
    parser = OneLineParser(prog=program, description=about, allow_abbrev=False)
    add_options(parser, steps, seed)
    if more:
        more(parser)  # options that only some programs have
    args = parser.parse_args(argv)
    args.program = program
    args.device = choose_device(args.device)
    args.out = output_folder(args.out)
    torch.set_num_threads(1)
    return args


def rounded(value):
    """Return VALUE with every float in it at six significant digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def as_json(program: str, results: dict) -> str:
    """Return RESULTS as JSON, the same bytes on every run."""
    note = f"Generated from README.org by src/{program}.py; do not edit."
    content = {"//": note, "program": program} | rounded(results)
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    return text.replace("{\n ", "{", 1) + "\n"  # the note stands in line 1


def save(
    args: argparse.Namespace, results: dict, figures: dict[str, Figure]
) -> None:
    """Write the figures and figs/PROGRAM.json, and say so in one line."""
    try:
        numbers = as_json(args.program, results)
    except ValueError:
        raise RunError(
            "a result is not a finite number; try fewer --steps"
        ) from None
    drawn = {
        name: to_svg(figure, args.program) for name, figure in figures.items()
    }
    for name, text in drawn.items():
        write(args.out / f"{name}.svg", text)
    write(args.out / f"{args.program}.json", numbers)
    if not args.quiet:
        plural = "figure" if len(drawn) == 1 else "figures"
        pictures = f"{len(drawn)} {plural} and " if drawn else ""
        print(
            f"{args.program}: {results['steps']} steps; wrote {pictures}"
            f"{args.program}.json to {args.out}"
        )


def flush() -> None:
    """Write what is printed so far; if that fails, never try again."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise


def run(main: Callable[[], int]) -> int:
    """Call MAIN; turn what a user can cause into one line and a status."""
    program = Path(sys.argv[0]).stem
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return main()
        finally:
            flush()
    except InputError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 141
    except (RunError, OSError) as error:
        print(f"{program}: failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
