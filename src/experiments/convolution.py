# Generated from README.org by tangle.el; edit README.org instead.
"""Convolution written out, and drawn."""

import math

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from common import digits, options, pixels, results
from common.style import BLUE, GREY, INK, ORANGE


def by_loops(x: Tensor, w: Tensor) -> Tensor:
    """Slide the kernel w over the image x; each sum is one number of y."""
    rows, columns = w.shape
    y = x.new_zeros(x.shape[0] - rows + 1, x.shape[1] - columns + 1)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            for m in range(rows):
                for n in range(columns):
                    y[i, j] += w[m, n] * x[i + m, j + n]
    return y


def plot_window(image: Tensor, kernel: Tensor) -> Figure:
    """Draw IMAGE, KERNEL, and the map, with a window on row 1."""
    figure, ax = pixels.canvas(46)
    for name, table, draw, left, top in (
            ("image", image, pixels.ink, 1, 5),
            ("kernel", kernel, pixels.signed, 47, 12.5),
            ("feature map", by_loops(image, kernel), pixels.signed, 66, 10)):
        side = 5 * table.shape[1]
        draw(ax, 0.6 * table[None] / table.abs().max(), [(left, top)], side)
        for y, x in torch.cartesian_prod(*map(torch.arange, table.shape)):
            ax.text(left + 5 * x + 2.5, top + 5 * y + 2.5,
                    f"{table[y, x]:.0f}".replace("-", "\N{MINUS SIGN}"),
                    ha="center", va="center_baseline")
        pixels.frame(ax, (left, top), side, 5 * len(table), GREY, 0.6)
        ax.text(left, top - 1.5, name, color=GREY)
    pixels.frame(ax, (6, 10), 15, 15, BLUE, 2, "--")
    pixels.frame(ax, (1, 10), 15, 15, ORANGE, 2.5)
    pixels.frame(ax, (66, 15), 5, 5, ORANGE, 2.5)
    return figure


def by_unfolding(x: Tensor, w: Tensor) -> Tensor:
    """Multiply the kernel, as a row, by one column for each window."""
    windows = F.unfold(x[None, None], w.shape)[0]  # (rows * columns, L)
    return (w.flatten() @ windows).reshape(x.shape[0] - w.shape[0] + 1, -1)


def as_matrix(w: Tensor, height: int, width: int) -> Tensor:
    """Return the sparse matrix that convolves a flattened image with w."""
    single = torch.eye(height * width).reshape(-1, height, width)
    columns = [by_unfolding(image, w).flatten() for image in single]
    return torch.stack(columns, dim=1).to_sparse()


def plot_padding() -> Figure:
    """Draw where a window of 3 by 3 may stand on an image of 5 by 5."""
    figure, ax = pixels.canvas(39)
    cell = 3.9
    for left, padding, stride in (1, 0, 1), (30, 1, 1), (66, 1, 2):
        top, side = 4 + cell * (1 - padding), cell * (5 + 2 * padding)
        pixels.frame(ax, (left, top), side, side, GREY, 0.8, "--")
        pixels.ink(ax, torch.full((1, 5, 5), 0.25),
                   [(left + padding * cell, 4 + cell)], 5 * cell)
        pixels.frame(ax, (left + stride * cell, top), 3 * cell, 3 * cell,
                     BLUE, 1.6, "--")
        pixels.frame(ax, (left, top), 3 * cell, 3 * cell, ORANGE, 2.5)
        size = (2 + 2 * padding) // stride + 1
        at = cell * (stride * torch.arange(size) + 1.5)
        places = torch.cartesian_prod(left + at, top + at)
        ax.plot(*places.T, "o", color=ORANGE, markersize=4)
        ax.text(left, 38.5, f"padding {padding}, stride {stride}:\n"
                            f"5 × 5 gives {size} × {size}", va="bottom")
    return figure


def plot_field() -> Figure:
    """Draw the cone of numbers that one output of the network sees."""
    figure, ax = pixels.canvas(44)
    layers = 2 * [("convolution", 3, 1), ("convolution", 3, 1),
                  ("pooling", 2, 2)]
    places, y = torch.arange(16) * 4.4 + 24, 41.0
    for name, size, stride in [("image", 1, 1), *layers]:
        if name != "image":
            windows = places.unfold(0, size, stride)  # (outputs, size)
            places, y = windows.mean(1), y - 6.2
            x = [at for place, window in zip(places, windows)
                 for below in window for at in (below, place, math.nan)]
            ax.plot(x, [y + 6.2, y, math.nan] * (len(x) // 3), color=BLUE,
                    linewidth=0.8, alpha=0.5)
        ax.plot(places, 0 * places + y, "o", color=INK, markersize=4)
        ax.text(0, y, f"{name}, {len(places)}", color=GREY, va="center")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the section's three figures."""
    parser = options.parser("convolution", __doc__, steps=0, seed=0)
    args = options.read(parser, argv)
    edge = torch.tensor([[-1.0, 0, 1]] * 3)
    image = 16 * digits.load()[0][0, 0]
    results.save(args, {}, {
        "convolution_window": plot_window(image, edge),
        "convolution_padding": plot_padding(),
        "convolution_field": plot_field()})


if __name__ == "__main__":
    options.run(main)
