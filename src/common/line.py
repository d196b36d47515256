# Generated from README.org by tangle.el; edit README.org instead.
"""A line that is known, noise around it, and the exact best fit."""

import torch
from torch import Tensor

SLOPE, INTERCEPT, NOISE = 3.0, 20.0, 30.0  # NOISE is a standard deviation


def known_line(seed: int, size: int = 100) -> tuple[Tensor, Tensor]:
    """Return x, sorted over [-100, 100], and the noisy y, both (N,)."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-100, 100, size)  # (N,)
    noise = NOISE * torch.randn(size, generator=generator)
    return x, SLOPE * x + INTERCEPT + noise


def least_squares(features: Tensor, y: Tensor) -> Tensor:
    """Return the weights (1 + F,) of least error, the bias first.

    FEATURES has shape (N, F), without the column of ones; y has shape (N,).
    """
    ones = torch.ones(len(y), 1)
    design = torch.cat([ones, features.cpu()], 1).double()  # (N, 1 + F)
    target = y.cpu().double()[:, None]  # (N, 1)
    # "gels" (QR): the default driver's last bits differ from run to run
    return torch.linalg.lstsq(design, target, driver="gels").solution[:, 0]
