# Generated from README.org by tangle.el; edit README.org instead.
"""Logistic regression in one dimension: two classes and their boundary."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from common import options, results
from common.style import BLUE, GREY, INK, ORANGE, fade, new_figure

MEANS, DEVIATION = (-3.0, 5.0), 2.0  # of the two classes
BATCH_SIZE = 20  # of 100 examples: five steps an epoch
EPOCHS = 0, 1, 5, 25, 200  # drawn in the figure
SPREAD = 0.007  # of the test loss, over 300 seeds, that is, data sets


def two_normals(seed: int, size: int = 100) -> tuple[Tensor, Tensor]:
    """Return features x (N, 1) of two normal classes, and labels y (N, 1)."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.bernoulli(torch.full((size, 1), 0.5), generator=generator)
    noise = DEVIATION * torch.randn(size, 1, generator=generator)
    return MEANS[0] + (MEANS[1] - MEANS[0]) * y + noise, y


def bayes() -> tuple[float, float]:
    """Return w and b of the true probability of class 1."""
    w = (MEANS[1] - MEANS[0]) / DEVIATION**2
    return w, -w * (MEANS[0] + MEANS[1]) / 2


def expected(w: float, b: float) -> tuple[float, float]:
    """Return the cross-entropy (nats) and accuracy of (w, b) on all data."""
    x = torch.linspace(-33, 35, 6801, dtype=torch.float64)
    z = w * x + b
    loss = accuracy = 0.0
    for label, mean in enumerate(MEANS):
        half = Normal(mean, DEVIATION).log_prob(x).exp() / 2
        # softplus(z) is ln(1 + e^z), the loss of label 0
        loss += torch.trapezoid(half * (F.softplus(z) - label * z), x).item()
        right = (z > 0) == (label > 0)
        accuracy += torch.trapezoid(half * right, x).item()
    return loss, accuracy


def train(x: Tensor, y: Tensor, *, epochs: int = 200, lr: float = 0.1,
          seed: int = 0, criterion: Callable = nn.BCEWithLogitsLoss()):
    """Return the trained model, and the numbers (w, b) at every step."""
    model = nn.Linear(1, 1, device=x.device)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loader = DataLoader(TensorDataset(x, y), BATCH_SIZE, shuffle=True,
                        generator=torch.Generator().manual_seed(seed))
    history = [(0.0, 0.0)]
    for _ in range(epochs):
        for x_batch, y_batch in loader:
            logits = model(x_batch)  # (B, 1)
            loss = criterion(logits, y_batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append((model.weight.item(), model.bias.item()))
    return model, history


def evaluate(w: float, b: float, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return the cross-entropy (nats) and accuracy of (w, b) on x, y."""
    logits = w * x + b  # (N, 1)
    loss = F.binary_cross_entropy_with_logits(logits, y)
    accuracy = ((logits > 0) == (y > 0)).float().mean()
    return loss.item(), accuracy.item()


def draw_class(ax, label: int, x: Tensor, y: Tensor, height: float) -> None:
    """Mark the examples of one class at HEIGHT."""
    own = x[y == label].cpu()
    ax.plot(own, torch.full_like(own, height), "o^"[label], alpha=0.4,
            color=(BLUE, ORANGE)[label], markersize=5, markeredgewidth=0)


def plot_data(x: Tensor, y: Tensor) -> Figure:
    """Draw the examples below the densities that they come from."""
    figure, ax = new_figure(1, 2.5)
    grid = torch.linspace(-9, 11, 401)
    for label, colour in enumerate((BLUE, ORANGE)):
        draw_class(ax, label, x, y, -0.02 - 0.02 * label)
        density = Normal(MEANS[label], DEVIATION).log_prob(grid).exp()
        ax.plot(grid, density, color=colour)
        ax.text(MEANS[label] - 1, 0.21, f"class {label}", color=colour)
    ax.set(xlabel="x", ylabel="density of each class", yticks=[0, 0.1, 0.2])
    return figure


def plot(history: list, x: Tensor, y: Tensor) -> Figure:
    """Draw the sigmoids of some epochs, the true one, and the boundary."""
    figure, ax = new_figure(1, 3.2)
    draw_class(ax, 0, x, y, -0.1)
    draw_class(ax, 1, x, y, 1.1)
    grid = torch.linspace(-9, 11, 401)
    w, b = bayes()
    ax.plot(grid, torch.sigmoid(w * grid + b), "--", color=GREY)
    lines = history[::5]  # one an epoch
    for i, epoch in enumerate(EPOCHS):
        w, b = lines[min(epoch, len(lines) - 1)]
        ax.plot(grid, torch.sigmoid(w * grid + b), color=INK,
                alpha=fade(i, len(EPOCHS)))
    if w:
        ax.axvline(-b / w, 0.02, 0.5, linestyle=":", color=GREY)
    for at, height, words, colour in (
            (1.1, 0.28, "true probability", GREY),
            (0.7, -0.25, "boundary", GREY),
            (-9, 0.53, "epoch 0", INK), (-6.2, 0.13, "epoch 1", INK),
            (-1.7, 0.87, "epoch 200", INK), (-9, -0.21, "class 0", BLUE),
            (9.4, 1.08, "class 1", ORANGE)):
        ax.text(at, height, words, color=colour)
    ax.set(xlabel="x", ylabel="probability of class 1", yticks=[0, 0.5, 1],
           ylim=(-0.3, 1.25))
    return figure


def judge(w: float, b: float, data, test) -> dict:
    """Return the losses of (w, b) in nats, its accuracy and boundary."""
    loss, accuracy = expected(w, b)
    return {"w": w, "b": b, "boundary": -b / w if w else None,
            "train": evaluate(w, b, *data)[0],
            "test": evaluate(w, b, *test)[0],
            "expected": loss, "accuracy": accuracy}


def main(argv: list[str] | None = None) -> None:
    """Load, train, evaluate, show: the program from the command line."""
    parser = options.parser("logistic", __doc__, steps=1000, seed=0)
    args = options.read(parser, argv)
    data = x, y = [part.to(args.device) for part in two_normals(args.seed)]
    _, history = train(x, y, epochs=args.steps // 5, seed=args.seed)
    test = two_normals(args.seed + 1, 10_000)
    results.save(args, {
        "measure": "cross-entropy (nats)", "spread": SPREAD,
        "parameters": 2, "steps": args.steps,
        **judge(*history[-1], data, test),
        "baseline": {"name": "true probability",
                     **judge(*bayes(), data, test)},
    }, {"logistic_data": plot_data(x, y), "logistic": plot(history, x, y)})


if __name__ == "__main__":
    options.run(main)
