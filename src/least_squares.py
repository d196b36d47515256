# Generated from README.org by tangle.el; edit README.org instead.
"""The exact minimiser of the mean squared error: the baseline of descent."""

import torch


def least_squares(features: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the best weights (1 + F,), the bias first.

    FEATURES has shape (N, F), without the column of ones; y has shape (N,).
    """
    ones = torch.ones(len(y), 1)
    design = torch.cat([ones, features.cpu()], 1).double()  # (N, 1 + F)
    target = y.cpu().double()[:, None]  # (N, 1)
    return torch.linalg.lstsq(design, target).solution[:, 0]
