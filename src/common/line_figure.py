# Generated from README.org by tangle.el; edit README.org instead.
"""Figures and results of a line while it is learned."""

import argparse

from matplotlib.figure import Figure
from torch import Tensor

from common import results
from common.line import INTERCEPT, SLOPE, known_line, least_squares
from common.style import BLUE, GREY, INK, fade, new_figure


def plot_points(x: Tensor, y: Tensor) -> Figure:
    """Draw the points, and the line that made them."""
    figure, axes = new_figure(height=3.2)
    x, y = x.cpu(), y.cpu()
    axes.plot(x, y, "o", color=GREY, markersize=3.5, markeredgewidth=0)
    axes.plot(x[[0, -1]], SLOPE * x[[0, -1]] + INTERCEPT, "--", color=INK,
              linewidth=1)
    axes.text(50, 50, f"y = {SLOPE:g} x + {INTERCEPT:g}", color=INK)
    axes.set(xlabel="x", ylabel="y")
    return figure


def report(args: argparse.Namespace, feature: Tensor, history: list,
           figures: dict) -> None:
    """Save what training reached, with a figure of HISTORY by epoch.

    HISTORY holds a pair (w, b) of weights for FEATURE: x in some units.
    """
    def losses(y: Tensor) -> list[float]:
        return [((w * feature + b - y) ** 2).mean().item() for w, b in lines]

    feature = feature.cpu()
    (x, y), (_, fresh) = known_line(args.seed), known_line(args.seed + 1)
    best_b, best_w = least_squares(feature[:, None], y).tolist()
    lines = [*history, (best_w, best_b)]
    *train, floor = losses(y)
    *_, test, test_floor = losses(fresh)
    figure, (left, right) = new_figure(columns=2, height=2.9)
    left.plot(x, y, "o", color=GREY, markersize=2.2, markeredgewidth=0)
    for epoch, (w, b) in enumerate(history):
        ends = w * feature[[0, -1]] + b
        left.plot(x[[0, -1]], ends, color=BLUE,
                  alpha=fade(epoch, len(history)))
        if epoch in (0, len(history) - 1):
            left.text(107, ends[-1], f"epoch {epoch}", va="center", color=BLUE)
    left.set(xlabel="x", ylabel="y")
    right.semilogy(train, "o-", color=BLUE, markersize=3)
    right.axhline(floor, color=INK, linewidth=0.8, dashes=(4, 3))
    right.text(0, 0.9 * floor, "least squares", color=INK, va="top")
    right.set(xlabel="epoch", ylabel="loss (squared units of y)",
              ylim=(0.6 * floor, None))
    results.save(args, {
        "measure": "mean squared error", "parameters": 2,
        "steps": args.steps, "train": train[-1], "test": test,
        "baseline": {"name": "least squares", "train": floor,
                     "test": test_floor},
    }, figures | {args.program: figure})
