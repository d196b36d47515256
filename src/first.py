# Generated from README.org by tangle.el; edit README.org instead.
"""A first program: learn from measurements how long a spring is."""

import torch
from torch import nn


def fit(steps: int = 100, seed: int = 0, lr: float = 0.2,
        quiet: bool = False):
    """Return the data (x, y), the model, and its w and b at every step."""
    # 1. load the data: 100 loads in newtons, the length in cm under each
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(0, 2, 100)[:, None]  # (N, 1)
    y = 3 * x + 12 + 0.5 * torch.randn(100, 1, generator=generator)
    # 2. create the model: y_hat = w * x + b, at first 0 for every load
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    # 3. choose the loss, and what makes it smaller
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    # 4. train
    history = [(0.0, 0.0)]
    for step in range(steps):
        y_hat = model(x)  # (N, 1)
        loss = criterion(y_hat, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append((model.weight.item(), model.bias.item()))
        if step % 20 == 0 and not quiet:
            print(f"step {step:2}: loss {loss.item():6.2f}")
    return (x, y), model, history


# The rest draws the figure and reads the command line.

from matplotlib.figure import Figure

from common import options, results
from common.style import BLUE, GREY, fade, new_figure


def plot(x: torch.Tensor, y: torch.Tensor, history: list) -> Figure:
    """Return a figure of the data and of the line on its way to them."""
    figure, axes = new_figure()
    axes.plot(x, y, ".", color=GREY, alpha=0.5)
    for index, step in enumerate((0, 1, 5, 20, 100)):
        if step < len(history):
            w, b = history[step]
            axes.plot([0, 2], [b, 2 * w + b], color=BLUE, alpha=fade(index, 5))
            axes.text(-0.02, b, f"step {step}", color=BLUE, ha="right",
                      va="center")
    axes.set(xlabel="load (N)", ylabel="length (cm)", xlim=(-0.32, 2.05),
             xticks=[0, 0.5, 1, 1.5, 2])
    return figure


def main(argv: list[str] | None = None) -> None:
    """Train, evaluate, show: the program from the command line."""
    parser = options.parser("first", __doc__, steps=100, seed=0)
    args = options.read(parser, argv)
    if args.device.type != "cpu":
        raise options.InputError("--device: this program knows the cpu only")
    (x, y), model, history = fit(args.steps, args.seed, quiet=args.quiet)
    loss = nn.functional.mse_loss(model(x), y).item()
    results.save(args, {"measure": "mean squared error", "parameters": 2,
                        "steps": args.steps, "train": loss},
                 {"first": plot(x, y, history)})


if __name__ == "__main__":
    options.run(main)
