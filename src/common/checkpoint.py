# Generated from README.org by tangle.el; edit README.org instead.
"""A run on disk: written whole, read without running what is in it."""

import io
from pathlib import Path

import torch

from common.files import write
from common.options import InputError

FORMAT = "PyTorch Examples, checkpoint 1"


def save(path: Path, program: str, about: dict, **parts) -> None:
    """Write the state of PARTS to PATH, and ABOUT, which describes them.

    A part is a module, an optimiser, a generator, or a plain value; ABOUT
    holds plain values: sizes to build the model anew, settings.
    """
    content = {"format": FORMAT, "program": program, "about": about}
    for name, part in parts.items():
        state = (getattr(part, "get_state", None) or
                 getattr(part, "state_dict", None))
        content[name] = state() if state else part
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write(path, buffer.getvalue())


def load(path: Path, program: str) -> dict:
    """Return what PROGRAM saved at PATH, tensors on the CPU."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no checkpoint here; train first") from None
    except (IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except Exception:  # truncated, of another kind, or a harmful pickle
        raise InputError(f"{path}: damaged, or not a checkpoint") from None
    said = content if isinstance(content, dict) else {}
    if (said.get("format"), said.get("program")) != (FORMAT, program):
        raise InputError(f"{path}: not a checkpoint of {program}")
    return content


def restore(model: torch.nn.Module, content: dict, path: Path) -> None:
    """Give MODEL the weights in CONTENT, which was read from PATH."""
    try:
        model.load_state_dict(content["model"])
    except Exception:  # missing, of another shape, not tensors
        raise InputError(f"{path}: its weights do not fit the model") from None


def resume(path: Path, program: str, about: dict, **parts) -> int:
    """Bring PARTS to where the run at PATH stopped; return its step.

    PARTS are those of save but for step; the run must have begun with
    the same ABOUT.
    """
    content = load(path, program)
    for key, now in about.items():
        if (then := content["about"].get(key)) != now:
            raise InputError(f"--resume {path}: the run began with another "
                             f"{key}: {str(then)[:40]}, not {str(now)[:40]}")
    try:
        for name, part in parts.items():
            bring = (getattr(part, "set_state", None) or
                     getattr(part, "load_state_dict", None) or part.update)
            bring(content[name])
        return int(content["step"])
    except Exception:  # a part that is missing or does not fit
        raise InputError(f"--resume {path}: no run that can go on") from None
