# Generated from README.org by tangle.el; edit README.org instead.
"""Fit a line by gradient descent: autograd differentiates, we step."""

from collections.abc import Callable

import torch
from torch import Tensor

from common import options
from common.line import known_line
from common.line_figure import plot_points, report

LR = 5e-5
STEPS = 12  # each uses all the data


def predict(x: Tensor, w: Tensor | float, b: Tensor | float) -> Tensor:
    """Return the heights of the line at x, in the shape of x."""
    return w * x + b


def mse(y_hat: Tensor, y: Tensor) -> Tensor:
    """Return the mean squared error of y_hat, in squared units of y."""
    return ((y_hat - y) ** 2).mean()  # ()


def train(x: Tensor, y: Tensor, *, lr: float = LR, steps: int = STEPS,
          start: tuple[float, float] = (0.0, 0.0), loss_fn: Callable = mse):
    """Return the trained (w, b), and the numbers (w, b) at every step.

    x and y have shape (N,); the first of STEPS + 1 pairs is the start.
    """
    w, b = (torch.tensor(value, dtype=x.dtype, device=x.device,
                         requires_grad=True) for value in start)  # (), ()
    history = [(w.item(), b.item())]
    for _ in range(steps):
        loss = loss_fn(predict(x, w, b), y)
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
            b -= lr * b.grad
        w.grad = b.grad = None  # or the next backward() adds to them
        history.append((w.item(), b.item()))
    return (w, b), history


def evaluate(x: Tensor, y: Tensor, w: float, b: float) -> float:
    """Return the mean squared error of the line w x + b on all of x, y."""
    return mse(predict(x, w, b), y).item()


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, show: the program from the command line."""
    parser = options.parser("linear_autograd", __doc__, steps=STEPS, seed=0)
    args = options.read(parser, argv)
    x, y = (t.to(args.device) for t in known_line(args.seed))
    _, history = train(x, y, steps=args.steps)
    report(args, x, history, {"linear_autograd_data": plot_points(x, y)})


if __name__ == "__main__":
    options.run(main)
