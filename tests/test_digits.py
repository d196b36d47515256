# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the digits and of files in MNIST's format."""

import gzip
import json

import pytest
import torch
from torch.nn import functional as F

import cnn
from common import digits
from common.options import InputError


def test_splits_share_nothing_and_lose_nothing():
    images, labels = digits.load()
    assert images.shape == (1797, 1, 8, 8) and images.dtype == torch.float32
    train, test = digits.split(images, labels)
    assert (len(train[1]), len(test[1])) == (898, 899)
    (kept, _), (dev, _) = cnn.hold_out(train, 2)  # from 256 up to 384
    assert torch.cat([kept[:256], dev, kept[256:]]).equal(train[0])


@pytest.mark.parametrize("content", [b"one,two", b"\xff\xfe", b"1,2,3"])
def test_bad_digits_are_one_line(content, tmp_path):
    (tmp_path / "digits.csv").write_bytes(content)
    with pytest.raises(InputError, match="digits.csv"):
        digits.load(tmp_path / "digits.csv")


def as_idx(numbers):
    sizes = (size.to_bytes(4, "big") for size in numbers.shape)
    return (bytes([0, 0, 8, numbers.dim()]) + b"".join(sizes)
            + bytes(numbers.flatten().tolist()))


@pytest.fixture
def folder(tmp_path):
    generator = torch.Generator().manual_seed(0)
    for part, count in ("train", 40), ("t10k", 12):
        images = torch.randint(256, (count, 6, 9), generator=generator)
        for kind, content in (("images-idx3", images),
                              ("labels-idx1", torch.arange(count) % 3)):
            (tmp_path / f"{part}-{kind}-ubyte").write_bytes(as_idx(content))
    return tmp_path


IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def test_idx_files_are_read_packed_or_not(folder):
    raw = (folder / IMAGES).read_bytes()
    train, test = digits.load_idx(folder)
    assert train[0].shape == (40, 1, 6, 9) and len(test[0]) == 12
    assert test[1].tolist() == [0, 1, 2] * 4
    assert (train[0][0, 0, 0, :3] * 255).round().tolist() == list(raw[16:19])
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(raw))
    assert torch.equal(digits.load_idx(folder)[0][0], train[0])


@pytest.mark.parametrize("name, content, said", [
    (IMAGES, lambda raw: raw[:-1], "truncated"),
    (LABELS, lambda raw: b"\0\0\x08\x03" + raw[4:], "not an IDX file"),
    (LABELS, lambda raw: as_idx(torch.zeros(11).int()), "11 labels")])
def test_bad_idx_files_are_one_line(folder, name, content, said):
    (folder / name).write_bytes(content((folder / name).read_bytes()))
    with pytest.raises(InputError, match=said):
        digits.load_idx(folder)


def test_the_program_reads_a_folder(folder, tmp_path):
    out, kept = tmp_path / "out", tmp_path / "kept.pt"
    cnn.main(["--quiet", "--data", str(folder), "--out", str(out),
              "--checkpoint", str(kept), "--steps", "5"])
    found = json.loads((out / "cnn.json").read_text())
    assert found["parameters"] == 65_571 and len(list(out.iterdir())) == 5
    images, labels = digits.load_idx(folder)[1]
    loss = F.cross_entropy(cnn.predict(cnn.load(kept), images), labels)
    assert loss.item() == pytest.approx(found["loss"], rel=1e-6)
