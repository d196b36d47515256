# Generated from README.org by tangle.el; edit README.org instead.
"""Cross-entropy by three formulas, in float32: where does each break?"""

import math
from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from common import options, results
from common.style import GREY, INK, new_figure
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
    positive = torch.maximum(logits, torch.zeros_like(logits))
    return positive - logits * y + torch.log1p(torch.exp(-logits.abs()))


def plot() -> Figure:
    """Draw loss and gradient for label 1, where they are finite."""
    figure, axes = new_figure(3, 3.6, rows=2, sharex=True, sharey="row")
    z = torch.linspace(-120, 50, 1701)
    truth = curve(robust_loss, z.double(), 1.0)
    formulas = {"naive": naive_loss, "clamped (BCELoss)": clamped_loss,
                "from the logits": robust_loss}
    for column, (name, formula) in zip(axes.T, formulas.items()):
        column[0].set_title(name)
        column[1].set_xlabel("logit z")
        for ax, true, values in zip(column, truth, curve(formula, z, 1.0)):
            ax.plot(z, true, color=GREY, alpha=0.35, linewidth=6,
                    solid_capstyle="butt")
            ax.plot(z, values, color=INK)
    axes[0, 0].set_ylabel("loss (nats)")
    axes[1, 0].set_ylabel("gradient")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Train with the naive loss, and tell which step lost the weights."""
    parser = options.parser("logistic_nan", __doc__, steps=1000, seed=0)
    args = options.read(parser, argv)
    x, y = two_normals(args.seed)
    _, history = train(x, y, steps=args.steps, seed=args.seed,
                       criterion=lambda z, y: naive_loss(z, y).mean())
    sound = [line for line in history if math.isfinite(line[0])]
    w, b = sound[-1]
    results.save(args, {"step": len(sound), "logit": (w * x + b).max().item()},
                 {"logistic_nan": plot()})


if __name__ == "__main__":
    options.run(main)
