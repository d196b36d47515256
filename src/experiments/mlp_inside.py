# Generated from README.org by tangle.el; edit README.org instead.
"""What a trained network holds: a lookup, drawn, and a map of letters."""

import math

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from common import names, options, results
from common.files import ROOT
from common.style import BLUE, GREY, ORANGE, new_figure
from mlp import EMBEDDING, load


def letter_map(embedding: Tensor, corpus: names.Corpus) -> dict:
    """Return the place [x, y] of each letter."""
    rows = embedding[names.encode("".join(corpus.train), corpus.letters)]
    axes = torch.linalg.eigh(rows.T.cov()).eigenvectors[:, [-1, -2]]  # (E, 2)
    place = (embedding[1:] - rows.mean(0)) @ axes  # (letters, 2)
    place *= place[0].sign()  # a is up and right
    return dict(zip(corpus.letters, place.tolist()))


def plot_letters(place: dict[str, list[float]]) -> Figure:
    """Draw each letter at its PLACE."""
    figure, ax = new_figure(1, 3.8)
    ax.plot(*zip(*place.values()), alpha=0)  # widens the axes
    for letter, (x, y) in place.items():
        vowel = letter in "aeiouy"
        y += 0.09 * (letter in "lm")  # which would cover f and d
        ax.text(x, y, letter, color=ORANGE if vowel else BLUE, ha="center",
                va="center", weight="bold" if vowel else "normal")
    ax.set(xlabel="first component", ylabel="second component")
    return figure


def plot_network(model: nn.Module, letters: str, context: str) -> Figure:
    """Draw how MODEL scores what follows CONTEXT; a blank is a boundary."""
    x = torch.tensor([[letters.find(letter) + 1 for letter in context]])
    rows = model.layers[0](x)[0]  # (T, E)
    rows = rows / rows.abs().max() / 2.5
    p, best = model(x)[0].softmax(0).topk(8)
    left, right = [4, 3, 2, 1, 0], torch.linspace(4, 0, 8).tolist()
    figure, ax = new_figure(1, 3.2)
    for y, row in zip(left, rows):
        ax.stairs(y + row, torch.arange(EMBEDDING + 1) / 10, baseline=y,
                  fill=True, color=BLUE)
    gap = math.nan, math.nan  # lifts the pen
    mesh = [point for x, layer in ((2.6, left), (4.3, right)) for a in layer
            for b in right for point in ((x, a), (x + 1.5, b), gap)]
    ax.plot(*zip(*mesh), color=GREY, lw=0.3)
    ax.plot([4.2] * 8, right, "o", ms=9, color=GREY, mfc="none")
    ax.barh(right, (3 * p).tolist(), 0.3, left=6.4, color=BLUE)
    for y, token in zip(right, best.tolist()):
        ax.text(6, y, letters[token - 1] if token else "end", va="center")
    for y, letter in zip(left, context.replace(" ", "\N{MIDDLE DOT}")):
        ax.text(-0.6, y, letter, size=14, va="center")
    for x, title in (0.5, "a row of C each"), (4.2, "units"), (6.5, "next"):
        ax.text(x, 4.6, title, color=GREY, ha="center")
    ax.axis("off")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the network of build/mlp.pt; --steps and --seed play no part."""
    args = options.read(options.parser("mlp_inside", __doc__, steps=0,
                                       seed=0), argv)
    model, letters = load(ROOT / "build/mlp.pt")
    model.requires_grad_(False)
    place = letter_map(model.layers[0].weight, names.load())
    results.save(args, {"place": place}, {
        "mlp_inside_network": plot_network(model, letters, " mari"),
        "mlp_inside_letters": plot_letters(place)})


if __name__ == "__main__":
    options.run(main)
