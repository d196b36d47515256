# Generated from README.org by tangle.el; edit README.org instead.
"""Cross-entropy by three formulas, in float32: where does each break?"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from common import options, results
from logistic import train, two_normals


def naive_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each example, as the formula has it."""
    p = torch.sigmoid(logits)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))


def clamped_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each example by way of nn.BCELoss."""
    return nn.BCELoss(reduction="none")(torch.sigmoid(logits), y)


def curve(formula: Callable, z: Tensor, y: float) -> tuple[Tensor, Tensor]:
    """Return the losses of FORMULA at the logits z, label Y, and slopes."""
    z = z.clone().requires_grad_()
    losses = formula(z, torch.full_like(z, y))
    losses.sum().backward()
    return losses.detach(), z.grad


def robust_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each example, without a probability."""
    # at 0, maximum shares its gradient between both; relu would be wrong
    positive = torch.maximum(logits, torch.zeros_like(logits))
    return positive - logits * y + torch.log1p(torch.exp(-logits.abs()))


def main(argv: list[str] | None = None) -> None:
    """Train with the naive loss, and tell which step lost the weights."""
    parser = options.parser("logistic_nan", __doc__, steps=1000, seed=0)
    args = options.read(parser, argv)
    x, y = two_normals(args.seed)
    _, history = train(x, y, steps=args.steps, seed=args.seed,
                       criterion=lambda z, y: naive_loss(z, y).mean())
    sound = [line for line in history if math.isfinite(line[0])]
    w, b = sound[-1]
    results.save(args, {"step": len(sound),
                        "logit": (w * x + b).max().item()}, {})


if __name__ == "__main__":
    options.run(main)
