# Generated from README.org by tangle.el; edit README.org instead.
"""How does a table lie in memory, and its transpose?  Nothing is trained."""

import torch
from matplotlib.figure import Figure

from common import options, results
from common.style import BLUE, GREY, INK, ORANGE, new_figure


def draw_table(axes, table: torch.Tensor, left: float, top: float) -> dict:
    """Draw TABLE (rows, columns) of numbers; return the place of each."""
    rows, columns = table.shape
    place = {table[i, j].item(): (left + j, top - i)
             for i in range(rows) for j in range(columns)}
    for number, (x, y) in place.items():
        axes.text(x, y, number, ha="center", va="center", color=INK)
        axes.plot([x - .5, x + .5, x + .5, x - .5, x - .5],
                  [y - .5, y - .5, y + .5, y + .5, y - .5],
                  color=GREY, linewidth=0.6)
    return place


def plot(table: torch.Tensor) -> Figure:
    """Return a drawing of the memory of TABLE, and of two ways through it."""
    figure, axes = new_figure(height=3.6)
    memory = draw_table(axes, table.view(1, -1), 0, 0)
    ways = {f"table, strides {table.stride()}":
            draw_table(axes, table, 0, -3),
            f"table.T, strides {table.T.stride()}":
            draw_table(axes, table.T, 7.5, -3)}
    for step, color, y in (table.stride(1), BLUE, -1), (
            table.stride(0), ORANGE, 1):
        start, end = memory[5][0], memory[5 + step][0]
        axes.annotate("", (end, y / 2), (start, y / 2), arrowprops={
            "arrowstyle": "->", "color": color,
            "connectionstyle": f"arc3,rad={-0.4 * y}"})
        axes.text((start + end) / 2, y * (0.6 + 0.2 * step), f"+{step}",
                  ha="center", va="bottom" if y > 0 else "top", color=color)
        for place in ways.values():
            axes.annotate("", place[5 + step], place[5], arrowprops={
                "arrowstyle": "->", "color": color, "shrinkA": 8,
                "shrinkB": 8, "linewidth": 1.4})
    axes.text(-0.5, 0.7, "memory", va="bottom")
    for name, place in ways.items():
        axes.text(place[0][0] - 0.5, -2.35, name, va="bottom")
    axes.set_aspect("equal")
    axes.axis("off")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the memory of a table of 3 by 4."""
    args = options.read(options.parser("strides", __doc__, steps=0, seed=0),
                        argv)
    table = torch.arange(12).view(3, 4)
    results.save(args, {"table": table.stride(), "T": table.T.stride()},
                 {"strides": plot(table)})


if __name__ == "__main__":
    options.run(main)
