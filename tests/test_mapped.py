# Generated from README.org by tangle.el; edit README.org instead.
"""Checks of the section on a corpus larger than memory."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import bench_corpus
import checkpoint
import command_line
import deep
import mapped_names
import names_corpus
import shuffled_names
from command_line import InputError


def some_names(count=400):
    """Return COUNT distinct names of one to twelve letters; one is long."""
    source = random.Random(1)
    found = {"".join(source.choices("aeinorst", k=source.randint(3, 12)))
             for _ in range(2 * count)}
    return [*sorted(found)[: count - 1], "é" * 300]


@pytest.fixture
def path(tmp_path):
    """Return a list in which names come twice, in capitals, or with dots."""
    path, found = tmp_path / "list.txt", some_names()
    lines = [*found, "", *map(str.upper, found[:99]), "  ", *found[50:150]]
    path.write_bytes(("\ufeff" + "\r\n".join(lines)).encode())
    return path


def load(path, **settings):
    """Return the mapped corpus in the list PATH."""
    settings = {"keep_duplicates": False, "context": 16} | settings
    return mapped_names.load(path, cut=deep.cut, folder=path.parent / "maps",
                             **settings)


def everything(corpus):
    """Return the names of CORPUS by split, read from its rows."""
    return {split: [mapped_names.name_at(data, corpus.letters, row)
                    for row, known in enumerate(data["known"]) if known == 0]
            for split, data in corpus.arrays.items()}


def test_mapped_list_holds_the_names_of_the_one_in_memory(path):
    there, here = load(path), names_corpus.load(path)
    found = everything(there)
    assert sorted(sum(found.values(), [])) == sorted(
        here.train + here.dev + here.test)
    assert there.letters == here.letters
    assert found == {split: getattr(there, split) for split in found}
    for split, names in found.items():
        assert all(there.get(name, "new") == split for name in names)
    assert there.get("zz", "new") == there.get(names[0] + "a", "new") == "new"


def test_rows_and_batches_are_those_of_the_names_in_memory(path):
    corpus = load(path)
    for split, arrays in corpus.arrays.items():
        stream = names_corpus.stream(getattr(corpus, split), corpus.letters, 1)
        here = deep.cut(stream, 16)
        there = deep.Rows(**arrays, release=corpus.release)
        assert torch.equal(here.stream, there.stream)
        assert there.examples() == here.examples()
        assert deep.longest_of(there) == deep.longest_of(here)
        for step in range(3):
            one, two = (deep.lesson(rows, 32, 0.3, 0, step)[0]
                        for rows in (here, there))
            assert all(map(torch.equal, vars(one).values(),
                           vars(two).values()))


@pytest.mark.parametrize("chunk, part", [(700, 64), (5000, 2**19)])
def test_sizes_of_chunks_and_parts_change_nothing(path, chunk, part,
                                                  monkeypatch):
    expected = everything(load(path))
    monkeypatch.setattr(names_corpus, "CHUNK", chunk)
    monkeypatch.setattr(mapped_names, "PART", part)
    assert everything(load(path, context=3)) == expected


def test_a_name_has_one_split_and_a_split_its_share(path):
    names = [f"name {number}" for number in range(20_000)]
    tickets = [int(shuffled_names.ticket(name.encode()), 16)
               for name in names]
    for low, high in mapped_names.SPLITS.values():
        share = sum(low <= 10 * t >> 32 < high for t in tickets) / 20_000
        assert share == pytest.approx((high - low) / 10, abs=0.01)
    twice = load(path, keep_duplicates=True)
    found = everything(twice)
    assert {split: set(names) for split, names in found.items()} == {
        split: set(names) for split, names in everything(load(path)).items()}
    assert sum(map(len, found.values())) == 400 + 99 + 100


def test_order_of_the_names_is_random(path):
    names = sum(everything(load(path)).values(), [])
    rank = {name: place for place, name in enumerate(sorted(names))}
    pairs = torch.tensor([[place, rank[name]] for place, name
                          in enumerate(names)], dtype=torch.float64)
    assert abs(torch.corrcoef(pairs.T)[0, 1]) < 0.2


@pytest.mark.parametrize("damage", [
    lambda data: data[:-1], lambda data: data[:20], lambda data: b"",
    lambda data: data[:900] + bytes([data[900] ^ 1]) + data[901:]])
def test_damaged_file_is_written_again(path, damage):
    load(path)
    file, = (path.parent / "maps").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    load(path)
    assert file.read_bytes() == whole
    assert [file] == list((path.parent / "maps").iterdir())


def test_file_is_kept_while_the_list_is_the_same(path, monkeypatch):
    first = load(path)
    monkeypatch.setattr(mapped_names, "write", None)
    copy = path.with_name("copy.txt")
    copy.write_bytes(path.read_bytes())
    assert load(copy).sha256 == first.sha256
    with pytest.raises(TypeError):  # it would write
        load(path, context=3)
    path.write_bytes(path.read_bytes() + b"\r\nnewcomer")
    with pytest.raises(TypeError):
        load(path)


BAD = {b"anna\nb\xffb\n": "list.txt:2: not UTF-8 text",
       b"anna\nb\x00b\n": "list.txt:2: control character U.0000",
       b"anna\n" * 50 + b"b" * 1001: "list.txt:51: a name of 1001 characters",
       b"anna\nbob\n": "distinct names: 2; at least 10"}


@pytest.mark.parametrize("content", BAD)
def test_bad_list_says_the_same_as_in_memory(path, content, monkeypatch):
    monkeypatch.setattr(names_corpus, "CHUNK", 1100)
    path.write_bytes(content)
    for read in load, names_corpus.load:
        with pytest.raises(InputError, match=BAD[content]):
            read(path)
    assert not list(path.parent.glob("maps/*"))


def test_other_faults_are_one_line(path, monkeypatch):
    with pytest.raises(InputError, match="--names .*: No such file"):
        load(path.with_name("none.txt"))
    with pytest.raises(InputError, match="--names .*: Is a directory"):
        load(path.parent)
    few = path.with_name("few.txt")
    few.write_text("\n".join("abcdefghij"))
    with pytest.raises(InputError, match="none falls to (dev|test)"):
        load(few)
    with pytest.raises(InputError, match="no file, and cannot be read"):
        load(Path("/dev/null"))
    path.with_name("maps").rmdir()
    path.with_name("maps").write_text("a file")
    with pytest.raises(InputError, match="--mapped .*maps: Not a directory"):
        load(path)


def test_deep_reads_a_mapped_list(path, tmp_path):
    def read(*options):
        args = command_line.parse(
            "deep", "", ["--names", str(path), "--steps", "2", *options],
            steps=None, seed=0, more=deep.options)
        corpus, data = deep.read(args)
        return data, deep.describe(args, corpus, data["train"])

    data, there = read("--mapped", str(tmp_path / "maps"))
    assert deep.PAIRED <= mapped_names.SHOWN  # a lead needs the names
    _, history = deep.run(there["sizes"], there["settings"], data, 0,
                          torch.device("cpu"))
    assert history["dev"][-1] < history["dev"][0]
    with pytest.raises(InputError, match="another list of names"):
        checkpoint.require_same(there, read()[1], "deep.pt")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_memory_does_not_follow_the_size_of_the_list(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    peaks = []
    for size in 10_000, 400_000:
        path = tmp_path / f"{size}.txt"
        bench_corpus.write_list(path, size)
        output = subprocess.run(
            [sys.executable, "-m", "bench_corpus", path], env=environment,
            check=True, text=True, timeout=300, capture_output=True).stdout
        peaks.append(json.loads(output)["peak"])
    assert 400_000 * sys.getsizeof("babababa") > 20e6
    assert peaks[1] < peaks[0] + 20
