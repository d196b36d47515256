# Generated from README.org by tangle.el; edit README.org instead.
"""One program in several processes, which torchrun starts."""

import gc
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from socket import gethostname
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import command_line
from command_line import InputError, RunError


PATIENCE = timedelta(minutes=30)  # with a process that does not answer
Value = TypeVar("Value")


def rank() -> int:
    """Return the number of this process: 0 for the first, or the only one."""
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    """Return how many processes work on this run."""
    return dist.get_world_size() if dist.is_initialized() else 1


def join() -> None:
    """Make one group of the processes that torchrun started, if it did."""
    if not dist.is_torchelastic_launched():
        return
    both = torch.cuda.is_available() and dist.is_nccl_available()
    store, rank, size = next(dist.rendezvous("env://", timeout=PATIENCE))
    if os.environ["LOCAL_WORLD_SIZE"] == os.environ["WORLD_SIZE"]:
        attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]
        store = dist.PrefixStore(f"attempt {attempt}", store)
    dist.init_process_group("cpu:gloo,cuda:nccl" if both else "gloo",
                            store=store, rank=rank, world_size=size,
                            timeout=PATIENCE)


def run(main: Callable[[], int]) -> int:
    """Call MAIN as command_line.run does, in every process of the group."""
    def guarded() -> int:
        try:
            join()
            return main()
        except RuntimeError as error:
            if "gloo" in str(error) or isinstance(error, dist.DistError):
                raise RunError(f"process {rank()} lost another one") from None
            raise

    try:
        return command_line.run(guarded)
    finally:
        if dist.is_initialized():
            gc.collect()  # replicas, which hold on to the group
            dist.destroy_process_group()


def gather(value: Value) -> list[Value]:
    """Return the VALUE of every process, in the order of their numbers."""
    values = [value] * count()
    if count() > 1:
        dist.all_gather_object(values, value)
    return values


def together(work: Callable[[], Value]) -> Value:
    """Return WORK() once it has succeeded in every process.

    If it fails anywhere, all end, and the first process raises the error.
    """
    value = failure = None
    try:
        value = work()
    except (InputError, RunError, OSError) as error:
        place = f" (process {rank()} on {gethostname()})" if rank() else ""
        failure = isinstance(error, InputError), f"{error}{place}"
    failures = list(filter(None, gather(failure)))
    if not failures:
        return value
    at_fault, said = failures[0]
    if rank() == 0:
        raise (InputError if at_fault else RunError)(said)
    with suppress(RuntimeError):
        gather(None)  # returns when the first process has spoken and ended
    raise SystemExit(2 if at_fault else 1)


def in_turn(work: Callable[[], Value]) -> Value:
    """Return WORK(), done by one process of each machine before the others.

    What the first leaves on disk, the others find there.
    """
    local = int(os.environ.get("LOCAL_RANK", 0))
    value = together(lambda: None if local else work())
    return together(lambda: work() if local else value)


def require_same(what: str, value: object) -> None:
    """Fail in every process unless VALUE is the same in all."""
    def compare() -> None:
        if value != values[0]:
            raise InputError(f"{what} is not the one of process 0")

    values = gather(value)
    together(compare)


def replicate(model: nn.Module) -> nn.Module:
    """Return MODEL so that backward averages gradients over processes."""
    return DistributedDataParallel(model) if count() > 1 else model


def own_device(device: torch.device) -> torch.device:
    """Return DEVICE; of the GPUs of this machine, the process's own one."""
    if device.type != "cuda" or not dist.is_initialized():
        return device
    local, here = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local >= here:
        raise InputError(f"--device cuda: no GPU for process {local} of this "
                         f"machine, which has {here}")
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


def restarted() -> bool:
    """Say whether torchrun started any process again."""
    times = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
    return any(gather(times > 0))
