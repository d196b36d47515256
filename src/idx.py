# Generated from README.org by tangle.el; edit README.org instead.
"""Images and labels from the four files of MNIST, in the IDX format."""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from command_line import InputError
from digits import read_bytes


SMALLEST, FEWEST = 4, 10  # pixels on a side; images in a file


def find(folder: Path, name: str) -> Path:
    """Return the file NAME in FOLDER, or NAME.gz."""
    try:
        for path in folder / name, folder / f"{name}.gz":
            if path.is_file():
                return path
    except OSError as error:  # it may not be looked into
        raise InputError(f"--data {folder}: {error.strerror}") from None
    raise InputError(f"--data {folder}: there is no {name} or {name}.gz")


def read(path: Path, dimensions: int) -> np.ndarray:
    """Return the bytes of the IDX file PATH in the shape that it states."""
    content = read_bytes(path)
    magic = bytes([0, 0, 8, dimensions])
    if content[:4] != magic:
        raise InputError(f"{path}: its magic number is "
                         f"{content[:4].hex() or 'missing'}, "
                         f"not {magic.hex()}")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise InputError(f"{path}: truncated; its head has {start} bytes")
    shape = [int.from_bytes(content[i:i + 4], "big")
             for i in range(4, start, 4)]
    stated, found = math.prod(shape), len(content) - start
    if stated != found:
        cause = "truncated" if found < stated else "damaged"
        raise InputError(f"{path}: {cause}; its head states {stated} bytes, "
                         f"and {found} follow")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def pair(folder: Path, prefix: str) -> tuple[Tensor, Tensor]:
    """Return images (N, 1, H, W), from 0 to 1, and labels (N,)."""
    path = find(folder, f"{prefix}-images-idx3-ubyte")
    images = read(path, 3)
    labels = read(find(folder, f"{prefix}-labels-idx1-ubyte"), 1)
    if len(images) != len(labels):
        raise InputError(f"{path}: {len(images)} images, but the file of "
                         f"labels has {len(labels)}")
    if len(images) < FEWEST or min(images.shape) < SMALLEST:
        size = " by ".join(map(str, images.shape[1:]))
        raise InputError(f"{path}: {len(images)} images of {size} pixels; at "
                         f"least {FEWEST} of {SMALLEST} by {SMALLEST} are "
                         "needed")
    pixels = torch.from_numpy(images.astype(np.float32) / 255)
    return pixels[:, None], torch.from_numpy(labels.astype(np.int64))


def load(folder: Path) -> tuple[tuple, tuple]:
    """Return (images, labels) of the train and the test files in FOLDER."""
    folder = Path(folder)
    train, test = pair(folder, "train"), pair(folder, "t10k")
    if train[0].shape[1:] != test[0].shape[1:]:
        raise InputError(f"--data {folder}: the images for training and for "
                         "testing differ in size")
    classes = int(train[1].max()) + 1
    if classes < 2 or test[1].max() >= classes:
        raise InputError(f"--data {folder}: labels up to {classes - 1} for "
                         f"training, up to {int(test[1].max())} for testing")
    return train, test
