# Generated from README.org by tangle.el; edit README.org instead.
"""A training run that can be stopped at any moment and go on."""

import time
from pathlib import Path

import torch

import checkpoint
from command_line import InputError, RunError


def state_of(part) -> object:
    """Return the state of a PART of a run, in tensors and plain values."""
    if isinstance(part, torch.Generator):
        return part.get_state()
    return part if isinstance(part, dict) else part.state_dict()


def put_state(part, state: object) -> None:
    """Bring a PART of a run into the STATE that state_of returned."""
    if isinstance(part, torch.Generator):
        part.set_state(state)
    elif isinstance(part, dict):
        part.update(state)
    else:
        part.load_state_dict(state)


def pack(parts: dict, step: int) -> dict:
    """Return the PARTS of a run after STEP steps, as a checkpoint's."""
    state = {name: state_of(part) for name, part in parts.items()}
    model = state.pop("model")
    if not all(weight.isfinite().all() for weight in model.values()):
        raise RunError(f"the weights are not finite after {step} steps")
    return {"model": model, "training": state | {"step": step}}


def unpack(path: Path, about: dict, parts: dict) -> int:
    """Bring PARTS to where the checkpoint PATH is; return its step."""
    content = checkpoint.load(path, about["program"])
    checkpoint.require_same(content, about, path)
    try:
        state = content["training"] | {"model": content["model"]}
        for name, part in parts.items():
            put_state(part, state[name])
        return int(state["step"])
    except Exception:  # whatever a wrong state sets off
        raise InputError(
            f"--resume {path}: there is no run in it that can go on"
        ) from None


class Keeper:
    """Keeps a run in the checkpoint PATH; without a PATH, nowhere."""

    def __init__(self, path: Path | None = None, about: dict | None = None,
                 resume: bool = False, seconds: float = 5.0) -> None:
        self.path, self.about, self.resume = path, about, resume
        self.seconds, self.saved = seconds, time.monotonic()

    def begin(self, **parts) -> int:
        """Take charge of a run's PARTS; return how many steps are done."""
        self.parts = parts
        return unpack(self.path, self.about, parts) if self.resume else 0

    def keep(self, step: int, now: bool = False) -> None:
        """Save the run after STEP steps if it is time to, or NOW."""
        recent = time.monotonic() - self.saved < self.seconds
        if self.path is None or (recent and not now):
            return
        packed = pack(self.parts, step)
        checkpoint.save(self.path, self.about | packed)
        self.saved = time.monotonic()
