# Generated from README.org by tangle.el; edit README.org instead.
"""A model on disk: written whole or not at all, read without running it."""

import io
import os
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

import atomic_file
from command_line import InputError, RunError, output_folder


VERSION = 1
DESCRIPTION = {"program": str, "letters": str, "sizes": dict,
               "settings": dict, "corpus": str, "model": dict}


def plain(value):
    """Return a copy of VALUE in which equal things are written alike.

    Only tensors and plain values pass; for anything else: TypeError.
    """
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    if isinstance(value, str):
        return sys.intern(str(value))
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")


def save(path: Path, content: dict) -> None:
    """Write CONTENT to PATH in one piece; on failure PATH stays as it was."""
    buffer = io.BytesIO()
    torch.save(plain({"version": VERSION} | content), buffer)
    try:
        atomic_file.write(Path(path), buffer.getvalue())
    except OSError as error:
        raise RunError(
            f"--checkpoint {path}: {error.strerror}; "
            "a checkpoint written before is intact"
        ) from None


def read(path: Path) -> object:
    """Return what the checkpoint PATH holds; no code in it can run."""
    try:
        with open(path, "rb") as file:
            data = file.read(2)
            data += file.read() if data == b"PK" else b""
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        hint = "; train first" if isinstance(error, FileNotFoundError) else ""
        raise InputError(f"--checkpoint {path}: {why}{hint}") from None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(item.file_size for item in archive.infolist())
            # testzip names a part whose checksum is wrong
            if size <= len(data) and not archive.testzip():
                return torch.load(
                    io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception:  # whatever a damaged or hostile file sets off
        pass
    raise InputError(
        f"--checkpoint {path}: damaged, or not a checkpoint of this book"
    )


def described(content: dict) -> bool:
    """Say whether CONTENT has a description, and nothing absurd in it."""
    if not all(isinstance(content.get(k), t) for k, t in DESCRIPTION.items()):
        return False
    letters, sizes = content["letters"], content["sizes"]
    numbers = content["settings"] | sizes
    return (
        all(isinstance(key, str) and key.isidentifier() for key in numbers)
        and all(isinstance(number, (int, float)) and abs(number) < 2**63
                for number in numbers.values())
        and all(type(size) is int and size > 0 for size in sizes.values())
        and letters == "".join(sorted(set(letters)))
        and not any(unicodedata.category(letter) in ("Cc", "Cs")
                    for letter in letters)
    )


def load(path: Path, program: str) -> dict:
    """Return the checkpoint of PROGRAM at PATH, tensors on the CPU."""
    content = read(path)
    said = content if isinstance(content, dict) else {}
    version, maker = said.get("version"), said.get("program")
    if type(version) is not int or not isinstance(maker, str):
        why = "not a checkpoint of this book"
    elif version != VERSION:
        why = f"of another version; this program reads version {VERSION}"
    elif maker != program:
        why = f"made by {maker[:40]!r}, not by {program!r}"
    elif not described(said):
        why = "a part of its description is missing or wrong"
    else:
        return content
    raise InputError(f"--checkpoint {path}: {why}")


def alike(found: dict, own: dict) -> bool:
    """Say whether the tensors of FOUND can take the place of those in OWN."""
    def form(tensor: Tensor) -> tuple:
        return tensor.dtype, tensor.shape, tensor.layout

    return found.keys() == own.keys() and all(
        isinstance(found[name], Tensor) and form(found[name]) == form(tensor)
        and bool(found[name].isfinite().all()) for name, tensor in own.items())


def restore(
    build: Callable[..., nn.Module], content: dict, path: Path
) -> nn.Module:
    """Return BUILD(**sizes) with the weights in CONTENT, set to evaluate."""
    try:
        with torch.device("meta"):  # shapes without memory
            model = build(**content["sizes"])
        good = alike(content["model"], model.state_dict())
    except Exception:  # sizes that do not fit, or tensors of another kind
        good = False
    if not good:
        raise InputError(
            f"--checkpoint {path}: the weights do not fit the description")
    model.load_state_dict(content["model"], assign=True)
    return model.eval()


def require_same(content: dict, run: dict, path: Path) -> None:
    """Refuse to resume CONTENT in a RUN with another list or settings."""
    for part in "corpus", "letters", "sizes", "settings":
        if content[part] == run[part]:
            continue
        why = "another list of names" if run["letters"] else "other images"
        if part in ("sizes", "settings"):
            keys = sorted(content[part].keys() | run[part].keys(), key=str)
            old, new = content[part].get, run[part].get
            key = next(key for key in keys if old(key) != new(key))
            why = f"{key} {old(key)}; now it is {new(key)}"
        raise InputError(f"--resume {path}: the run began with {why}")


def check_place(path: Path) -> None:
    """Refuse a PATH where no checkpoint can be written."""
    path = Path(path)
    try:
        output_folder(str(path.parent))
        if os.path.exists(path) and not path.is_file():
            raise InputError("Is a directory" if path.is_dir() else "no file")
        with open(path, "r+b") as file:  # fails if it may not be written
            if file.read(2) not in (b"", b"PK"):
                raise InputError("not a checkpoint; it is left alone")
    except FileNotFoundError:
        pass  # as it should be at the first run
    except (InputError, OSError) as error:
        why = getattr(error, "strerror", str(error)).rsplit(": ", 1)[-1]
        raise InputError(f"--checkpoint {path}: {why}") from None
