# Generated from README.org by tangle.el; edit README.org instead.
"""The command line of every program, and what becomes of an error."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from common.files import ROOT


class InputError(Exception):
    """The user's input is at fault: one line, exit status 2."""


class RunError(Exception):
    """The run itself failed: one line, exit status 1."""


class Parser(argparse.ArgumentParser):
    """argparse, with errors of one line."""

    def error(self, message: str):
        raise InputError(f"{message} (see --help)")


def parser(program: str, about: str, *, steps: int | None,
           seed: int) -> Parser:
    """Return a parser with the options that every program has.

    STEPS None means that the program derives it from its data, and 0 that
    it takes none.
    """
    new = Parser(prog=program, description=about, allow_abbrev=False)
    new.set_defaults(steps=steps)
    add = new.add_argument
    if steps != 0:
        add("--steps", type=int, default=steps, metavar="N",
            help=f"parameter updates (default: {steps or 'from the data'})")
    add("--seed", type=int, default=seed, metavar="N",
        help="seed of every generator (default: %(default)s)")
    add("--device", choices=["auto", "cpu", "cuda", "mps"], default="cpu",
        help="where tensors live (default: %(default)s)")
    add("--out", type=Path, metavar="DIR",
        help="folder of figures and results (default: figs)")
    add("--quiet", action="store_true", help="print nothing")
    return new


def add_names(new: Parser) -> None:
    """Add the options about the list of names."""
    new.add_argument("--names", type=Path, default=ROOT / "data/names.txt",
                     metavar="FILE", help="one name a line, UTF-8 (default: "
                     "the book's)")
    new.add_argument("--keep-duplicates", action="store_true",
                     help="split with duplicates, which leaks")


def add_checkpoint(new: Parser, resume: bool = False) -> None:
    """Add the option of what is kept on disk, and of going on from it."""
    new.add_argument("--checkpoint", type=Path, metavar="FILE",
                     help=f"the network on disk (default: {new.prog}.pt, "
                     "in --out or build)")
    if resume:
        new.add_argument("--resume", action="store_true",
                         help="go on from the checkpoint")


def add_training(new: Parser, context: int, dropout: float | None) -> None:
    """Add the options of the networks that learn from names."""
    add = new.add_argument
    usual = "from the data" if dropout is None else dropout
    add("--context", type=int, default=context, metavar="N",
        help="letters looked at (default: %(default)s)")
    add("--dropout", type=float, default=dropout, metavar="P",
        help=f"share of units left out (default: {usual})")
    add("--sample", type=int, metavar="N",
        help="print N names from the checkpoint; no training")
    add("--prefix", default="", metavar="TEXT",
        help="how every sampled name begins")
    add_checkpoint(new, resume=True)


def read(new: Parser, argv: list[str] | None) -> argparse.Namespace:
    """Return the options in ARGV, by default those of the process."""
    args = new.parse_args(argv)
    for name, least in {"steps": 0, "seed": 0, "sample": 0, "context": 1,
                        "dropout": 0}.items():
        value = getattr(args, name, None)
        most = 1 if name == "dropout" else 10**9
        if value is not None and not least <= value < most:  # nan neither
            raise InputError(f"--{name} must be at least {least} and below "
                             f"{most:,}")
    if getattr(args, "checkpoint", "") is None:
        args.checkpoint = (args.out or ROOT / "build") / f"{new.prog}.pt"
    args.out = args.out or ROOT / "figs"
    args.out.mkdir(parents=True, exist_ok=True)
    here = [kind for kind in ("cuda", "mps")
            if getattr(torch, kind).is_available()] + ["cpu"]
    name = here[0] if args.device == "auto" else args.device
    if name not in here:
        raise InputError(f"--device {name}: there is none here")
    args.device, args.program = torch.device(name), new.prog
    torch.set_num_threads(1)  # the same sums on two cores and on sixty-four
    return args


def run(main: Callable[[], None]) -> None:
    """Call MAIN and end the process; one line for whatever went wrong."""
    try:
        main()
        return
    except (InputError, OSError) as error:
        said, status = f"error: {error}", 2
    except RunError as error:
        said, status = f"failed: {error}", 1
    except KeyboardInterrupt:
        said, status = "interrupted", 130
    print(f"{Path(sys.argv[0]).stem}: {said}", file=sys.stderr)
    sys.exit(status)
