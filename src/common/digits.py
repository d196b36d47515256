# Generated from README.org by tangle.el; edit README.org instead.
"""Handwritten digits: the book's own, 8x8, and files in MNIST's format."""

import gzip
import math
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from common.files import ROOT
from common.options import InputError

DIGITS = ROOT / "data/digits.csv.gz"
SIDE, LEVELS = 8, 16  # a pixel is 0 (paper) to 16 (ink)
Examples = tuple[Tensor, Tensor]  # images (N, 1, H, W) and labels (N,)


def load(path: Path = DIGITS) -> Examples:
    """Return images (N, 1, 8, 8), float32 from 0 to 1, and labels (N,)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an empty file only warns
            table = np.loadtxt(path, delimiter=",", dtype=np.int64, ndmin=2)
    except (OSError, EOFError, ValueError, UserWarning, zlib.error) as error:
        raise InputError(f"{path}: {error}") from None
    if table.shape[1] != SIDE * SIDE + 1:
        raise InputError(f"{path}: {table.shape[1]} columns, not 65")
    pixels = torch.from_numpy(table[:, :-1]).float() / LEVELS
    return pixels.reshape(-1, 1, SIDE, SIDE), torch.from_numpy(table[:, -1])


def split(images: Tensor, labels: Tensor) -> tuple[Examples, Examples]:
    """Return the first half, for training, and the second, for testing."""
    half = len(labels) // 2
    return (images[:half], labels[:half]), (images[half:], labels[half:])


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Return the bytes of PATH, or PATH.gz, in the shape that it states."""
    try:
        if path.exists():
            content = path.read_bytes()
        else:
            content = gzip.decompress(Path(f"{path}.gz").read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {error}") from None
    start = 4 + 4 * dimensions
    shape = [int.from_bytes(content[at:at + 4], "big")
             for at in range(4, start, 4)]
    if content[:4] != bytes([0, 0, 8, dimensions]):
        raise InputError(f"{path}: not an IDX file of {dimensions} dimensions")
    if len(content) != start + math.prod(shape):
        raise InputError(f"{path}: truncated, or damaged")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def load_idx(folder: Path) -> tuple[Examples, Examples]:
    """Return training and test examples from MNIST's files in FOLDER."""
    pairs = []
    for part in "train", "t10k":
        images = read_idx(folder / f"{part}-images-idx3-ubyte", 3)
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte", 1)
        if not 0 < len(images) == len(labels):
            raise InputError(f"{folder}: {len(images)} images and "
                             f"{len(labels)} labels in {part}")
        pairs.append((torch.from_numpy(images / np.float32(255))[:, None],
                      torch.from_numpy(labels.astype(np.int64))))
    if pairs[0][0].shape[1:] != pairs[1][0].shape[1:]:
        raise InputError(f"{folder}: training and test images differ in size")
    return pairs[0], pairs[1]
