# Generated from README.org by tangle.el; edit README.org instead.
"""A list of names as numbers: read, normalised, split, encoded."""

import codecs
import hashlib
import io
import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from command_line import InputError


NAMES = Path(__file__).resolve().parent.parent / "data" / "names.txt"
SHA256 = "cba14f452b7768bd7fe093035a67491d4a334061634ccfd51522fb796910e75e"
FEWEST = 10  # distinct names: eight, one and one in the three splits
LONGEST = 1000  # characters in a name
CHUNK = 2**20  # bytes read at once
BAD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


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
    sha256: str  # of the file

    @property
    def vocabulary(self) -> int:
        """V, the number of tokens: the letters and the boundary."""
        return len(self.letters) + 1

    @cached_property
    def places(self) -> dict[str, str]:
        """The split of each name; the first, where it is in several."""
        return {name: split for split in ("test", "dev", "train")
                for name in getattr(self, split)}


def require_text(text: str, path: Path, first: int) -> None:
    """Refuse TEXT, which begins in line FIRST of PATH, if it is none."""
    if found := BAD.search(text):
        line = first + text.count("\n", 0, found.start())
        code = ord(found.group())
        why = (f"control character U+{code:04X}; a list of names is plain "
               "text" if code < 0xD800 else "not UTF-8 text")
        raise InputError(f"{path}:{line}: {why}")


def pieces(path: Path, digest) -> Iterator[tuple[int, str]]:
    """Yield the lines of PATH, many at a time, and the first's number."""
    bare = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    decoder = io.IncrementalNewlineDecoder(bare, translate=True)
    line, rest, block = 1, "", b"begin"
    try:
        with open(path, "rb") as file:
            while block:
                block = file.read(CHUNK)
                digest.update(block)
                text = rest + decoder.decode(block, final=not block)
                require_text(text, path, line)
                end = text.rfind("\n") + 1 if block else len(text)
                yield line, text[:end]
                line, rest = line + text.count("\n"), text[end:]
                if len(rest) > CHUNK:
                    raise InputError(
                        f"{path}:{line}: a line of more than {CHUNK} "
                        f"characters; the longest name allowed has {LONGEST}")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"--names {path}: {why}") from None


def normalise(text: str) -> str:
    """Return TEXT case-folded and composed (Unicode form NFC)."""
    folded = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", folded)


def names_in(text: str, path: Path, first: int = 1) -> list[str]:
    """Return the names of TEXT, one a line, normalised; blank lines go.

    FIRST is the number that the first line has in PATH.
    """
    lines = [" ".join(line.split()) for line in normalise(text).split("\n")]
    for number, name in enumerate(lines, start=first):
        if len(name) > LONGEST:
            raise InputError(
                f"{path}:{number}: a name of {len(name)} characters; "
                f"the longest allowed is {LONGEST}"
            )
    return [name for name in lines if name]


def read(path: Path) -> tuple[list[str], str]:
    """Return the names of PATH, normalised, and the file's SHA-256."""
    digest = hashlib.sha256()
    names = [name for line, text in pieces(path, digest)
             for name in names_in(text, path, line)]
    sha256 = digest.hexdigest()
    if Path(path).resolve() == NAMES and sha256 != SHA256:
        raise InputError(
            f"{path} is not the list that came with the book: its checksum "
            "differs; restore it, and give your own list as --names FILE"
        )
    return names, sha256


def split(names: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return 80, 10 and 10% of NAMES, shuffled: train, dev and test."""
    shuffled = list(names)
    random.Random(42).shuffle(shuffled)
    first, second = int(0.8 * len(names)), int(0.9 * len(names))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


def load(path: Path = NAMES, keep_duplicates: bool = False) -> Corpus:
    """Read the list of names at PATH and split it; one name a line."""
    names, sha256 = read(path)
    distinct = list(dict.fromkeys(names))  # in the order of the file
    if len(distinct) < FEWEST:
        raise InputError(
            f"--names {path}: distinct names: {len(distinct)}; "
            f"at least {FEWEST} are needed"
        )
    letters = "".join(sorted(set("".join(distinct))))
    train, dev, test = split(names if keep_duplicates else distinct)
    return Corpus(letters, train, dev, test, sha256)


def encode(name: str, letters: str) -> list[int]:
    """Return the token of each letter of NAME; all must be in LETTERS."""
    return [letters.index(letter) + 1 for letter in name]


def decode(tokens: list[int], letters: str) -> str:
    """Return the name that TOKENS, without boundaries, spell."""
    return "".join(letters[token - 1] for token in tokens)


def stream(names: list[str], letters: str, context: int) -> Tensor:
    """Return NAMES end to end, CONTEXT boundaries before each and after all.

    The shape is (S,), the type uint8 where V <= 256 and int32 elsewhere.
    """
    pad = "\0" * context
    text = pad + pad.join(names) + "\0"
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    known = np.array([0, *map(ord, letters)], dtype=np.uint32)
    small = np.uint8 if len(known) <= 256 else np.int32
    return torch.from_numpy(np.searchsorted(known, codes).astype(small))


def windows(
    names: list[str], letters: str, context: int
) -> tuple[Tensor, Tensor]:
    """Return x (N, T), the CONTEXT tokens before each token of y (N,).

    A name of n letters gives n + 1 examples: each letter, and its end.
    """
    tokens = stream(names, letters, context)
    before, after = tokens[context - 1 : -1], tokens[context:]
    at = ((after != 0) | (before != 0)).nonzero()[:, 0]
    return tokens.unfold(0, context, 1)[at], after[at].long()
