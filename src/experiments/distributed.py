# Generated from README.org by tangle.el; edit README.org instead.
"""Train in one process or several, killed or not, from a mapped file."""

import os
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from common import checkpoint, names, options, results
from common.files import write

CONTEXT, EMBEDDING, HIDDEN = 5, 10, 100
BATCH_SIZE, LR, MOMENTUM, EVERY = 64, 0.05, 0.9, 50  # EVERY: checkpoints


def tokens(words: list[str], letters: str) -> np.ndarray:
    """Return WORDS as one stream of tokens, 0 between them; bytes."""
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
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Embedding(vocabulary, EMBEDDING), nn.Flatten(),
        nn.Linear(CONTEXT * EMBEDDING, HIDDEN), nn.Tanh(),
        nn.Linear(HIDDEN, vocabulary))


def train(model: nn.Module, stream: np.ndarray, *, steps: int, seed: int,
          path: Path, resume: bool = False, rank: int = 0, ranks: int = 1,
          ) -> list[float]:
    """Train MODEL up to step STEPS; return the losses (nats) of the steps.

    Every EVERY steps the run is saved at PATH; with RESUME it goes on
    from there. This is process number RANK of RANKS.
    """
    device = next(model.parameters()).device
    optimizer = torch.optim.SGD(model.parameters(), LR, momentum=MOMENTUM)
    generator = torch.Generator().manual_seed(seed)
    about = {"seed": seed, "tokens": len(stream)}
    history = {"loss": []}
    parts = {"model": model, "optimizer": optimizer, "generator": generator,
             "history": history}
    done = (checkpoint.resume(path, "distributed", about, **parts)
            if resume else 0)
    replica = DistributedDataParallel(model) if ranks > 1 else model
    for step in range(done, steps):
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


def join(device: torch.device) -> tuple[torch.device, int, int]:
    """Join the group of torchrun, if any; return device, rank and ranks."""
    if not dist.is_torchelastic_launched():
        return device, 0, 1
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device, dist.get_rank(), dist.get_world_size()


def main(argv: list[str] | None = None) -> None:
    """Train, alone or as one of the processes of torchrun."""
    parser = options.parser("distributed", __doc__, steps=400, seed=1)
    options.add_checkpoint(parser, resume=True)
    args = options.read(parser, argv)
    device, rank, ranks = join(args.device)
    corpus = names.load()
    path = args.checkpoint.with_suffix(".bin")
    if rank == 0:
        write(path, tokens(corpus.train, corpus.letters).tobytes())
    if ranks > 1:
        dist.barrier()  # wait for the file
    model = network(corpus.vocabulary, args.seed).to(device)
    history = train(model, np.memmap(path, np.uint8, mode="r"),
                    steps=args.steps, seed=args.seed, path=args.checkpoint,
                    resume=args.resume and args.checkpoint.exists(),
                    rank=rank, ranks=ranks)
    if ranks > 1:
        dist.destroy_process_group()
        return
    results.save(args, {"measure": "nats per character", "steps": args.steps,
                        "train": history[-1] if history else None}, {})


if __name__ == "__main__":
    options.run(main)
