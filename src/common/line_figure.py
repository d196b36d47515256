# Generated from README.org by tangle.el; edit README.org instead.
"""Figures of points, and of a line while it is learned."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.line import INTERCEPT, SLOPE, least_squares
from common.style import BLUE, GREY, INK, fade, new_figure


def plot_points(x, y) -> Figure:
    """Draw the points, and the line that made them."""
    figure, axes = new_figure(height=3.4)
    axes.plot(x, y, "o", color=GREY, markersize=3.5, markeredgewidth=0)
    axes.plot(x, SLOPE * x + INTERCEPT, "--", color=INK, linewidth=1)
    axes.annotate(f"y = {SLOPE:g} x + {INTERCEPT:g}",
                  (40, SLOPE * 40 + INTERCEPT), (20, -34),
                  textcoords="offset points", color=INK)
    axes.set(xlabel="x", ylabel="y")
    return figure


def plot_lines(x, y, feature, history: list) -> Figure:
    """Draw the lines of HISTORY over the points, and their losses, by epoch.

    HISTORY holds a pair (w, b) of weights for FEATURE: x in some units.
    """
    lines = [w * feature + b for w, b in history]
    best_b, best_w = least_squares(feature[:, None], y)
    floor = ((best_w * feature + best_b - y) ** 2).mean().item()
    figure, (left, right) = new_figure(columns=2, height=2.9)
    left.plot(x, y, "o", color=GREY, markersize=2.2, markeredgewidth=0)
    for epoch, line in enumerate(lines):
        left.plot(x, line, color=BLUE, alpha=fade(epoch, len(lines)))
        if epoch in (0, len(lines) - 1):
            left.annotate(f"epoch {epoch}", (x[-1], line[-1]), (5, 0),
                          textcoords="offset points", va="center", color=BLUE)
    left.set(xlabel="x", ylabel="y")
    right.semilogy([((line - y) ** 2).mean().item() for line in lines], "o-",
                   color=BLUE, markersize=3)
    right.axhline(floor, color=INK, linewidth=0.8, dashes=(4, 3))
    right.annotate("least squares", (0, floor), (0, -4), color=INK,
                   textcoords="offset points", va="top")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="epoch", ylabel="loss (squared units of y)",
              ylim=(0.6 * floor, None))
    return figure
