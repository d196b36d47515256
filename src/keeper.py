# Generated from README.org by tangle.el; edit README.org instead.
"""A training run that can be stopped at any moment and go on."""

import math
import time
from pathlib import Path

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

import checkpoint
from checkpoint import alike
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


def optimizer_fits(optimizer: Optimizer, state: dict, step: int) -> bool:
    """Say whether STATE can be the one of OPTIMIZER, AdamW, after STEP."""
    groups = optimizer.state_dict()["param_groups"]
    moments = [state["state"][i] for i in range(len(state["state"]))]
    weights = [p for group in optimizer.param_groups for p in group["params"]]

    def kinds(group: dict) -> list[type]:  # 0 == False, and is another kind
        return [type(value) for value in group.values()]

    return (
        all(kinds(found) == kinds(own) and found == own | {"lr": found["lr"]}
            for own, found in zip(groups, state["param_groups"], strict=True))
        and len(moments) == (len(weights) if step else 0)
        and all(alike(found, {"step": torch.tensor(0.0), "exp_avg": weight,
                              "exp_avg_sq": weight})
                and found["exp_avg"].stride() == weight.stride()
                and found["exp_avg_sq"].stride() == weight.stride()
                and found["step"] == step
                for found, weight in zip(moments, weights)))


def schedule_fits(schedule: LRScheduler, state: dict, step: int) -> bool:
    """Say whether STATE is the one of SCHEDULE after STEP steps."""
    rates = [group["lr"] for group in schedule.optimizer.param_groups]
    return state == schedule.state_dict() | {
        "last_epoch": step, "_step_count": step + 1, "_last_lr": rates}


def history_fits(history: dict, state: dict, step: int) -> bool:
    """Say whether STATE can be the HISTORY of STEP steps."""
    steps = state["step"]
    return (
        state.keys() == history.keys()
        and all(len(found) == (step if name == "loss" else len(steps))
                and all(type(number) in (int, float) and math.isfinite(number)
                        for number in found) for name, found in state.items())
        and all(type(number) is int and number in range(step + 1)
                for number in steps) and steps == sorted(set(steps)))


def fits(part, state, step: int) -> bool:
    """Say whether STATE can be the one of PART after STEP steps."""
    if isinstance(part, torch.Generator) or not isinstance(state, dict):
        return isinstance(part, torch.Generator)
    if isinstance(part, Optimizer):
        return optimizer_fits(part, state, step)
    if isinstance(part, LRScheduler):
        return schedule_fits(part, state, step)
    if isinstance(part, dict):
        return history_fits(part, state, step)
    return alike(state, state_of(part))


def unpack(path: Path, about: dict, parts: dict) -> int:
    """Bring PARTS to where the checkpoint PATH is; return its step."""
    content = checkpoint.load(path, about["program"])
    checkpoint.require_same(content, about, path)
    try:
        state = content["training"] | {"model": content["model"]}
        step = state["step"]
        good = type(step) is int and step >= 0
        for name, part in parts.items():
            good = good and fits(part, state[name], step)
            if good:
                put_state(part, state[name])
    except Exception:  # whatever a wrong state sets off
        good = False
    if not good:
        raise InputError(
            f"--resume {path}: there is no run in it that can go on")
    return step


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
