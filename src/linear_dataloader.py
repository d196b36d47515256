# Generated from README.org by tangle.el; edit README.org instead.
"""Fit a line by stochastic gradient descent on batches from a DataLoader."""

import itertools
import math
import sys
from collections.abc import Iterable, Iterator

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import command_line
from figure_style import BLUE, INK, ORANGE, new_figure
from known_line import known_line
from least_squares import least_squares
from line_figure import line_figure


LR = 0.05
BATCH_SIZE = 20
STEPS = 60  # 5 batches make an epoch, so these are 12 epochs


class Points(Dataset):
    """Pairs of one x and one y, taken from two tensors of shape (N,)."""

    def __init__(self, x: Tensor, y: Tensor):
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index], self.y[index]


def standard_line(seed: int) -> Points:
    """Return the known line, with x in standard units."""
    x, y = known_line(seed)
    return Points((x - x.mean()) / x.std(correction=0), y)


def make_loader(data: Dataset, seed: int, *, batch_size: int = BATCH_SIZE,
                shuffle: bool = True) -> DataLoader:
    """Return a loader whose order of examples depends on SEED alone."""
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(data, batch_size, shuffle=shuffle, generator=generator)


def batches(loader: Iterable, steps: int) -> Iterator:
    """Yield STEPS batches; begin a new epoch whenever one ends."""
    epochs = itertools.repeat(loader)
    return itertools.islice(itertools.chain.from_iterable(epochs), steps)


def predict(x: Tensor, w: Tensor | float, b: Tensor | float) -> Tensor:
    """Return the heights of the line at x, in the shape of x."""
    return w * x + b


def mse(y_hat: Tensor, y: Tensor) -> Tensor:
    """Return the mean squared error of y_hat, in squared units of y."""
    return ((y_hat - y) ** 2).mean()  # ()


def train(loader: Iterable, *, lr: float = LR, steps: int = STEPS,
          start: tuple[float, float] = (0.0, 0.0),
          device: torch.device | str = "cpu"):
    """Return the trained (w, b) and their values at the start and every step.

    LOADER yields batches of x and y, each of shape (B,), once per epoch.
    """
    w, b = (torch.tensor(value, device=device, requires_grad=True)
            for value in start)  # (), ()
    history = [(w.item(), b.item())]
    for x, y in batches(loader, steps):
        x, y = x.to(device), y.to(device)  # (B,), (B,)
        loss = mse(predict(x, w, b), y)
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
            b -= lr * b.grad
        w.grad = b.grad = None
        history.append((w.item(), b.item()))
    return (w, b), history


@torch.no_grad()
def evaluate(data: Points, w: float, b: float) -> float:
    """Return the mean squared error over all of DATA."""
    return mse(predict(data.x, w, b), data.y).item()


def curve(data: Points, history: list[tuple[float, float]]) -> list[float]:
    """Return the loss over all of DATA at every entry of HISTORY."""
    return [evaluate(data, w, b) for w, b in history]


def plot(seed: int, history: list[tuple[float, float]],
         floor: float) -> Figure:
    """Draw the line after every epoch, and the loss."""
    x, y = known_line(seed)
    data = standard_line(seed)
    epochs = history[::math.ceil(len(data) / BATCH_SIZE)]
    lines = [predict(data.x, w, b) for w, b in epochs]
    return line_figure(x, y, lines, curve(data, epochs), floor)


def compare_batches(data: Points, seed: int, **options) -> dict:
    """Return the loss at every step, for batches of 20 and of everything."""
    losses = {}
    for name, size in [("mini", BATCH_SIZE), ("full", len(data))]:
        loader = make_loader(data, seed, batch_size=size)
        losses[name] = curve(data, train(loader, **options)[1])
    return losses


def plot_steps(losses: dict[str, list[float]]) -> Figure:
    """Draw the loss of both batch sizes against epochs and against steps."""
    figure, panels = new_figure(columns=2, height=2.9, sharey=True)
    styles = {"mini": (BLUE, "-", "batches of 20"),
              "full": (ORANGE, "--", "all 100 at once")}
    for name, per_epoch in [("mini", 5), ("full", 1)]:
        colour, style, text = styles[name]
        epochs = losses[name][::per_epoch][:13]
        panels[0].semilogy(epochs, style, color=colour)
        panels[1].semilogy(losses[name], style, color=colour)
        panels[0].annotate(text, (6, epochs[6]), (6, 5), color=colour,
                           textcoords="offset points")
    panels[1].annotate("both", (10, losses["full"][10]), (6, 5), color=INK,
                       textcoords="offset points")
    panels[0].set(xlabel="epoch", ylabel="loss (squared units of y)",
                  xticks=range(0, 13, 2))
    panels[1].set(xlabel="step")
    return figure


def compare_orders(data: Points, seed: int, lr: float, **options) -> dict:
    """Return the history of runs on shuffled, sorted and full batches."""
    loaders = {
        "shuffled": make_loader(data, seed),
        "sorted": make_loader(data, seed, shuffle=False),
        "full": make_loader(data, seed, batch_size=len(data), shuffle=False)}
    return {name: train(loader, lr=lr, **options)[1]
            for name, loader in loaders.items()}


def order_costs(data: Points, histories: dict) -> dict[str, float]:
    """Return by how much sorted and shuffled runs exceed the full batches.

    The excess is in loss over all of DATA, averaged over the later half.
    """
    late = {name: curve(data, history[len(history) // 2:])
            for name, history in histories.items()}
    means = {name: sum(losses) / len(losses) for name, losses in late.items()}
    return {name: means[name] - means["full"]
            for name in ("sorted", "shuffled")}


def plot_shuffle(data: Points, histories: dict, first: int = 30) -> Figure:
    """Draw slope and loss at the late steps for each order of examples."""
    figure, (left, right) = new_figure(columns=2, height=3.1)
    styles = {"shuffled": (BLUE, "-"), "sorted": (ORANGE, "--"),
              "full": (INK, ":")}
    for name, history in histories.items():
        colour, style = styles[name]
        steps = range(first, len(history))
        left.plot(steps, [w for w, _ in history[first:]], style, color=colour)
        losses = curve(data, history[first:])
        right.plot(steps, losses, style, color=colour,
                   label=f"{name} batches")
    left.set(xlabel="step", ylabel="slope (y per x)")
    right.set(xlabel="step", ylabel="loss (squared units of y)")
    figure.legend(*right.get_legend_handles_labels(), frameon=False, ncols=3,
                  loc="outside upper center", labelcolor="linecolor")
    return figure


def experiments(seed: int, device) -> tuple[dict, dict[str, Figure]]:
    """Compare batch sizes, by epoch and step, and orders of examples."""
    data, raw = standard_line(seed), Points(*known_line(seed))
    losses = compare_batches(data, seed + 2, device=device)
    histories = compare_orders(raw, seed + 2, lr=1e-4, device=device)
    standard = order_costs(data, compare_orders(
        data, seed + 2, lr=LR, steps=200, device=device))
    results = {
        "batches": {"mini_2_epochs": losses["mini"][10],
                    "full_2_epochs": losses["full"][2],
                    "full_10_steps": losses["full"][10]},
        "order": order_costs(raw, histories) | {
            f"standard_{name}": cost for name, cost in standard.items()}}
    return results, {
        "linear_dataloader_steps": plot_steps(losses),
        "linear_dataloader_shuffle": plot_shuffle(raw, histories)}


def main(argv: list[str] | None = None) -> int:
    """Train, then write the figures and figs/linear_dataloader.json."""
    args = command_line.parse("linear_dataloader", __doc__, argv,
                              steps=STEPS, seed=0)
    data, fresh = standard_line(args.seed), standard_line(args.seed + 1)
    loader = make_loader(data, args.seed + 2)
    _, history = train(loader, steps=args.steps, device=args.device)
    w, b = history[-1]
    if not math.isfinite(evaluate(data, w, b)):
        raise command_line.RunError("the loss is not finite; lower the rate")
    best_b, best_w = least_squares(data.x[:, None], data.y).tolist()
    floor = evaluate(data, best_w, best_b)
    more, figures = experiments(args.seed, args.device)
    results = more | {
        "seed": args.seed, "steps": args.steps, "parameters": 2,
        "measure": "mean squared error", "w": w, "b": b,
        "train": evaluate(data, w, b), "test": evaluate(fresh, w, b),
        "baseline": {"name": "least squares", "train": floor,
                     "test": evaluate(fresh, best_w, best_b)}}
    figures["linear_dataloader"] = plot(args.seed, history, floor)
    command_line.save(args, results, figures)
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
