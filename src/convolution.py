# Generated from README.org by tangle.el; edit README.org instead.
"""Convolution of one image with one kernel, written out in three ways."""

import torch
from torch import Tensor
from torch.nn import functional as F


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


def by_unfolding(x: Tensor, w: Tensor) -> Tensor:
    """Multiply the kernel, as a row, with one column for each window."""
    height = x.shape[0] - w.shape[0] + 1
    windows = F.unfold(x[None, None], w.shape)[0]  # (rows * columns, L)
    return (w.flatten() @ windows).reshape(height, -1)


def as_matrix(w: Tensor, height: int, width: int) -> Tensor:
    """Return the sparse matrix that convolves a flattened image with w."""
    pixels = torch.arange(height * width).reshape(1, 1, height, width)
    seen = F.unfold(pixels.double(), w.shape)[0].long()  # (rows * columns, L)
    outputs = torch.arange(seen.shape[1]).expand_as(seen)
    values = w.flatten()[:, None].expand_as(seen)
    return torch.sparse_coo_tensor(
        torch.stack([outputs.flatten(), seen.flatten()]), values.flatten(),
        (seen.shape[1], height * width), check_invariants=True)


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Return how many pixels in a row one output of LAYERS depends on.

    A layer is (kernel, stride), the first one nearest to the image.
    """
    size = step = 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        step *= stride
    return size
