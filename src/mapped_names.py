# Generated from README.org by tangle.el; edit README.org instead.
"""A list of names larger than memory: encoded once, mapped from a file."""

import bisect
import errno
import hashlib
import json
import mmap
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import names_corpus
import shuffled_names
from command_line import InputError, RunError
from names_corpus import CHUNK, FEWEST, LONGEST, NAMES, Corpus


FORMAT = 1
SPLITS = {"train": (0, 8), "dev": (8, 9), "test": (9, 10)}  # tenths
PART, MOST_PARTS = 2**19, 4000  # bytes of the list in a part; parts
SHOWN = 10_000  # names of a split that are held in memory
ROW = np.dtype([("start", "<i8"), ("length", "<i4"), ("known", "<i4")])


def order(name: str) -> tuple[bytes, bytes]:
    """Return what the names of a file are sorted by."""
    return shuffled_names.ticket(name.encode()), name.encode()


def name_at(data: dict[str, Tensor], letters: str, row: int) -> str:
    """Return the name that ROW is a part of, or nothing if there is none."""
    if row == len(data["start"]):
        return ""
    while data["known"][row] > 0:
        row -= 1
    begin = int(data["start"][row]) + 1
    tokens = data["stream"][begin : begin + LONGEST + 1].tolist()
    return names_corpus.decode(tokens[: tokens.index(0)], letters)


@dataclass(frozen=True)
class Mapped(Corpus):
    """A corpus that stays on disk; its lists hold the first names."""

    memory: mmap.mmap
    arrays: dict[str, dict[str, Tensor]]  # by split: the fields of Rows

    def release(self) -> None:
        """Give the pages that were read back to the system."""
        self.memory.madvise(mmap.MADV_DONTNEED)

    @property
    def places(self) -> "Mapped":
        """The corpus itself, which looks names up on disk."""
        return self

    def get(self, name: str, otherwise: str) -> str:
        """Return the split that holds NAME, or OTHERWISE."""
        tenth = int(order(name)[0], 16) * 10 >> 32
        split = next(s for s, (_, end) in SPLITS.items() if tenth < end)
        data = self.arrays[split]
        spell = partial(name_at, data, self.letters)
        row = bisect.bisect_left(range(len(data["start"])), order(name),
                                 key=lambda row: order(spell(row)))
        return split if spell(row) == name else otherwise


def write_split(folder: Path, split: str, parts: range, letters: str,
                keep_duplicates: bool, cut: Callable) -> tuple[int, int]:
    """Write the names of PARTS as arrays; return how many, and distinct."""
    size = total = distinct = 0
    with (open(folder / f"{split}.rows", "wb") as table,
          open(folder / f"{split}.stream", "wb") as stream):
        for part in parts:
            names = shuffled_names.collect(folder, part, keep_duplicates)
            if not names:
                continue
            tokens = names_corpus.stream(names, letters, 1)
            rows = cut(tokens)
            record = np.empty(len(rows), ROW)
            for field in ROW.names:
                record[field] = getattr(rows, field)
            record["start"] += size
            record.tofile(table)
            tokens[:-1].numpy().tofile(stream)
            size += len(tokens) - 1
            total, distinct = total + len(names), distinct + len(set(names))
        if total:
            tokens[-1:].numpy().tofile(stream)
    return total, distinct


def encode(path: Path, folder: Path, keep_duplicates: bool,
           cut: Callable, digest) -> str:
    """Write the names of PATH as arrays in FOLDER; return the letters."""
    tenth = min(1 + os.path.getsize(path) // PART // 10, MOST_PARTS // 10)
    letters = shuffled_names.deal(path, folder, 10 * tenth, digest)
    count = {
        split: write_split(folder, split, range(first * tenth, end * tenth),
                           letters, keep_duplicates, cut)
        for split, (first, end) in SPLITS.items()}
    distinct = sum(number for _, number in count.values())
    if distinct < FEWEST:
        raise InputError(f"--names {path}: distinct names: {distinct}; "
                         f"at least {FEWEST} are needed")
    for split, (total, _) in count.items():
        if total == 0:
            raise InputError(f"--mapped: of the {distinct} names none falls "
                             f"to {split}; it is for longer lists")
    return letters


def checksum(file) -> int:
    """Return the CRC-32 of what FILE holds from here on."""
    number = 0
    while block := file.read(CHUNK):
        number = zlib.crc32(block, number)
    return number


def assemble(folder: Path, letters: str) -> Path:
    """Join the arrays in FOLDER in one file; return its path."""
    parts = [folder / f"{split}.{kind}" for split in SPLITS
             for kind in ("rows", "stream")]
    sizes = {part.name: os.path.getsize(part) for part in parts}
    head = json.dumps({"letters": letters, "sizes": sizes}).encode()
    with open(folder / "whole", "w+b") as file:
        file.write(b"%08x\n%b\n" % (0, head))
        for part in parts:
            file.write(bytes(-file.tell() % 64))
            with open(part, "rb") as source:
                shutil.copyfileobj(source, file, CHUNK)
        file.seek(9)
        number = checksum(file)
        file.seek(0)
        file.write(b"%08x\n" % number)
    return folder / "whole"


def intact(path: Path) -> bool:
    """Say whether PATH is there, and as it was written."""
    try:
        with open(path, "rb") as file:
            return file.read(9) == b"%08x\n" % checksum(file)
    except FileNotFoundError:
        return False


def fields(memory: mmap.mmap, kind: str, letters: str, at: int,
           size: int) -> dict[str, Tensor]:
    """Return the array of KIND at byte AT of MEMORY, as tensors."""
    small = np.dtype(np.uint8 if len(letters) < 256 else np.int32)
    if kind == "stream":
        array = np.frombuffer(memory, small, size // small.itemsize, at)
        return {"stream": torch.from_numpy(array)}
    table = np.frombuffer(memory, ROW, size // ROW.itemsize, at)
    return {field: torch.from_numpy(table[field]) for field in ROW.names}


def first_names(data: dict[str, Tensor], letters: str) -> list[str]:
    """Return the names in the first rows of DATA."""
    start, stream = data["start"], data["stream"]
    end = int(start[SHOWN]) + 1 if len(start) > SHOWN else len(stream)
    symbols = "\n" + letters
    text = "".join(symbols[token] for token in stream[:end].tolist())
    return text.split("\n")[1:-1]


def attach(path: Path, sha256: str) -> Mapped:
    """Return the corpus in the file PATH, mapped; SHA256 stands for it."""
    with open(path, "rb") as file:
        file.readline()
        head, at = json.loads(file.readline()), file.tell()
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    memory.madvise(mmap.MADV_RANDOM)  # do not read ahead
    letters, arrays = head["letters"], {split: {} for split in SPLITS}
    for name, size in head["sizes"].items():
        split, kind = name.split(".")
        at += -at % 64
        arrays[split] |= fields(memory, kind, letters, at, size)
        at += size
    lists = {split: first_names(arrays[split], letters) for split in SPLITS}
    return Mapped(letters, **lists, sha256=sha256, memory=memory,
                  arrays=arrays)


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of the list at PATH."""
    if Path(path).resolve() == NAMES:
        return names_corpus.read(path)[1]  # small; and checked
    digest = hashlib.sha256()
    for _ in names_corpus.pieces(path, digest):
        pass
    if not os.path.isfile(path):
        raise InputError(f"--mapped: {path} is no file, and cannot be read "
                         "a second time")
    return digest.hexdigest()


def write(path: Path, target: Path, sha256: str, keep_duplicates: bool,
          cut: Callable) -> None:
    """Encode the names of PATH in the file TARGET."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        digest = hashlib.sha256()
        letters = encode(path, Path(name), keep_duplicates, cut, digest)
        if digest.hexdigest() != sha256:
            raise RunError(f"--names {path} changed while it was read")
        os.replace(assemble(Path(name), letters), target)


def load(path: Path, keep_duplicates: bool, context: int, cut: Callable,
         folder: Path) -> Mapped:
    """Return the names of PATH, mapped; encode them first if need be.

    CUT turns a stream of tokens and CONTEXT into rows, as deep.cut does.
    """
    sha256 = fingerprint(path)
    key = repr((FORMAT, sha256, keep_duplicates, context)).encode()
    key = hashlib.sha256(key).hexdigest()
    target = Path(folder) / f"names-{key[:16]}.bin"
    try:
        if not intact(target):
            write(path, target, sha256, keep_duplicates,
                  lambda stream: cut(stream, context))
        return attach(target, key)
    except OSError as error:
        kind = RunError if error.errno == errno.ENOSPC else InputError
        raise kind(f"--mapped {folder}: {error.strerror}") from None
