# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the handwritten digits and of the IDX files."""

import gzip
import hashlib

import pytest
import torch

import command_line
import digits
import idx


def test_digits_are_what_the_text_says():
    images, labels = digits.load()
    assert images.shape == (1797, 1, 8, 8) and images.dtype == torch.float32
    assert labels.shape == (1797,) and labels.dtype == torch.int64
    assert (images * 16).long().unique().tolist() == list(range(17))
    counts = labels.bincount().tolist()
    assert len(counts) == 10 and 174 <= min(counts) and max(counts) <= 183


def test_there_are_seven_forms_in_each_half():
    _, labels = digits.load()
    ten = torch.arange(10)
    runs = [i for i in range(1788) if torch.equal(labels[i:i + 10], ten)]
    forms = [i for i in runs if not any(i - 50 < j < i for j in runs)]
    assert len(forms) == 14
    assert torch.equal(labels[:130], labels[forms[3]:][:130])
    for hand in range(7):
        assert abs(898 * hand // 7 - forms[hand]) <= 7
        assert abs(898 + 899 * hand // 7 - forms[7 + hand]) <= 17


def test_splits_share_nothing_and_lose_nothing():
    train, test = digits.split(*digits.load())
    assert (len(train[1]), len(test[1])) == (898, 899)
    for hand in range(7):
        kept, dev = digits.hold_out(train, hand)
        assert len(dev[1]) in (128, 129)
        first = 898 * hand // 7
        whole = torch.cat([kept[1][:first], dev[1], kept[1][first:]])
        assert torch.equal(whole, train[1])
    assert torch.equal(torch.cat([train[0], test[0]]), digits.load()[0])


GOOD = ",".join(["16"] * 64 + ["9"])


@pytest.mark.parametrize("content, said", [
    (b"", ": 0 images; 2 are needed"),
    (gzip.compress(b"1,2\n" * 400, mtime=0)[:-9],
     ": truncated; fetch it again"),
    (b"\x1f\x8b\x07 no method of gzip", ": corrupted; fetch it again"),
    (b"\xff\xfe", ": not a table of whole numbers"),
    (b"one,two", ": not a table of whole numbers"),
    (f"{GOOD}\n1,2".encode(), ":2: 2 columns; 65 are needed"),
    (f"{GOOD[:-1]}10\n".encode(), ":1: a number out of range"),
    (f"17{GOOD[2:]}\n".encode(), ":1: a number out of range"),
    (f"-1{GOOD[2:]}\n".encode(), ":1: a number out of range"),
    (GOOD.encode(), ": 1 images; 2 are needed"),
])
def test_bad_digits_are_one_line(content, said, tmp_path):
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(content)
    with pytest.raises(command_line.InputError) as error:
        digits.load(path)
    assert str(error.value) == f"{path}{said}"


def test_checksum_guards_the_books_own_file(tmp_path):
    content = digits.DIGITS.read_bytes()
    assert hashlib.sha256(content).hexdigest() == digits.SHA256
    path = tmp_path / "digits.csv.gz"
    text = gzip.decompress(content)
    path.write_bytes(gzip.compress(text.replace(b"0,0,5", b"0,0,6", 1)))
    with pytest.raises(command_line.InputError, match="checksum differs"):
        digits.load(path)
    images, _ = digits.load(path, sha256=None)
    assert images[0, 0, 0, 2] == 6 / 16
    for damaged in content[:30_000], content[:99] + b"!" + content[100:]:
        path.write_bytes(damaged)
        with pytest.raises(command_line.InputError, match="fetch it again"):
            digits.load(path)
    with pytest.raises(command_line.InputError, match="No such file"):
        digits.load(tmp_path / "none")


def as_idx(numbers):
    head = bytes([0, 0, 8, numbers.dim()])
    sizes = (size.to_bytes(4, "big") for size in numbers.shape)
    return head + b"".join(sizes) + bytes(numbers.long().flatten().tolist())


@pytest.fixture
def folder(tmp_path):
    generator = torch.Generator().manual_seed(0)
    for prefix, count in ("train", 40), ("t10k", 12):
        images = torch.randint(256, (count, 6, 9), generator=generator)
        labels = torch.arange(count) % 3
        for kind, content in ("images-idx3", images), ("labels-idx1", labels):
            path = tmp_path / f"{prefix}-{kind}-ubyte"
            path.write_bytes(as_idx(content))
    return tmp_path


def test_idx_files_are_read_packed_or_not(folder):
    train, test = idx.load(folder)
    assert train[0].shape == (40, 1, 6, 9) and test[0].shape == (12, 1, 6, 9)
    assert test[1].tolist() == [0, 1, 2] * 4
    raw = (folder / "train-images-idx3-ubyte").read_bytes()
    assert (train[0][0, 0, 0, :3] * 255).round().tolist() == list(raw[16:19])
    for path in list(folder.iterdir()):
        packed = path.with_name(path.name + ".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert torch.equal(idx.load(folder)[0][0], train[0])


IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
BAD = [
    (IMAGES, lambda raw: raw[:-1], "truncated; its head states 2160 bytes"),
    (IMAGES, lambda raw: raw[:15], "truncated; its head has 16 bytes"),
    (LABELS, lambda raw: raw[:7], "truncated; its head has 8 bytes"),
    (IMAGES, lambda raw: raw + b"x", "damaged; its head states 2160 bytes"),
    (IMAGES, lambda raw: b"", "its magic number is missing, not 00000803"),
    (IMAGES, lambda raw: b"\x89PNG" + raw, "is 89504e47, not 00000803"),
    (LABELS, lambda raw: raw[:3] + b"\x03" + raw[4:], "not 00000801"),
    (IMAGES, lambda raw: gzip.compress(raw)[:-20], "truncated; fetch it"),
    (IMAGES, lambda raw: b"\x1f\x8b" + raw, "corrupted; fetch it again"),
    (LABELS, lambda raw: as_idx(torch.zeros(11)), "file of labels has 11"),
    (LABELS, lambda raw: as_idx(torch.zeros(0)), "file of labels has 0"),
    (LABELS, lambda raw: raw[:-1] + b"\x07", "labels up to 2 for training"),
    (IMAGES, lambda raw: as_idx(torch.zeros(40, 6, 3)), "4 by 4 are needed"),
    (IMAGES, lambda raw: as_idx(torch.zeros(40, 6, 8)), "differ in size"),
    (LABELS, None, f"there is no {LABELS} or {LABELS}.gz"),
]


@pytest.mark.parametrize("name, change, said", BAD)
def test_bad_idx_files_are_one_line(folder, name, change, said):
    path = folder / name
    raw = path.read_bytes()
    path.unlink()
    if change:
        path.write_bytes(change(raw))
    with pytest.raises(command_line.InputError) as error:
        idx.load(folder)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["", "none", "a" * 300, "a\0b"])
def test_folder_that_is_none_is_refused(name):
    with pytest.raises(command_line.InputError, match="^--data "):
        idx.load(name)


def test_too_few_images_or_classes(folder, monkeypatch):
    for prefix, count in ("train", 40), ("t10k", 12):
        path = folder / f"{prefix}-labels-idx1-ubyte"
        path.write_bytes(as_idx(torch.zeros(count)))
    with pytest.raises(command_line.InputError, match="labels up to 0"):
        idx.load(folder)
    monkeypatch.setattr(idx, "FEWEST", 13)
    with pytest.raises(command_line.InputError, match=": 12 images of 6 by"):
        idx.load(folder)


def test_a_folder_that_may_not_be_read_is_one_line(folder, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.is_file", refused)
    with pytest.raises(command_line.InputError) as error:
        idx.load(folder)
    assert str(error.value) == f"--data {folder}: Permission denied"
