# Generated from README.org by tangle.el; edit README.org instead.
"""Train in one process or several, killed or not, from a mapped file."""

import os
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from tqdm import trange

from common import checkpoint, names, options, results
from common.files import write

CONTEXT, EMBEDDING, HIDDEN = 5, 10, 100
BATCH_SIZE, LR, MOMENTUM, EVERY = 64, 0.05, 0.9, 50  # EVERY: checkpoints


def tokens(words: list[str], letters: str) -> np.ndarray:
    """Return WORDS as one stream of tokens, 0 between them; bytes."""
    if len(letters) > 255:
        raise options.InputError(f"{len(letters)} letters, more than a byte")
    code = {letter: token for token, letter in enumerate("\n" + letters)}
    return np.array([code[letter] for letter in "\n".join(["", *words, ""])],
                    np.uint8)


def batch(stream: np.ndarray, generator: torch.Generator,
          ) -> tuple[Tensor, Tensor]:
    """Return x (B, T) and y (B,): random places in STREAM."""
    rows = sliding_window_view(stream, CONTEXT + 1)  # a view, no copy
    at = torch.randint(len(rows), (BATCH_SIZE,), generator=generator)
    chosen = torch.from_numpy(rows[at.numpy()].astype(np.int64))
    return chosen[:, :-1], chosen[:, -1]


def network(vocabulary: int, seed: int) -> nn.Sequential:
    """Return the plain network: contexts (B, T) to logits (B, V)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Embedding(vocabulary, EMBEDDING), nn.Flatten(),
            nn.Linear(CONTEXT * EMBEDDING, HIDDEN), nn.Tanh(),
            nn.Linear(HIDDEN, vocabulary))


def train(model: nn.Module, stream: np.ndarray, *, steps: int, seed: int,
          path: Path, resume: bool = False, quiet: bool = True,
          ) -> list[float]:
    """Train MODEL up to step STEPS; return the losses (nats) of the steps.

    Every EVERY steps the run is saved at PATH; with RESUME it goes on
    from there.
    """
    rank, ranks = place()
    device = next(model.parameters()).device
    optimizer = torch.optim.SGD(model.parameters(), LR, momentum=MOMENTUM)
    generator = torch.Generator().manual_seed(seed)
    about = {"seed": seed, "batch_size": BATCH_SIZE,
             "stream": zlib.crc32(stream)}
    history = {"loss": []}
    parts = {"model": model, "optimizer": optimizer, "generator": generator,
             "history": history}
    done = (checkpoint.resume(path, "distributed", about, **parts)
            if resume else 0)
    replica = DistributedDataParallel(model) if ranks > 1 else model
    for step in trange(done, steps, disable=quiet or rank > 0):
        x, y = batch(stream, generator)  # the same in every process
        x, y = x[rank::ranks].to(device), y[rank::ranks].to(device)
        loss = F.cross_entropy(replica(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history["loss"].append(loss.item())
        if rank == 0 and (step + 1) % EVERY == 0:
            checkpoint.save(path, "distributed", about, step=step + 1,
                            **parts)
    return history["loss"]


def place() -> tuple[int, int]:
    """Return the number of this process, its rank, and how many there are."""
    if not dist.is_initialized():
        return 0, 1
    return dist.get_rank(), dist.get_world_size()


def join(device: torch.device) -> torch.device:
    """Join the group of torchrun, if there is one; return the own device."""
    if not dist.is_torchelastic_launched():
        return device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def main(argv: list[str] | None = None) -> None:
    """Train, alone or as one of the processes of torchrun."""
    parser = options.parser("distributed", __doc__, steps=400, seed=1)
    options.add_names(parser)
    options.add_checkpoint(parser, resume=True)
    args = options.read(parser, argv)
    device = join(args.device)
    rank, ranks = place()
    corpus = names.load(args.names, args.keep_duplicates)
    path = args.checkpoint.with_suffix(".bin")
    if rank == 0:
        write(path, tokens(corpus.train, corpus.letters).tobytes())
    again = torch.tensor(int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)),
                         device=device)
    if ranks > 1:  # wait for the file; each machine counts its own restarts
        dist.all_reduce(again, dist.ReduceOp.MAX)
    resume = args.resume or again.item() > 0 and args.checkpoint.exists()
    model = network(corpus.vocabulary, args.seed).to(device)
    history = train(model, np.memmap(path, np.uint8, mode="r"),
                    steps=args.steps, seed=args.seed, path=args.checkpoint,
                    resume=resume, quiet=args.quiet)
    if ranks > 1:
        dist.destroy_process_group()
        return
    results.save(args, {"measure": "nats per character", "steps": args.steps,
                        "train": history[-1] if history else None}, {})


if __name__ == "__main__":
    options.run(main)
