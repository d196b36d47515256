# Generated from README.org by tangle.el; edit README.org instead.
"""Convolution written out, and what one number of a map can see."""

import torch
from matplotlib.collections import LineCollection
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


def plot_window(x: Tensor, w: Tensor, at: tuple[int, int]) -> Figure:
    """Draw the image x, the kernel w on it AT (i, j), and the map."""
    figure, ax = pixels.canvas(46)
    places = {"image": (1, 5), "kernel": (47, 12.5), "feature map": (66, 10)}
    tables = x, w, by_loops(x, w)
    for (name, (left, top)), table in zip(places.items(), tables):
        shade, side = 0.6 * table / table.abs().max(), 5 * table.shape[1]
        draw = pixels.ink if name == "image" else pixels.signed
        draw(ax, shade[None], [(left, top)], side)
        pixels.numbers(ax, table, (left, top), 5)
        pixels.frame(ax, (left, top), side, 5 * len(table), GREY, 0.6)
        ax.text(left, top - 1.5, name, color=GREY)
    (left, top), (i, j) = places["image"], at
    pixels.frame(ax, (left + 5 * j + 5, top + 5 * i), 15, 15, BLUE, 2, "--")
    pixels.frame(ax, (left + 5 * j, top + 5 * i), 15, 15, ORANGE, 2.5)
    left, top = places["feature map"]
    pixels.frame(ax, (left + 5 * j, top + 5 * i), 5, 5, ORANGE, 2.5)
    return figure


def by_unfolding(x: Tensor, w: Tensor) -> Tensor:
    """Multiply the kernel, as a row, by one column for each window."""
    windows = F.unfold(x[None, None], w.shape)[0]  # (rows * columns, L)
    return (w.flatten() @ windows).reshape(x.shape[0] - w.shape[0] + 1, -1)


def as_matrix(w: Tensor, height: int, width: int) -> Tensor:
    """Return the sparse matrix that convolves a flattened image with w."""
    numbers = torch.arange(height * width).reshape(1, 1, height, width)
    seen = F.unfold(numbers.double(), w.shape)[0].long()  # (rows * columns, L)
    outputs = torch.arange(seen.shape[1]).expand_as(seen)
    return torch.sparse_coo_tensor(
        torch.stack([outputs.flatten(), seen.flatten()]),
        w.flatten().repeat_interleave(seen.shape[1]),
        (seen.shape[1], height * width), check_invariants=True)


def plot_padding() -> Figure:
    """Draw where a window of 3 by 3 may stand on an image of 5 by 5."""
    figure, ax = pixels.canvas(39)
    cell, side = 3.9, 5
    for left, padding, stride in (1, 0, 1), (30, 1, 1), (66, 1, 2):
        whole = side + 2 * padding
        top = 4 if padding else 4 + cell
        inner = [(left + padding * cell, top + padding * cell)]
        pixels.ink(ax, torch.full((1, side, side), 0.2), inner, side * cell)
        if padding:
            pixels.frame(ax, (left, top), whole * cell, whole * cell, GREY,
                         0.8, "--")
        pixels.frame(ax, (left + stride * cell, top), 3 * cell, 3 * cell,
                     BLUE, 1.6, "--")
        pixels.frame(ax, (left, top), 3 * cell, 3 * cell, ORANGE, 2.5)
        size = (whole - 3) // stride + 1
        at = cell * (stride * torch.arange(size) + 1.5)
        y, x = torch.meshgrid(top + at, left + at, indexing="ij")
        ax.plot(x.flatten(), y.flatten(), "o", color=ORANGE, markersize=4)
        ax.text(left, 38.5, f"padding {padding}, stride {stride}:\n"
                            f"5 × 5 gives {size} × {size}", va="bottom")
    return figure


CONVOLUTION, POOLING = (3, 1), (2, 2)  # kernel and stride
STAGES = 2 * [CONVOLUTION, CONVOLUTION, POOLING]  # the network's


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Return how many pixels in a row one output of LAYERS depends on.

    A layer is (kernel, stride), the first one nearest to the image.
    """
    size = step = 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        step *= stride
    return size


def measured_field(count: int, generator: torch.Generator) -> Tensor:
    """Return mean |dy/dx| (24, 24) of one y in COUNT random networks."""
    total = torch.zeros(24, 24)
    for _ in range(count):
        x = torch.rand(1, 1, 24, 24, generator=generator, requires_grad=True)
        y = x
        for layer in STAGES:
            if layer == POOLING:
                y = F.max_pool2d(y, 2)
            else:
                w = torch.randn(8, y.shape[1], 3, 3, generator=generator)
                y = F.conv2d(y, w).relu()
        y[0, :, 1, 1].sum().backward()
        total += x.grad[0, 0].abs()
    return total / count


def plot_field(found: Tensor) -> Figure:
    """Draw the cone of one output, and the FOUND influence of pixels."""
    figure, ax = pixels.canvas(42)
    sizes = [receptive_field(STAGES[n:]) for n in range(7)]
    names = ["image", *2 * ["convolution", "convolution", "pooling"]]
    places = torch.arange(16) * 2.4 + 18
    for layer, (name, size) in enumerate(zip(names, sizes)):
        y = 38 - 5.6 * layer
        ax.plot(places, [y] * size, "o", color=INK, markersize=3)
        ax.text(0, y, f"{name}, {size}", color=GREY, va="center")
        if layer < len(STAGES):
            windows = places.unfold(0, *STAGES[layer])  # (outputs, kernel)
            places = windows.mean(1)
            ends = [(below, above) for above, window in zip(places, windows)
                    for below in window]
            ax.add_collection(LineCollection(
                [[(below, y), (above, y - 5.6)] for below, above in ends],
                colors=BLUE, linewidths=0.8, alpha=0.5))
    pixels.ink(ax, found[None, 3:21, 3:21] / found.max(), [(59, 3)], 36)
    pixels.frame(ax, (61, 5), 32, 32, ORANGE, 1.5)
    return figure


def main(argv: list[str] | None = None) -> None:
    """Measure the field and draw the section's three figures."""
    parser = options.parser("convolution", __doc__, steps=200, seed=0)
    args = options.read(parser, argv)  # a step is one random network
    generator = torch.Generator().manual_seed(args.seed)
    found = measured_field(args.steps, generator)
    edge = torch.tensor([[-1.0, 0, 1]] * 3)
    image = 16 * digits.load()[0][0, 0]
    results.save(args, {
        "steps": args.steps, "field": receptive_field(STAGES),
        "seen": (found > 0).any(0).sum().item(),
        "middle": (found[8:16, 8:16].sum() / found.sum()).item()}, {
        "convolution_window": plot_window(image, edge, (1, 0)),
        "convolution_padding": plot_padding(),
        "convolution_field": plot_field(found)})


if __name__ == "__main__":
    options.run(main)
