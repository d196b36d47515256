# Generated from README.org by tangle.el; edit README.org instead.
"""What a trained network holds: a lookup, drawn, and a map of letters."""

from collections import Counter

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from common import names, options, results
from common.files import ROOT
from common.style import BLUE, GREY, INK, ORANGE, new_figure
from mlp import load

SHOWN = 8  # of a letter's numbers, of the units, of the probabilities


def letter_map(embedding: Tensor, corpus: names.Corpus) -> tuple[dict, float]:
    """Return the place [x, y] of each letter, and the share it explains.

    EMBEDDING has shape (V, E); a letter counts as often as train has it.
    """
    often = Counter("".join(corpus.train))
    rows = embedding[names.encode("".join(often), corpus.letters)]
    share = torch.tensor(list(often.values()))[:, None] / often.total()
    centred = rows - (share * rows).sum(0)  # (letters, E)
    _, s, axes = torch.linalg.svd(share.sqrt() * centred)
    place = centred @ axes[:2].T  # (letters, 2)
    place *= place[list(often).index("a")].sign()  # a is up and right
    explained = s[:2].square().sum() / s.square().sum()
    return dict(zip(often, place.tolist())), explained.item()


def plot_letters(place: dict[str, list[float]]) -> Figure:
    """Draw each letter at its PLACE, moved where two would overlap."""
    at, room = torch.tensor(list(place.values())), torch.tensor([0.1, 0.2])
    for _ in range(100):
        away = (at[:, None] - at) / room  # (letters, letters, 2)
        far = away.norm(dim=2, keepdim=True).clamp(min=1e-6)
        at = at + ((1 - far).clamp(min=0) * away / far).sum(1) * room / 2
    figure, ax = new_figure(1, 3.8)
    for letter, (x, y) in zip(place, at.tolist()):
        vowel = letter in "aeiouy"
        ax.plot(x, y, alpha=0)  # widens the axes
        ax.text(x, y, letter, color=ORANGE if vowel else BLUE, ha="center",
                va="center", weight="bold" if vowel else "normal")
    ax.set(xlabel="first component", ylabel="second component")
    return figure


@torch.no_grad()
def plot_network(model: nn.Module, letters: str, context: str) -> Figure:
    """Draw how MODEL scores what follows CONTEXT; a blank is a boundary."""
    tokens = [letters.find(letter) + 1 for letter in context]
    e = model.layers[0](torch.tensor(tokens))[:, :SHOWN]  # (T, SHOWN)
    h = model.layers[:6](torch.tensor([tokens]))[0]  # (H,)
    h = h.sort(descending=True).values[2**torch.arange(SHOWN) - 1]
    share, best = model(torch.tensor([tokens]))[0].softmax(0).topk(SHOWN)
    figure, ax = new_figure(1, 3.4)
    spread = torch.linspace(4, 0, SHOWN).tolist()
    for y, letter, vector in zip(range(4, -1, -1), context, e / e.abs().max()):
        ax.text(0, y, letter.replace(" ", "\N{MIDDLE DOT}"), ha="center",
                va="center", size=14)
        ax.text(0.45, y, "\N{RIGHTWARDS ARROW}", va="center", color=GREY)
        for column, number in enumerate(vector.tolist()):
            ax.barh(y, 0.22, 0.4, left=1 + column / 4, alpha=abs(number),
                    color=BLUE if number > 0 else ORANGE)
        for unit in spread:
            ax.plot([3.1, 4.6], [y, unit], color=GREY, lw=0.5, alpha=0.5)
    for y, unit, p, token in zip(spread, (h / h.max()).tolist(),
                                 share.tolist(), best.tolist()):
        ax.plot(4.7, y, "o", ms=9, mec=INK, mfc="none", mew=0.8)
        ax.plot(4.7, y, "o", ms=9, mew=0, color=BLUE, alpha=unit)
        for other in spread:
            ax.plot([4.8, 6.3], [y, other], color=GREY, lw=0.5, alpha=0.5)
        ax.text(6.5, y, letters[token - 1] if token else "end", va="center")
        ax.barh(y, 3 * p, 0.3, left=7.2, color=BLUE)
        ax.text(7.3 + 3 * p, y, f"{p:.2f}", va="center", color=GREY)
    for x, title in [(0, "x"), (2, "a row of C each"), (4.7, "hidden units"),
                     (7.8, "next letter")]:
        ax.text(x, 4.7, title, color=GREY, ha="center")
    ax.set(xlim=(-0.4, 9), ylim=(-0.4, 5))
    ax.axis("off")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the network of build/mlp.pt; --steps and --seed play no part."""
    args = options.read(options.parser("mlp_inside", __doc__, steps=0,
                                       seed=0), argv)
    model, letters = load(ROOT / "build/mlp.pt")
    embedding = model.layers[0].weight.detach()
    place, explained = letter_map(embedding, names.load())
    results.save(args, {"place": place, "explained": explained}, {
        "mlp_inside_network": plot_network(model, letters, " mari"),
        "mlp_inside_letters": plot_letters(place)})


if __name__ == "__main__":
    options.run(main)
