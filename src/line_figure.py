# Generated from README.org by tangle.el; edit README.org instead.
"""Draw a line as it is learned, and the loss along the way."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from figure_style import BLUE, GREY, INK, fade, new_figure


def line_figure(x, y, lines: list, losses: list[float],
                floor: float) -> Figure:
    """Draw LINES over the points x, y, and LOSSES above FLOOR, by epoch.

    LINES holds the heights at x, shape (N,), at the start and every epoch;
    FLOOR is the loss of least squares.
    """
    figure, (left, right) = new_figure(columns=2, height=2.9)
    left.plot(x, y, "o", color=GREY, markersize=2.2, markeredgewidth=0)
    for epoch, line in enumerate(lines):
        left.plot(x[[0, -1]], line[[0, -1]], color=BLUE,
                  alpha=fade(epoch, len(lines)))
    for epoch in {0, len(lines) - 1}:
        left.annotate(f"epoch {epoch}", (x[-1], lines[epoch][-1]), (5, 0),
                      textcoords="offset points", va="center", color=BLUE)
    left.set(xlabel="x", ylabel="y")
    right.semilogy(losses, "o-", color=BLUE, markersize=3)
    right.axhline(floor, color=INK, linewidth=0.8, dashes=(4, 3))
    right.annotate("least squares", (0, floor), (0, -4), color=INK,
                   textcoords="offset points", va="top")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="epoch", ylabel="loss (squared units of y)",
              ylim=(0.6 * floor, None))
    return figure
