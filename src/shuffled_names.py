# Generated from README.org by tangle.el; edit README.org instead.
"""The names of a file in random order, with no more than a part in memory."""

import hashlib
from collections import defaultdict
from pathlib import Path

from names_corpus import names_in, pieces


KEY = b"42"  # of the tickets, as a seed is of random numbers


def ticket(name: bytes) -> bytes:
    """Return eight hexadecimal digits that NAME and KEY decide."""
    digest = hashlib.blake2b(name, digest_size=4, key=KEY)
    return digest.hexdigest().encode()


def deal(path: Path, folder: Path, parts: int, digest) -> str:
    """Write each name of PATH to one of PARTS files; return the letters."""
    letters = set()
    for line, text in pieces(path, digest):
        names, hands = names_in(text, path, line), defaultdict(list)
        for name in map(str.encode, names):
            number = ticket(name)
            hands[int(number, 16) * parts >> 32].append(number + name + b"\n")
        for part, hand in hands.items():
            with open(folder / str(part), "ab") as file:
                file.writelines(hand)
        letters.update("".join(names))
    return "".join(sorted(letters))


def collect(folder: Path, part: int, keep_duplicates: bool) -> list[str]:
    """Return the names dealt to PART, by their tickets; remove its file."""
    file = folder / str(part)
    if not file.exists():
        return []
    lines = file.read_bytes().split(b"\n")[:-1]
    file.unlink()
    chosen = sorted(lines if keep_duplicates else set(lines))
    return [line[8:].decode() for line in chosen]
