# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the digits and of files in MNIST's format."""

import gzip
import hashlib

import pytest
import torch

import cnn
from common import digits, options
from common.options import InputError


def test_the_file_is_the_one_that_was_published():
    assert hashlib.sha256(digits.DIGITS.read_bytes()).hexdigest() == (
        "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22")


def test_splits_share_nothing_and_lose_nothing():
    images, labels = digits.load()
    assert images.shape == (1797, 1, 8, 8) and images.dtype == torch.float32
    train, test = digits.split(images, labels)
    assert (len(train[1]), len(test[1])) == (898, 899)
    for hand in range(7):
        kept, dev = cnn.hold_out(train, hand)
        start = 898 * hand // 7
        whole = torch.cat([kept[0][:start], dev[0], kept[0][start:]])
        assert whole.equal(train[0]) and len(kept[1]) + len(dev[1]) == 898


def test_nearest_neighbour_by_a_loop():
    train, test = digits.split(*digits.load())
    for x, said in zip(test[0][:9], cnn.nearest(train, test[0][:9])):
        gaps = [((x - known)**2).sum().item() for known in train[0]]
        assert said == train[1][gaps.index(min(gaps))]


@pytest.mark.parametrize("content", [b"one,two", b"\xff\xfe", b"1,2,3"])
def test_bad_digits_are_one_line(content, tmp_path):
    (tmp_path / "digits.csv").write_bytes(content)
    with pytest.raises(InputError, match="digits.csv") as error:
        digits.load(tmp_path / "digits.csv")
    assert "\n" not in str(error.value)


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
    assert train[0].shape == (40, 1, 6, 9) and test[0].shape == (12, 1, 6, 9)
    assert test[1].tolist() == [0, 1, 2] * 4
    assert (train[0][0, 0, 0, :3] * 255).round().tolist() == list(raw[16:19])
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(raw))
    assert torch.equal(digits.load_idx(folder)[0][0], train[0])


@pytest.mark.parametrize("name, content, said", [
    (IMAGES, lambda raw: raw[:-1], "truncated"),
    (IMAGES, lambda raw: raw[:8], "truncated"),
    (IMAGES, lambda raw: b"", "not an IDX file"),
    (LABELS, lambda raw: b"\0\0\x08\x03" + raw[4:], "not an IDX file"),
    (LABELS, lambda raw: as_idx(torch.zeros(11).int()), "11 labels"),
    (IMAGES, lambda raw: as_idx(torch.zeros(40, 6, 8).int()), "in size"),
    (LABELS, None, "No such file")])
def test_bad_idx_files_are_one_line(folder, name, content, said):
    raw = (folder / name).read_bytes()
    (folder / name).unlink()
    if content:
        (folder / name).write_bytes(content(raw))
    with pytest.raises(InputError, match=said) as error:
        digits.load_idx(folder)
    assert "\n" not in str(error.value)


def test_the_program_goes_on_where_it_stopped(folder, monkeypatch):
    def run(out, *more):
        cnn.main(["--quiet", "--data", str(folder), "--out", str(folder / out),
                  "--checkpoint", str(folder / f"{out}.pt"), "--steps", "5",
                  *more])
        return {path.name: path.read_bytes()
                for path in (folder / out).iterdir()}

    def breaks(start, stop, **_):
        yield from range(start, 3)
        raise KeyboardInterrupt

    monkeypatch.setattr(cnn, "KEEP", 2)
    whole = run("one")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(cnn, "KINDS", {"cnn": "the one on disk"})
        patch.setattr(cnn, "trange", breaks)
        run("two")
    assert run("two", "--resume") == whole and len(whole) == 6
    with pytest.raises(InputError, match="another seed"):
        run("two", "--resume", "--seed", "9")


@pytest.mark.parametrize("words, said", [
    (["--data", "none"], "No such file"), (["--resume"], "train first")])
def test_bad_input_is_one_line_and_status_2(words, said, tmp_path,
                                            monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["cnn.py", "--out", str(tmp_path),
                                     "--checkpoint", "none.pt", *words])
    with pytest.raises(SystemExit) as end:
        options.run(cnn.main)
    error = capsys.readouterr().err
    assert end.value.code == 2 and said in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())
