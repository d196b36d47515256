# Generated from README.org by tangle.el; edit README.org instead.
"""Handwritten digits, 8x8: read, checked, split."""

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from command_line import InputError


DIGITS = Path(__file__).resolve().parent.parent / "data" / "digits.csv.gz"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
SIDE, LEVELS, CLASSES = 8, 16, 10  # a pixel is 0 (paper) to 16 (ink)


def read_bytes(path: Path) -> bytes:
    """Return the contents of PATH, unpacked if gzip packed them."""
    try:
        content = Path(path).read_bytes()
        packed = content.startswith(b"\x1f\x8b")
        return gzip.decompress(content) if packed else content
    except EOFError:
        raise InputError(f"{path}: truncated; fetch it again") from None
    except (gzip.BadGzipFile, zlib.error):
        raise InputError(f"{path}: corrupted; fetch it again") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {why}") from None


def parse(text: bytes, path: Path) -> np.ndarray:
    """Return the table of whole numbers in TEXT, (N, 65)."""
    columns = SIDE * SIDE + 1  # the pixels row by row, then the label
    try:
        lines = text.decode("ascii").splitlines()
        rows = [[int(cell) for cell in line.split(",")] for line in lines]
    except ValueError:
        raise InputError(f"{path}: not a table of whole numbers") from None
    for number, row in enumerate(rows, start=1):
        if len(row) != columns:
            raise InputError(f"{path}:{number}: {len(row)} columns; "
                             f"{columns} are needed")
        if min(row) < 0 or max(row[:-1]) > LEVELS or row[-1] >= CLASSES:
            raise InputError(f"{path}:{number}: a number out of range")
    if len(rows) < 2:
        raise InputError(f"{path}: {len(rows)} images; 2 are needed")
    return np.array(rows)


def load(
    path: Path = DIGITS, sha256: str | None = SHA256
) -> tuple[Tensor, Tensor]:
    """Return images (N, 1, 8, 8), float32 from 0 to 1, and labels (N,).

    PATH must have the checksum SHA256; None takes any file of the form.
    """
    table = parse(read_bytes(path), path)
    found = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if sha256 and found != sha256:
        raise InputError(f"{path} is not the file that came with the book: "
                         "its checksum differs; restore it")
    pixels = torch.from_numpy(table[:, :-1]).float() / LEVELS
    labels = torch.from_numpy(table[:, -1]).long()  # (N,)
    return pixels.reshape(-1, 1, SIDE, SIDE), labels


def split(images: Tensor, labels: Tensor) -> tuple[tuple, tuple]:
    """Return (images, labels) twice: the first half, train, and test."""
    half = len(labels) // 2
    return (images[:half], labels[:half]), (images[half:], labels[half:])


HANDS = 7  # in either half


def hold_out(
    train: tuple[Tensor, Tensor], hand: int = HANDS - 1
) -> tuple[tuple, tuple]:
    """Return TRAIN without the seventh number HAND, and that one, dev."""
    images, labels = train
    first, end = (len(labels) * k // HANDS for k in (hand, hand + 1))
    kept = torch.cat([torch.arange(first), torch.arange(end, len(labels))])
    return ((images[kept], labels[kept]),
            (images[first:end], labels[first:end]))
