# Generated from README.org by tangle.el; edit README.org instead.
"""The loss log: one change at a time, and what each one buys."""

import time

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, AdamW

from common import names, options, results
from common.files import ROOT
from common.style import BLUE, ORANGE, new_figure
from mlp import (CONTEXT, EMBEDDING, LR, MLP, Examples, load, name_losses,
                 one_cycle, sample, settings, train)

HIDDEN, BATCH_SIZE, STEPS = 200, 128, 2000  # of the short runs
SPREAD = 0.4  # between seeds, of the plain network; of the others 0.01
CHANGES = ("initialisation", "batch norm", "ReLU", "AdamW", "one cycle",
           "weight decay")


def network(changes: tuple[str, ...], vocabulary: int) -> nn.Sequential:
    """Return the plain network with CHANGES: logits (B, V) of x (B, T)."""
    normed = "batch norm" in changes
    hidden = nn.Linear(CONTEXT * EMBEDDING, HIDDEN, bias=not normed)
    output = nn.Linear(HIDDEN, vocabulary)
    nn.init.normal_(hidden.weight)
    nn.init.normal_(output.weight)
    if "initialisation" in changes:
        nn.init.normal_(hidden.weight, std=(CONTEXT * EMBEDDING) ** -0.5)
        nn.init.zeros_(output.weight)
        nn.init.zeros_(output.bias)
    model = nn.Sequential(
        nn.Embedding(vocabulary, EMBEDDING), nn.Flatten(), hidden,
        nn.BatchNorm1d(HIDDEN) if normed else nn.Identity(),
        nn.ReLU() if "ReLU" in changes else nn.Tanh(), output)
    model.context = CONTEXT
    return model


def learn(model: nn.Module, changes: tuple[str, ...], examples: Examples,
          steps: int, batch_size: int, seed: int) -> float:
    """Train MODEL as CHANGES say; return the processor time in seconds."""
    began, scheduler = time.process_time(), None
    optimizer = SGD(model.parameters(), lr=0.3)
    if "AdamW" in changes:
        decay = 0.01 if "weight decay" in changes else 0.0
        optimizer = AdamW(model.parameters(), lr=0.003, weight_decay=decay,
                          fused=True)
    if "one cycle" in changes:
        scheduler = one_cycle(optimizer, steps)
    train(model, optimizer, examples, steps, batch_size,
          torch.manual_seed(seed), scheduler)
    return time.process_time() - began


def gain(before: Tensor, after: Tensor, lengths: Tensor) -> dict:
    """Return the fall of the loss per character, and its standard error.

    BEFORE and AFTER (N,) are the losses of the same names, whose numbers of
    characters are LENGTHS (N,).
    """
    fall = before - after  # (N,)
    mean = fall.sum() / lengths.sum()
    error = (fall - mean * lengths).std() * len(fall)**0.5 / lengths.sum()
    return {"gain": mean.item(), "error": error.item()}


def climb(corpus: names.Corpus, examples: Examples, steps: int,
          seed: int) -> list[dict]:
    """Return the rungs; the last is the program's own network, from disk."""
    rungs, before, long = [], None, settings(len(examples[1]))
    lengths = torch.tensor([len(name) + 1.0 for name in corpus.dev])

    def add(change: str, model: nn.Module, seconds: float) -> None:
        nonlocal before
        losses = name_losses(model, corpus.dev, corpus.letters)
        step = {} if before is None else gain(before, losses, lengths)
        before = losses
        generator = torch.Generator().manual_seed(seed)
        rungs.append(step | {
            "change": change, "seconds": seconds,
            "dev": (losses.sum() / lengths.sum()).item(),
            "parameters": sum(p.numel() for p in model.parameters()),
            "names": sample(model.eval(), corpus.letters, 5, generator)})

    for count, change in enumerate(("plain", *CHANGES)):
        torch.manual_seed(seed)
        model = network(CHANGES[:count], corpus.vocabulary)
        add(change, model, learn(model, CHANGES[:count], examples, steps,
                                 BATCH_SIZE, seed))
    for change, dropout, share in [("wider, longer", 0.0, 1.0),
                                   ("dropout", long["dropout"], 0.02)]:
        torch.manual_seed(seed)
        model = MLP(corpus.vocabulary, CONTEXT, long["hidden"], dropout)
        seconds = learn(model, CHANGES, examples,
                        round(share * long["steps"] * steps / STEPS),
                        long["batch_size"], seed) / share
        if dropout:  # timed on a few steps, measured on the program's
            model, _ = load(ROOT / "build/mlp.pt")
        add(change, model, seconds)
    return rungs


def plot_activations(x: Tensor, vocabulary: int, seed: int) -> Figure:
    """Draw what enters tanh (above) and leaves it (below) on x (N, T)."""
    figure, axes = new_figure(3, 3.4, 2, sharey="row", sharex="row")
    for column, title, changes in zip(
            axes.T, ["weights of size 1", "scaled weights",
                     "size 1, batch norm"],
            [(), ("initialisation",), ("batch norm",)]):
        torch.manual_seed(seed)
        *before, tanh, _ = network(changes, vocabulary)
        with torch.no_grad():
            a = nn.Sequential(*before)(x)
        for ax, values, edge in zip(column, (a, tanh(a)), (25, 1)):
            ax.hist(values.flatten().numpy(), 50, range=(-edge, edge),
                    color=BLUE if changes else ORANGE, density=True)
            ax.set(yticks=[])
        column[0].set(title=title)
    axes[0, 0].set(ylabel="inputs of tanh")
    axes[1, 0].set(ylabel="outputs of tanh")
    return figure


def plot_range(model: nn.Module, examples: Examples,
               generator: torch.Generator) -> Figure:
    """Draw MODEL's range test (left) and the cycle of rates (right)."""
    optimizer = AdamW(model.parameters(), fused=True)
    rates, losses = torch.logspace(-5, 0.5, 220).tolist(), []
    x, y = examples
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        i = torch.randint(len(y), (512,), generator=generator)
        loss = F.cross_entropy(model(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    schedule, cycle = one_cycle(optimizer, 100), []
    for _ in range(100):
        cycle.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    figure, (left, right) = new_figure(2, 2.8)
    left.semilogx(rates, losses, color=BLUE)
    left.axvline(LR, color=ORANGE, linestyle="--", linewidth=1)
    left.annotate(str(LR), (LR, 4.6), (-4, 0), ha="right", color=ORANGE,
                  textcoords="offset points")
    left.set(xlabel="learning rate", ylabel="loss (nats per character)",
             ylim=(2, 5), title="range test")
    right.plot(cycle, color=BLUE)
    right.axhline(LR, color=ORANGE, linestyle="--", linewidth=1)
    right.set(xlabel="steps (%)", ylabel="learning rate", title="one cycle")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Train the rungs; draw activations, the range test and the cycle."""
    args = options.read(options.parser("mlp_ladder", __doc__, steps=STEPS,
                                       seed=1), argv)
    corpus = names.load()
    examples = names.windows(corpus.train, corpus.letters, CONTEXT)
    rungs = climb(corpus, examples, args.steps, args.seed)
    generator = torch.manual_seed(args.seed)
    forgiving = network(("batch norm",), corpus.vocabulary)
    learn(forgiving, (), examples, args.steps, BATCH_SIZE, args.seed)
    dev = name_losses(forgiving, corpus.dev, corpus.letters).sum().item()
    results.save(args, {
        "steps": args.steps, "rungs": rungs, "spread": SPREAD,
        "any_start": dev / sum(len(name) + 1 for name in corpus.dev)}, {
        "mlp_ladder_activations": plot_activations(
            examples[0][:2000], corpus.vocabulary, args.seed),
        "mlp_ladder_range": plot_range(
            MLP(corpus.vocabulary, CONTEXT, HIDDEN), examples, generator)})


if __name__ == "__main__":
    options.run(main)
