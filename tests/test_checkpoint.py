# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the section on checkpoints."""

import errno
import os
import pickle
import re
import zipfile

import pytest
import torch
from torch import nn

import checkpoint
from command_line import InputError, RunError


def toy(inputs, outputs):
    """Return the model of these checks."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs))


@pytest.fixture
def content():
    """Return what a checkpoint of the toy holds."""
    sizes = {"inputs": 3, "outputs": 2}
    return {"program": "toy", "letters": "ab", "sizes": sizes,
            "settings": {"seed": 0, "dropout": 0.1}, "corpus": "0" * 64,
            "model": toy(**sizes).state_dict()}


def test_full_disk_leaves_the_previous_checkpoint(
    tmp_path, content, monkeypatch
):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "toy.pt"
    checkpoint.save(path, content)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.atomic_file.os, "replace", full)
        with pytest.raises(RunError, match="No space left .* is intact"):
            checkpoint.save(path, content | {"letters": "xy"})
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["toy.pt"]
    assert checkpoint.load(path, "toy")["letters"] == "ab"


def test_saving_what_was_loaded_gives_the_same_bytes(tmp_path, content):
    model = toy(3, 2)
    adam = torch.optim.AdamW(model.parameters())
    model(torch.ones(4, 3)).sum().backward()
    adam.step()
    one, two = tmp_path / "one.pt", tmp_path / "two.pt"
    checkpoint.save(one, content | {"training": adam.state_dict()})
    checkpoint.save(two, checkpoint.load(one, "toy"))
    assert one.read_bytes() == two.read_bytes()
    with pytest.raises(TypeError, match="cannot hold Sequential"):
        checkpoint.save(two, content | {"model": model})


class Hostile:
    """An object whose pickle makes a folder when it is read."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_hostile_pickle_does_not_run(tmp_path, content):
    mark, path = tmp_path / "mark", tmp_path / "toy.pt"
    path.write_bytes(pickle.dumps(Hostile(mark)))
    with pytest.raises(InputError, match="not a checkpoint of this book"):
        checkpoint.load(path, "toy")
    torch.save(content | {"version": 1, "model": Hostile(mark)}, path)
    with pytest.raises(InputError, match="not a checkpoint of this book"):
        checkpoint.load(path, "toy")
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.is_dir()


def compress(path):
    torch.save(torch.zeros(10_000), path)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts.items():
            new.writestr(name, part)
    assert len(torch.load(path)) == 10_000  # PyTorch would unpack it


@pytest.mark.parametrize("spoil, said", [
    (lambda path, content: path.unlink(), "directory; train first"),
    (lambda path, content: (path.unlink(), path.mkdir()), "Is a directory"),
    (lambda path, content: path.write_bytes(b""), "damaged"),
    (lambda path, content: path.write_text("emma\n" * 99), "damaged"),
    (lambda path, content: checkpoint.save(path, content | {"version": 2}),
     "of another version; this program reads version 1"),
    (lambda path, content: checkpoint.save(path, content | {"program": "x"}),
     "made by 'x', not by 'toy'"),
    (lambda path, content: compress(path), "damaged"),
    (lambda path, content: torch.save(torch.ones(3), path),
     "not a checkpoint of this book"),
])
def test_bad_checkpoint_is_one_line(spoil, said, tmp_path, content):
    path = tmp_path / "toy.pt"
    checkpoint.save(path, content)
    spoil(path, content)
    with pytest.raises(InputError, match=re.escape(said)) as error:
        checkpoint.load(path, "toy")
    assert "\n" not in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize("change", [
    {"letters": 1}, {"letters": "\x1ba"}, {"letters": "ba"}, {"model": None},
    {"sizes": {"inputs": -3}}, {"sizes": {"inputs": 0.5}},
    {"settings": {"seed": None}}, {"settings": {"seed": 10**30}},
    {"settings": {"a\nb": 0}}, {"settings": {0: 0}},
])
def test_absurd_description_is_refused(change, tmp_path, content):
    checkpoint.save(tmp_path / "toy.pt", content | change)
    with pytest.raises(InputError, match="a part of its description is"):
        checkpoint.load(tmp_path / "toy.pt", "toy")


def test_damage_anywhere_is_found(tmp_path, content):
    path = tmp_path / "toy.pt"
    checkpoint.save(path, content)
    whole = path.read_bytes()
    weight = content["model"]["0.weight"].numpy().tobytes()
    at = whole.index(weight) + 3
    flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:]
    cuts = [whole[:length] for length in range(1, len(whole), 101)]
    for data in flipped, *cuts:
        path.write_bytes(data)
        with pytest.raises(InputError, match="damaged"):
            checkpoint.load(path, "toy")


def test_checkpoint_holds_what_was_saved(tmp_path, content):
    path = tmp_path / "new folder" / "toy.pt"
    checkpoint.save(path, content)
    found = checkpoint.load(path, "toy")
    model = checkpoint.restore(toy, found, path)
    assert not model.training and found["version"] == 1
    for name, weight in content.pop("model").items():
        assert torch.equal(model.state_dict()[name], weight)
    assert content.items() <= found.items()
    wrong = [{"0.bias": bias} for bias in (
        torch.tensor([1.0, torch.nan]), torch.zeros(2).double(),
        torch.zeros(2).to_sparse(), 0.0)]
    for change in ({"sizes": {"inputs": 3, "outputs": 10**9}},
                   {"sizes": {"width": 3}}, {"model": {}},
                   *({"model": found["model"] | one} for one in wrong)):
        with pytest.raises(InputError, match="do not fit the description"):
            checkpoint.restore(toy, found | change, path)


def test_resuming_another_run_and_writing_nowhere_are_refused(
    tmp_path, content
):
    checkpoint.require_same(content, dict(content), "toy.pt")
    for change, said in [
        ({"corpus": "1" * 64}, "began with another list of names"),
        ({"letters": "abc"}, "began with another list of names"),
        ({"settings": {"seed": 0}}, "began with dropout 0.1; now it is None"),
        ({"sizes": {"inputs": 4, "outputs": 2}}, "inputs 3; now it is 4"),
    ]:
        with pytest.raises(InputError, match=said):
            checkpoint.require_same(content, content | change, "toy.pt")
    checkpoint.check_place(tmp_path / "new" / "toy.pt")
    (tmp_path / "names.txt").write_text("anna\n")
    for path in (tmp_path, "", "/dev/null", "/dev/null/toy.pt", "a" * 300,
                 "a" * 300 + "/toy.pt", tmp_path / "names.txt"):
        with pytest.raises(InputError, match="--checkpoint"):
            checkpoint.check_place(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_protected_checkpoint_is_left_alone(tmp_path, content):
    checkpoint.save(tmp_path / "toy.pt", content)
    (tmp_path / "toy.pt").chmod(0o444)
    with pytest.raises(InputError, match="toy.pt: Permission denied"):
        checkpoint.check_place(tmp_path / "toy.pt")
