# Generated from README.org by tangle.el; edit README.org instead.
"""A first program: learn from measurements how long a spring is."""

import torch
from torch import nn


def fit(steps: int = 100, seed: int = 0, lr: float = 0.2, quiet=False):
    """Return the data (x, y), the model, and its w and b at every step."""
    # 1. load the data: 100 loads in newtons, the length in cm under each
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(0, 2, 100)[:, None]  # (N, 1)
    y = 3 * x + 12 + 0.5 * torch.randn(100, 1, generator=generator)
    # 2. create the model: y_hat = w * x + b
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
from common.style import BLUE, GREY, INK, fade, new_figure


def plot(x: torch.Tensor, y: torch.Tensor, history: list) -> Figure:
    """Return a figure of the line and of its loss, as HISTORY has them."""
    figure, (left, right) = new_figure(2, height=3)
    left.plot(x, y, ".", color=GREY, alpha=0.5)
    shown = [step for step in (0, 1, 5, 20, 100) if step < len(history)]
    for index, step in enumerate(shown):
        w, b = history[step]
        left.plot([0, 2], [b, 2 * w + b], color=BLUE,
                  alpha=fade(index, len(shown)))
        left.text(-0.06, b, f"step {step}" if step else "start", color=BLUE,
                  ha="right", va="center")
    left.set(xlabel="load (N)", ylabel="length (cm)", xlim=(-0.75, 2.05))
    left.set_xticks([0, 1, 2])
    losses = [((w * x + b - y) ** 2).mean().item() for w, b in history]
    right.semilogy(losses, color=BLUE)
    right.axhline(0.25, color=INK, linewidth=0.8, linestyle="--")
    right.text(len(losses), 0.22, "the ruler's error, 0.25", ha="right",
               va="top")
    right.set(xlabel="step", ylabel="loss (cm²)", ylim=(0.1, 500))
    return figure


def main(argv: list[str] | None = None) -> None:
    """Train, evaluate, show: the program from the command line."""
    parser = options.parser("first", __doc__, steps=100, seed=0)
    args = options.read(parser, argv)
    if args.device.type != "cpu":
        raise options.InputError("--device: this program knows the cpu only")
    (x, y), model, history = fit(args.steps, args.seed, quiet=args.quiet)
    with torch.inference_mode():
        loss = nn.functional.mse_loss(model(x), y).item()
    w, b = history[-1]
    results.save(args, {"measure": "mean squared error", "parameters": 2,
                        "steps": args.steps, "train": loss, "w": w, "b": b},
                 {"first": plot(x, y, history)})


if __name__ == "__main__":
    options.run(main)
