# Generated from README.org by tangle.el; edit README.org instead.
"""The figures of the chapter on the multilayer perceptron."""

from collections import Counter

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from figure_style import BLUE, GREY, ORANGE, new_figure
from names_corpus import Corpus


VOWELS = "aeiouy"
FREQUENT = 40  # letters of the map, at most


def letter_map(
    embedding: Tensor, corpus: Corpus
) -> tuple[dict[str, list[float]], float]:
    """Return each letter's place in two dimensions, and what they explain.

    A letter counts as often as it occurs in the names of train.
    """
    often = dict(Counter("".join(corpus.train)).most_common(FREQUENT))
    rows = embedding[[corpus.letters.index(c) + 1 for c in often]]
    weight = torch.tensor(list(often.values()))[:, None]
    weight = weight / weight.sum()
    centred = rows - (weight * rows).sum(0)
    _, s, axes = torch.linalg.svd(weight.sqrt() * centred)
    place = centred @ axes[:2].T  # (letters, 2)
    place *= place[0].sign()  # the most frequent letter is up and right
    explained = s[:2].square().sum() / s.square().sum().clamp(min=1e-12)
    return dict(zip(often, place.tolist(), strict=True)), explained.item()


def apart(place: dict[str, list[float]]) -> Tensor:
    """Return the places (letters, 2), moved where letters would overlap."""
    at = torch.tensor(list(place.values()))
    wide = at.amax(0) - at.amin(0)
    letter = torch.tensor([0.026, 0.06]) * wide  # the room that one takes
    for _ in range(100):
        away = (at[:, None] - at) / letter
        distance = away.norm(dim=2, keepdim=True).clamp(min=1e-6)
        push = (1 - distance).clamp(min=0) * away / distance
        at = at + push.sum(1) * letter / 2
    return at


def plot_letters(place: dict[str, list[float]]) -> Figure:
    """Draw each letter at its PLACE, vowels apart from consonants."""
    figure, ax = new_figure(1, 3.8)
    for letter, (x, y) in zip(place, apart(place).tolist(), strict=True):
        vowel = letter in VOWELS
        ax.plot(x, y, alpha=0)  # widens the axes
        shown = "\N{OPEN BOX}" if letter == " " else letter
        ax.text(x, y, shown, color=ORANGE if vowel else BLUE, ha="center",
                va="center", weight="bold" if vowel else "normal")
    ax.set(xlabel="first component", ylabel="second component")
    return figure


def draw_losses(ax: Axes, history: dict, rival: dict, title: str) -> None:
    """Draw the losses of HISTORY, and the RIVAL's on dev."""
    ax.axhline(rival["dev"], color=ORANGE, linestyle="--", linewidth=1)
    for split, colour, style in ("train", GREY, "--"), ("dev", BLUE, "-"):
        loss = history[split]
        ax.plot(history["step"], loss, style, color=colour)
        ax.annotate(split, (history["step"][-1], loss[-1]), (4, -3),
                    textcoords="offset points", color=colour)
    ax.set(xlabel="step", title=title)


def plot_losses(history: dict, bare: dict, rival: dict) -> Figure:
    """Draw the losses without regularisation (left) and with it (right)."""
    figure, axes = new_figure(2, 3.2, sharey=True)
    draw_losses(axes[0], bare, rival, "without regularisation")
    draw_losses(axes[1], history, rival, "with regularisation")
    axes[0].annotate("Kneser-Ney, dev", (bare["step"][-1], rival["dev"]),
                     (0, -12), textcoords="offset points", ha="right",
                     color=ORANGE)
    low = min(bare["train"] + history["train"])
    axes[0].set(ylabel="loss (nats per character)", ylim=(low - 0.1, low + 1))
    return figure


def plot_range(
    rates: list[float], losses: list[float], chosen: float
) -> Figure:
    """Draw the loss against the learning rate, which rose at every step."""
    figure, ax = new_figure(1, 2.8)
    ax.semilogx(rates, losses, color=BLUE)
    ax.axvline(chosen, color=ORANGE, linestyle="--", linewidth=1)
    ax.annotate(f"{chosen}, as chosen", (chosen, 1.7 * losses[0]), (5, 0),
                textcoords="offset points", color=ORANGE)
    ax.set(xlabel="learning rate", ylabel="loss (nats per character)",
           xlim=(rates[0], 3), ylim=(min(losses) - 0.1, 2 * losses[0]))
    return figure
