# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of digits in MNIST's format."""

import gzip
import json

import pytest
import torch
from torch.nn import functional as F

import cnn
from common import digits
from common.options import InputError


def as_idx(numbers):
    sizes = (size.to_bytes(4, "big") for size in numbers.shape)
    return (bytes([0, 0, 8, numbers.dim()]) + b"".join(sizes)
            + bytes(numbers.flatten().tolist()))


def test_the_program_reads_files_of_mnist(tmp_path):
    images = (torch.arange(40 * 54) % 251).reshape(40, 6, 9)
    for part in "train", "t10k":
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(as_idx(images))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(as_idx(torch.arange(40) % 3)))
    out, kept = tmp_path / "out", tmp_path / "kept.pt"
    cnn.main(["--quiet", "--data", str(tmp_path), "--out", str(out),
              "--checkpoint", str(kept), "--steps", "5"])
    _, (images, labels) = digits.load_idx(tmp_path)
    assert labels[:6].tolist() == [0, 1, 2] * 2
    assert (255 * images[1, 0, 0]).round().tolist() == list(range(54, 63))
    found = json.loads((out / "cnn.json").read_text())
    loss = F.cross_entropy(cnn.predict(cnn.load(kept), images), labels)
    assert loss.item() == pytest.approx(found["loss"], rel=1e-5)
    for content, said in (b"\0\0\x08\x03", "truncated"), (b"a", "not an IDX"):
        (tmp_path / "t10k-images-idx3-ubyte").write_bytes(content)
        with pytest.raises(InputError, match=said):
            digits.load_idx(tmp_path)
