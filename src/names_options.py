# Generated from README.org by tangle.el; edit README.org instead.
"""The options that programs about names have in common."""

import math
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable

from command_line import InputError, count
from names_corpus import LONGEST, NAMES, Corpus, encode, load, normalise


def between(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from LOWEST to HIGHEST."""
    def read(text: str) -> int:
        short = text.isascii() and text.isdigit() and len(text) < 10
        if not short or not lowest <= int(text) <= highest:
            raise ArgumentTypeError(
                f"{text[:20]!r} is not a whole number "
                f"from {lowest} to {highest}"
            )
        return int(text)

    return read


def share(text: str) -> float:
    """Read a probability that is less than 1."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1:
        raise ArgumentTypeError(
            f"{text[:20]!r} is not a number from 0 to below 1"
        )
    return number


def add_corpus(parser: ArgumentParser) -> None:
    """Add --names and --keep-duplicates."""
    parser.add_argument(
        "--names", metavar="FILE", default=NAMES,
        help="list of names, one a line, UTF-8 (default: the book's)")
    parser.add_argument(
        "--keep-duplicates", action="store_true",
        help="split with duplicates, to compare with figures made so")


def add_context(
    parser: ArgumentParser, default: int | None, lowest: int, highest: int
) -> None:
    """Add --context; a DEFAULT of None is chosen on dev."""
    usual = "chosen on dev" if default is None else default
    parser.add_argument(
        "--context", type=between(lowest, highest), metavar="N",
        default=default,
        help=f"letters looked at, {lowest} to {highest} (default: {usual})")


def add_checkpoint(parser: ArgumentParser, program: str) -> None:
    """Add --checkpoint, --sample and --prefix."""
    parser.add_argument(
        "--checkpoint", metavar="FILE", default=f"build/{program}.pt",
        help="the trained model (default: %(default)s)")
    parser.add_argument(
        "--sample", type=count, metavar="N",
        help="load the checkpoint, print N new names, train nothing")
    parser.add_argument(
        "--prefix", metavar="TEXT", default="",
        help="how every sampled name begins")


def add_training(parser: ArgumentParser, dropout: float | None) -> None:
    """Add --dropout and --resume; a DROPOUT of None follows from the data."""
    usual = "by the size of the data" if dropout is None else dropout
    parser.add_argument(
        "--dropout", type=share, metavar="P", default=dropout,
        help=f"share of hidden units left out (default: {usual})")
    parser.add_argument(
        "--resume", action="store_true",
        help="go on from the checkpoint")


def corpus(args) -> Corpus:
    """Return the list of names that ARGS ask for."""
    return load(args.names, args.keep_duplicates)


def known_list(args, sha256: str) -> Corpus | None:
    """Return the list that ARGS ask for if its checksum is SHA256."""
    found = corpus(args)
    return found if found.sha256 == sha256 else None


def prefix(args, letters: str) -> list[int]:
    """Return the tokens that every sampled name begins with."""
    text = normalise(args.prefix)
    if len(text) >= LONGEST:
        raise InputError(f"--prefix of {len(text)} characters: a name has "
                         f"{LONGEST} at most")
    for letter in text:
        if letter not in letters:
            raise InputError(
                f"--prefix {args.prefix!r}: no name of the list has {letter!r}"
            )
    return encode(text, letters)
