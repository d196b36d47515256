# Generated from README.org by tangle.el; edit README.org instead.
"""Small images in a figure: squares of ink that suit any page."""

import torch
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from torch import Tensor

from figure_style import INK, new_figure


WIDE, POINTS = 96, 4.8  # units across a figure; points in a unit
LEVELS, GAP = 16, 0.06  # shades of ink; share of a pixel left free


def canvas(height: float):
    """Return a figure WIDE by HEIGHT units and its axes, y downwards."""
    figure, ax = new_figure(1, height * POINTS / 72)
    figure.set_layout_engine("none")
    ax.set_position([0, 0, 1, 1])
    ax.set(xlim=(0, WIDE), ylim=(height, 0))
    ax.axis("off")
    return figure, ax


def ink(ax, images: Tensor, corners: list, side: float, colour: str = INK):
    """Draw IMAGES (N, H, W), from 0 to 1, SIDE units wide, at CORNERS."""
    levels = (images.detach().cpu() * LEVELS).round().clamp(0, LEVELS)
    pixel = side / images.shape[2]
    x, y = torch.tensor(corners, dtype=torch.float64).reshape(-1, 2).T
    for level in range(1, LEVELS + 1):
        image, row, column = (levels == level).nonzero(as_tuple=True)
        left = x[image] + pixel * (column + GAP / 2)
        middle = y[image] + pixel * (row + 0.5)
        right = left + pixel * (1 - GAP)
        ends = torch.stack([left, middle, right, middle], 1).reshape(-1, 2)
        if len(ends):
            codes = [Path.MOVETO, Path.LINETO] * len(image)
            ax.add_patch(PathPatch(
                Path(ends.numpy(), codes), fill=False, edgecolor=colour,
                linewidth=pixel * (1 - GAP) * POINTS, capstyle="butt",
                alpha=level / LEVELS, clip_on=False))
