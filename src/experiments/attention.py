# Generated from README.org by tangle.el; edit README.org instead.
"""What is attention, and where does a trained head look?"""

import math

import torch
from matplotlib.figure import Figure
from torch import Tensor

import gpt  # the program to come: the end of this file looks inside
from common import names, options, results
from common.files import ROOT
from common.style import BLUE, GREY, new_figure


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


NAME = "christopher"  # drawn


def plot_heads(weights: Tensor, name: str) -> Figure:
    """Draw the WEIGHTS (H, T, T) of the heads of one block on NAME."""
    figure, axes = new_figure(len(weights), 2.3)
    ticks = range(len(name) + 1), ["·", *name]
    for head, (ax, shares) in enumerate(zip(axes, weights), 1):
        for size in range(1, 11):  # diameters; scatter makes larger files
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


@torch.no_grad()
def main(argv: list[str] | None = None) -> None:
    """Draw where the heads of the first block look."""
    parser = options.parser("attention", __doc__, steps=0, seed=0)
    args = options.read(parser, argv)
    model, letters = gpt.load(ROOT / "build/gpt.pt")
    x, block = torch.tensor([0, *names.encode(NAME, letters)]), model.blocks[0]
    h = model.token(x) + model.position.weight[:len(x)]  # (T, C)
    q, k, _ = block.attention.split(block.norm1(h)[None])
    weights = look(q, k)[0]  # (H, T, T)
    results.save(args, {}, {"attention": plot_heads(weights, NAME)})


if __name__ == "__main__":
    options.run(main)
