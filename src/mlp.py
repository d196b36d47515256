# Generated from README.org by tangle.el; edit README.org instead.
"""A multilayer perceptron that predicts the next letter of a name."""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm import trange

from common import checkpoint, names, options, results
from common.names import Corpus, windows
from common.style import BLUE, GREY, new_figure

CONTEXT, EMBEDDING = 5, 24  # T, E
Examples = tuple[Tensor, Tensor]  # contexts (N, T), next letters (N,)


def train(model: nn.Module, optimizer: Optimizer, examples: Examples,
          steps: int, batch_size: int, generator: torch.Generator,
          scheduler: LRScheduler | None = None, done: int = 0,
          watch: Callable[[int], None] = lambda step: None,
          quiet: bool = True) -> None:
    """Update MODEL in the steps after DONE up to STEPS; tell WATCH each."""
    x, y = examples  # (N, T), (N,)
    for step in trange(done, steps, disable=quiet or None):
        i = torch.randint(len(y), (batch_size,), generator=generator)
        i = i.to(y.device)
        loss = F.cross_entropy(model(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        watch(step + 1)


@torch.inference_mode()
def example_losses(model: nn.Module, examples: Examples) -> Tensor:
    """Return the loss (N,) of MODEL on each example, in evaluation mode."""
    was_training = model.training
    model.eval()
    losses = [F.cross_entropy(model(x), y, reduction="none")
              for x, y in zip(*(part.split(4096) for part in examples))]
    model.train(was_training)
    return torch.cat(losses).cpu().double()


def name_losses(model: nn.Module, names: list[str], letters: str) -> Tensor:
    """Return the loss (N,) of each name: nats, over its letters and end."""
    device = next(model.parameters()).device
    x, y = windows(names, letters, model.context)
    losses = example_losses(model, (x.to(device), y.to(device)))
    ends = (y == 0).long()
    which = ends.cumsum(0) - ends  # 0 0 0 0 1 1 1 ...: whose letter it is
    return torch.zeros(len(names)).double().index_add(0, which, losses)


def sample(model: nn.Module, letters: str, count: int,
           generator: torch.Generator, prefix: str = "") -> list[str]:
    """Return COUNT names that begin with PREFIX."""
    device = next(model.parameters()).device

    def score(x: Tensor) -> Tensor:
        return model(F.pad(x, (model.context - x.shape[1], 0)).to(device))

    return names.sample(score, letters, count, generator, model.context,
                        prefix)


LR = 0.015  # the highest of the cycle


def one_cycle(optimizer: Optimizer, steps: int) -> OneCycleLR:
    """Return the schedule: up to LR in a tenth of STEPS, and down to 0."""
    return OneCycleLR(optimizer, LR, total_steps=max(steps, 20),
                      pct_start=0.1, cycle_momentum=False)


class MLP(nn.Module):
    """The logits (B, V) of the letter after each context x (B, T)."""

    def __init__(self, vocabulary: int, context: int, hidden: int,
                 dropout: float = 0.0) -> None:
        super().__init__()
        self.context = context
        self.layers = nn.Sequential(
            nn.Embedding(vocabulary, EMBEDDING),  # (B, T, E)
            nn.Flatten(),  # (B, T * E)
            nn.Linear(context * EMBEDDING, hidden, bias=False),  # (B, H)
            nn.BatchNorm1d(hidden),  # sees to the scale of the line above
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, vocabulary))  # (B, V)
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        """Score every letter as the next one."""
        return self.layers(x)


def settings(examples: int) -> dict:
    """Return how to learn from so many EXAMPLES."""
    root = math.sqrt(examples)
    return {"hidden": round(min(512, max(128, 0.9 * root))),
            "steps": round(min(10_000, 12 * root)),
            "batch_size": round(min(512, max(64, root))),
            "dropout": min(0.5, 90 / root)}


def build(about: dict) -> MLP:
    """Return a new model for a run as ABOUT describes it."""
    return MLP(about["vocabulary"], about["context"], about["hidden"],
               about["dropout"])


def load(path: Path) -> tuple[MLP, str]:
    """Return the model at PATH, in evaluation mode, and its letters."""
    content = checkpoint.load(path, "mlp")
    model = build(content["about"])
    checkpoint.restore(model, content, path)
    return model.eval(), content["about"]["letters"]


def record(history: dict, step: int, model: MLP, data: dict) -> None:
    """Add the losses after STEP to HISTORY, on 16,384 examples each."""
    history["step"].append(step)
    for split in "train", "dev":
        few = tuple(part[:16_384] for part in data[split])
        loss = example_losses(model, few).mean().item()
        if not math.isfinite(loss):
            raise options.RunError(f"the loss after {step} steps is {loss}")
        history[split].append(loss)


def invent(model: MLP, corpus: Corpus, seed: int) -> dict:
    """Sample 1,000 names; return 20, and the share that no split has."""
    generator = torch.Generator().manual_seed(seed)
    found = sample(model.eval(), corpus.letters, 1000, generator)
    known = {*corpus.train, *corpus.dev, *corpus.test}
    return {"names": found[:20],
            "share": {"new": sum(name not in known for name in found)
                      / len(found)}}


def plot_losses(history: dict) -> Figure:
    """Draw the losses of train and dev against the step."""
    figure, ax = new_figure(1, 2.8)
    for split, colour, style in ("train", GREY, "--"), ("dev", BLUE, "-"):
        ax.plot(history["step"], history[split], style, color=colour)
        ax.annotate(split, (history["step"][-1], history[split][-1]), (5, -3),
                    textcoords="offset points", color=colour)
    low = min(history["train"])
    ax.set(xlabel="step", ylabel="loss (nats per character)",
           ylim=(low - 0.05, low + 0.6))
    return figure


SPREAD = 0.003  # of the losses, over seeds and processors


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, show; or sample names from a checkpoint."""
    parser = options.parser("mlp", __doc__, steps=None, seed=1)
    options.add_names(parser)
    options.add_training(parser, CONTEXT, dropout=None)
    args = options.read(parser, argv)
    if args.sample is not None:
        model, letters = load(args.checkpoint)
        generator = torch.Generator().manual_seed(args.seed)
        print(*sample(model, letters, args.sample, generator, args.prefix),
              sep="\n")
        return
    corpus = names.load(args.names, args.keep_duplicates)
    data = {split: tuple(part.to(args.device) for part in windows(
                getattr(corpus, split), corpus.letters, args.context))
            for split in ("train", "dev", "test")}
    about = names.describe(args, corpus, settings(len(data["train"][1])))
    steps = about["steps"]
    generator = torch.manual_seed(args.seed)  # the one that nn.Dropout uses
    model = build(about).to(args.device)
    optimizer = AdamW(model.parameters(), LR, weight_decay=0.01, fused=True)
    scheduler = one_cycle(optimizer, steps)
    history = {"step": [], "train": [], "dev": []}
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler,
             "generator": generator, "history": history}
    done = 0
    if args.resume:
        done = checkpoint.resume(args.checkpoint, "mlp", about, **parts)
    else:
        record(history, 0, model, data)

    def watch(step: int) -> None:
        if step % max(1, steps // 24) == 0 or step == steps:
            record(history, step, model, data)
            checkpoint.save(args.checkpoint, "mlp", about, step=step, **parts)

    train(model, optimizer, data["train"], steps, about["batch_size"],
          generator, scheduler, done, watch, args.quiet)
    losses = {split: example_losses(model, data[split]).mean().item()
              for split in data}
    results.save(args, about | losses | invent(model, corpus, args.seed) | {
        "measure": "nats per character", "spread": SPREAD,
        "parameters": sum(p.numel() for p in model.parameters())},
        {"mlp": plot_losses(history)})


if __name__ == "__main__":
    options.run(main)
