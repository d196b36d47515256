# Generated from README.org by tangle.el; edit README.org instead.
"""Small images: drawn as squares of ink that suit any page, and warped."""

import math

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor
from torch.nn import functional as F

from common.style import BLUE, INK, ORANGE, new_figure

WIDE, POINTS = 96, 4.8  # units across a figure; points in a unit
SHADES, GAP = 8, 0.06  # shades of ink; share of a pixel left free


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return a figure WIDE by HEIGHT units and its axes, y downwards."""
    figure, ax = new_figure(1, height * POINTS / 72)
    figure.set_layout_engine("none")
    ax.set_position([0, 0, 1, 1])
    ax.set(xlim=(0, WIDE), ylim=(height, 0))
    ax.axis("off")
    return figure, ax


def ink(ax: Axes, images: Tensor, corners: list, side: float,
        colour: str = INK) -> None:
    """Draw IMAGES (N, H, W), 0 to 1, SIDE units wide, at CORNERS."""
    shades = (images.detach().cpu() * SHADES).round().clamp(0, SHADES)
    pixel = side / images.shape[2]
    x, y = torch.tensor(corners, dtype=torch.float64).reshape(-1, 2).T
    for shade in range(1, SHADES + 1):
        image, row, column = (shades == shade).nonzero(as_tuple=True)
        ends = torch.tensor([GAP / 2, 1 - GAP / 2, math.nan])  # of a stroke
        across = x[image, None] + pixel * (column[:, None] + ends)
        middle = y[image] + pixel * (row + 0.5)
        ax.plot(across.flatten(), middle.repeat_interleave(3), color=colour,
                alpha=shade / SHADES, linewidth=pixel * (1 - GAP) * POINTS,
                solid_capstyle="butt")


def signed(ax: Axes, tables: Tensor, corners: list, side: float) -> None:
    """Draw TABLES (N, H, W), -1 to 1: orange above zero, blue below."""
    ink(ax, tables, corners, side, ORANGE)
    ink(ax, -tables, corners, side, BLUE)


def sheet(images: Tensor, columns: int, below: list[str] = ()) -> Figure:
    """Draw IMAGES (N, H, W) in rows, with words BELOW each."""
    wide = WIDE / columns
    high = wide + 6 * bool(below)
    figure, ax = canvas(max(1, -(-len(images) // columns)) * high)
    corners = [(wide * (i % columns), high * (i // columns) + 1)
               for i in range(len(images))]
    ink(ax, images, corners, 0.85 * wide)
    for (x, y), words in zip(corners, below):
        ax.text(x + 0.42 * wide, y + 0.9 * wide, words, ha="center", va="top")
    return figure


def frame(ax: Axes, corner: tuple, width: float, height: float,
          colour: str = INK, linewidth: float = 2, dash: str = "-") -> None:
    """Draw the outline of a window of WIDTH by HEIGHT units."""
    ax.add_patch(Rectangle(corner, width, height, fill=False, linestyle=dash,
                           edgecolor=colour, linewidth=linewidth))


def warp(images: Tensor, maps: Tensor) -> Tensor:
    """Return each of IMAGES (B, 1, H, W) as its map in MAPS (B, 2, 3) says."""
    grid = F.affine_grid(maps.to(images.device), list(images.shape),
                         align_corners=False)  # (B, H, W, 2)
    return F.grid_sample(images, grid, align_corners=False)
