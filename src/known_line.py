# Generated from README.org by tangle.el; edit README.org instead.
"""A line that is known, and noise around it."""

import torch

SLOPE, INTERCEPT, NOISE = 3.0, 20.0, 30.0  # NOISE is a standard deviation


def known_line(
    seed: int, size: int = 100
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return x, sorted over [-100, 100], and the noisy y, both (N,)."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-100, 100, size)  # (N,)
    noise = NOISE * torch.randn(size, generator=generator)
    return x, SLOPE * x + INTERCEPT + noise
