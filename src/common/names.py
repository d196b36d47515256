# Generated from README.org by tangle.el; edit README.org instead.
"""A list of names as numbers: read, normalised, split, encoded."""

import random
import re
import unicodedata
import zlib
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from common.files import ROOT
from common.options import InputError, RunError

NAMES = ROOT / "data/names.txt"
LONGEST = 100  # characters in a name


@dataclass(frozen=True)
class Corpus:
    """Names in three splits, and the letters that they are made of.

    Token 0 is the boundary before and after a name; token i > 0 is
    letters[i - 1].  The letters are sorted by code point.
    """

    letters: str
    train: list[str]
    dev: list[str]
    test: list[str]

    @property
    def vocabulary(self) -> int:
        """V, the number of tokens: the letters and the boundary."""
        return len(self.letters) + 1


def normalise(text: str) -> str:
    """Return TEXT case-folded and composed, so that equal names are equal."""
    return unicodedata.normalize("NFC", " ".join(text.split()).casefold())


def read(path: Path) -> list[str]:
    """Return the names in PATH, one a line, normalised; blank lines go."""
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 text") from None
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST or re.search("[\0-\b\x0e-\x1f]", line):
            raise InputError(f"{path}:{number}: not a name of at most "
                             f"{LONGEST} characters")
    return [name for name in map(normalise, lines) if name]


def split(names: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return 80, 10 and 10 % of NAMES, shuffled: train, dev and test."""
    shuffled = list(names)
    random.Random(42).shuffle(shuffled)
    first, second = int(0.8 * len(names)), int(0.9 * len(names))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


def load(path: Path = NAMES, keep_duplicates: bool = False) -> Corpus:
    """Read the list of names at PATH and split it."""
    names = read(path)
    distinct = list(dict.fromkeys(names))  # in the order of the file
    if len(distinct) < 10:
        raise InputError(f"{path}: {len(distinct)} distinct names; "
                         "at least 10 are needed")
    letters = "".join(sorted(set("".join(distinct))))
    return Corpus(letters, *split(names if keep_duplicates else distinct))


def encode(name: str, letters: str) -> list[int]:
    """Return the token of each letter of NAME, normalised."""
    name = normalise(name)
    for letter in name:
        if letter not in letters:
            raise InputError(f"{name!r}: no name of the list has {letter!r}")
    return [letters.index(letter) + 1 for letter in name]


def decode(tokens: list[int], letters: str) -> str:
    """Return the name that TOKENS, without boundaries, spell."""
    return "".join(letters[token - 1] for token in tokens)


def windows(names: list[str], letters: str,
            context: int) -> tuple[Tensor, Tensor]:
    """Return x (N, T), the T = CONTEXT tokens before each token of y (N,).

    A name of n letters gives n + 1 examples: each letter, and its end.
    """
    code = {letter: token for token, letter in enumerate(letters, start=1)}
    tokens = [0] * context
    for name in names:
        tokens += [code[letter] for letter in name] + [0] * context
    stream = torch.tensor(tokens)  # CONTEXT boundaries around every name
    before, after = stream[context - 1:-1], stream[context:]
    at = ((after != 0) | (before != 0)).nonzero()[:, 0]
    return stream.unfold(0, context, 1)[at], after[at]


def describe(args: Namespace, corpus: Corpus, settings: dict) -> dict:
    """Return what a run is: its list and SETTINGS, or those in ARGS."""
    return {
        "list": zlib.crc32("\n".join(corpus.train).encode()),
        "letters": corpus.letters, "vocabulary": corpus.vocabulary,
        "context": args.context, "seed": args.seed} | settings | {
        option: given for option in ("steps", "dropout")
        if (given := getattr(args, option)) is not None}


def per_character(nats: Tensor, words: list[str]) -> float:
    """Return the mean over the characters of WORDS, their ends included.

    NATS (N,) holds the loss of each word.
    """
    return nats.sum().item() / sum(len(word) + 1 for word in words)


@torch.inference_mode()
def sample(score: Callable[[Tensor], Tensor], letters: str, count: int,
           generator: torch.Generator, context: int,
           prefix: str = "") -> list[str]:
    """Return COUNT names that begin with PREFIX, none of them empty.

    SCORE gives the logits (B, V) of what follows the tokens (B, T), a
    boundary and letters, of which it is shown the last CONTEXT.
    """
    x = torch.tensor([[0, *encode(prefix, letters)]]).repeat(count, 1)
    going = torch.arange(count)  # the rows of names that have not ended
    while len(going) and x.shape[1] <= LONGEST:
        p = score(x[going, -context:]).softmax(1).cpu()  # (B, V)
        if not p.isfinite().all():
            raise RunError("a probability is not finite")
        if x.shape[1] == 1:
            p[:, 0] = 0  # no name is empty
        token = torch.multinomial(p, 1, generator=generator)[:, 0]
        x = F.pad(x, (0, 1))  # names that have ended get boundaries
        x[going, -1] = token
        going = going[token > 0]
    return [decode([token for token in row if token], letters)
            for row in x.tolist()]
