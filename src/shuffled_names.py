# Generated from README.org by tangle.el; edit README.org instead.
"""The names of a file in random order, with no more than a part in memory."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import names_corpus
from command_line import InputError
from names_corpus import LONGEST


CHUNK = 2**20  # bytes read at once
KEY = b"42"  # of the tickets, as a seed is of random numbers


def ticket(name: bytes) -> bytes:
    """Return eight hexadecimal digits that NAME and KEY decide."""
    digest = hashlib.blake2b(name, digest_size=4, key=KEY)
    return digest.hexdigest().encode()


def pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines of PATH, about CHUNK bytes, and the first's number."""
    line, rest = 1, b""
    with open(path, "rb") as file:
        while block := file.read(CHUNK):
            block = rest + block
            end = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1
            rest = block[end:]
            if len(rest) > CHUNK:
                raise InputError(
                    f"{path}:{line}: a line of more than {CHUNK} bytes; the "
                    f"longest name allowed has {LONGEST} characters")
            yield line, block[:end]
            ends = block.count(b"\n", 0, end) + block.count(b"\r", 0, end)
            line += ends - block.count(b"\r\n", 0, end)
    yield line, rest


def chunks(path: Path) -> Iterator[list[str]]:
    """Yield the names of PATH as names_corpus reads them, some at a time."""
    for line, piece in pieces(path):
        try:
            text = piece.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            line += piece[: error.start].count(b"\n")
            raise InputError(f"{path}:{line}: not UTF-8 text") from None
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        yield names_corpus.names_in(text, path, line)


def deal(path: Path, folder: Path, parts: int) -> str:
    """Write each name of PATH to one of PARTS files; return the letters."""
    letters = set()
    for names in chunks(path):
        hands = defaultdict(list)
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
