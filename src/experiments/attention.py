# Generated from README.org by tangle.el; edit README.org instead.
"""What is attention, and where does a trained head look?"""

import math

import torch
from matplotlib.figure import Figure
from torch import Tensor

import deep
import gpt
import ngram
from common import names, options, results
from common.files import ROOT
from common.style import BLUE, GREY, new_figure


def mean_by_loop(x: Tensor) -> Tensor:
    """Return for each row of x (T, C) the mean of the rows up to it."""
    mean = torch.zeros_like(x)
    for t in range(len(x)):
        for s in range(t + 1):
            mean[t] += x[s] / (t + 1)
    return mean


def attend_by_loop(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return the attention (T, D) of the queries q to the keys k, (T, D)."""
    out = torch.zeros_like(v)
    for t in range(len(q)):
        scores = torch.stack([q[t] @ k[s] for s in range(t + 1)])
        weights = (scores / math.sqrt(q.shape[1])).softmax(0)
        for s in range(t + 1):
            out[t] += weights[s] * v[s]
    return out


def look(q: Tensor, k: Tensor) -> Tensor:
    """Return the weights (..., T, T) of queries and keys (..., T, D)."""
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    future = torch.ones_like(scores, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -math.inf).softmax(-1)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return the attention (..., T, D) of the queries to the keys."""
    return look(q, k) @ v


@torch.no_grad()
def weigh(model: gpt.GPT, x: Tensor) -> list[Tensor]:
    """Return the weights (B, H, T, T) in each block of MODEL on x (B, T)."""
    found, h = [], model.token(x) + model.position.weight[:x.shape[1]]
    for block in model.blocks:
        q, k, _ = block.attention.split(block.norm1(h))
        found.append(look(q, k))
        h = block(h)
    return found


NAME = "christopher"  # drawn


def compare(corpus: names.Corpus) -> dict:
    """Return the lead of gpt over deep on the same names, and its error."""
    found = {}
    for split in "dev", "test":
        words, losses = getattr(corpus, split), []
        for program in gpt, deep:
            model, letters = program.load(
                ROOT / f"build/{program.__name__}.pt")
            losses.append(program.name_losses(model, words, letters))
        lead, error = ngram.lead(*losses, words)
        found[split] = {"lead": lead, "error": error}
    return found


def plot_heads(weights: Tensor, name: str) -> Figure:
    """Draw the WEIGHTS (H, T, T) of the heads of one block on NAME."""
    figure, axes = new_figure(len(weights), 2.3)
    ticks = range(len(name) + 1), ["·", *name]
    for head, (ax, shares) in enumerate(zip(axes, weights), 1):
        for size in range(1, 11):  # diameters
            t, s = ((10 * shares.sqrt()).round() == size).nonzero().T
            ax.plot(s, t, "o", color=BLUE, markersize=size, linewidth=0,
                    markeredgewidth=0.1)
        ax.plot([0, len(name)], [0, len(name)], color=GREY, linewidth=0.5)
        ax.set_xticks(*ticks)
        ax.set_yticks(*ticks)
        ax.set(title=f"head {head}", aspect="equal",
               ylim=(len(name) + 0.5, -0.5), xlim=(-0.5, len(name) + 0.5))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return figure


def main(argv: list[str] | None = None) -> None:
    """Compare the trained network with deep; draw where it looks."""
    parser = options.parser("attention", __doc__, steps=0, seed=0)
    args = options.read(parser, argv)
    model, letters = gpt.load(ROOT / "build/gpt.pt")
    corpus = names.load()
    one, many = (torch.tensor([[0, *names.encode(name, letters)]
                               for name in words]) for words in (
        [NAME], [name for name in corpus.dev if len(name) == 7]))
    shares = weigh(model, many)[0].diagonal(-1, 2, 3)[..., 3:]  # (B, H, 4)
    results.save(args, {"over_deep": compare(corpus),
                        "before": shares.mean((0, 2)).tolist()},
                 {"attention": plot_heads(weigh(model, one)[0][0], NAME)})


if __name__ == "__main__":
    options.run(main)
