# Generated from README.org by tangle.el; edit README.org instead.
"""Logistic regression in one dimension: two classes and their boundary."""

import math
import sys
from collections.abc import Callable
from itertools import chain, islice, repeat

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

import command_line
from figure_style import BLUE, GREY, INK, ORANGE, fade, new_figure


MEAN_0, MEAN_1, SPREAD = -3.0, 5.0, 2.0  # SPREAD is a standard deviation
SIZE, TEST_SIZE = 100, 10_000
STEPS, LR, BATCH_SIZE = 1000, 0.1, 20
EPOCHS = 0, 1, 5, 25  # drawn in the figure, and the last one


class TwoNormals(Dataset):
    """SIZE examples x, (N, 1), from two normal classes; labels y, (N, 1)."""

    def __init__(self, seed: int, size: int = SIZE,
                 device: torch.device | str = "cpu"):
        generator = torch.Generator().manual_seed(seed)
        half = torch.full((size, 1), 0.5)
        y = torch.bernoulli(half, generator=generator)  # (N, 1)
        noise = SPREAD * torch.randn(size, 1, generator=generator)
        x = MEAN_0 + (MEAN_1 - MEAN_0) * y + noise  # (N, 1)
        self.x, self.y = x.to(device), y.to(device)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index], self.y[index]


class LogisticRegression(nn.Module):
    """One linear layer; the sigmoid of its output is the probability."""

    def __init__(self, w: float = 0.0, b: float = 0.0):
        super().__init__()
        self.linear = nn.Linear(1, 1)
        nn.init.constant_(self.linear.weight, w)
        nn.init.constant_(self.linear.bias, b)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logit of each row of x, (N, 1)."""
        return self.linear(x)

    def line(self) -> tuple[float, float]:
        """Return w and b as numbers."""
        return self.linear.weight.item(), self.linear.bias.item()


def train(data: TwoNormals, *, steps: int = STEPS, lr: float = LR,
          batch_size: int = BATCH_SIZE, seed: int = 0,
          criterion: Callable = nn.BCEWithLogitsLoss()):
    """Return the model after STEPS updates and (w, b) from start to end."""
    model = LogisticRegression().to(data.x.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(data, batch_size, shuffle=True, generator=generator)
    history = [model.line()]
    for x, y in islice(chain.from_iterable(repeat(loader)), steps):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(model.line())
    return model, history


@torch.inference_mode()
def evaluate(model: nn.Module, data: TwoNormals) -> tuple[float, float]:
    """Return the cross-entropy of MODEL on DATA (nats) and its accuracy."""
    logits = model(data.x)  # (N, 1)
    loss = F.binary_cross_entropy_with_logits(logits, data.y)
    right = (logits > 0) == (data.y > 0)
    return loss.item(), right.float().mean().item()


def columns(data: TwoNormals) -> tuple[Tensor, Tensor]:
    """Return x beside a column of ones, (N, 2), and y, (N,), in float64."""
    x, y = data.x.cpu().double(), data.y.cpu().double()
    return torch.cat([x, torch.ones_like(x)], dim=1), y[:, 0]


def newton(x: Tensor, y: Tensor, most: int = 25) -> tuple[Tensor, int]:
    """Return the weights of the columns of x and the steps, at most MOST."""
    theta = torch.zeros(x.shape[1], dtype=x.dtype)
    for step in range(1, most + 1):
        p = torch.sigmoid(x @ theta)  # (N,)
        gradient = x.T @ (p - y) / len(y)
        hessian = (x.T * (p * (1 - p))) @ x / len(y)
        change = torch.linalg.solve(hessian, gradient)
        theta = theta - change
        if change.abs().max() < 1e-9:
            break
    return theta, step


def bayes() -> tuple[float, float]:
    """Return w and b of the true probability of class 1."""
    w = (MEAN_1 - MEAN_0) / SPREAD**2
    return w, -w * (MEAN_0 + MEAN_1) / 2


def expected(w: float, b: float) -> tuple[float, float]:
    """Return the cross-entropy (nats) and accuracy of (w, b) on average."""
    x = torch.linspace(-33, 35, 68_001, dtype=torch.float64)
    z = w * x + b
    loss = accuracy = 0.0
    for mean, y in (MEAN_0, 0), (MEAN_1, 1):
        density = torch.distributions.Normal(mean, SPREAD).log_prob(x).exp()
        losses = F.softplus(z) - y * z
        right = (z > 0) == (y > 0)
        loss += torch.trapezoid(density * losses, x).item() / 2
        accuracy += torch.trapezoid(density * right, x).item() / 2
    return loss, accuracy


def draw_data(ax, data: TwoNormals) -> None:
    """Mark class 0 below probability 0 and class 1 above 1, with jitter."""
    generator = torch.Generator().manual_seed(0)
    jitter = 0.04 + 0.1 * torch.rand(len(data), 1, generator=generator)
    x, y = data.x.cpu(), data.y.cpu()
    for label, colour, marker, spot in (
            (0, BLUE, "o", (-9, -0.26)), (1, ORANGE, "^", (7.8, 1.2))):
        own = y == label
        height = label + (2 * label - 1) * jitter[own]
        ax.plot(x[own], height, marker, color=colour, markersize=4.5,
                alpha=0.65, markeredgewidth=0)
        ax.text(*spot, f"class {label}", color=colour)


def draw_sigmoids(ax, lines: list[tuple[float, float]]) -> None:
    """Draw the sigmoid of each (w, b), the true one, and the boundary."""
    x = torch.linspace(-9, 11, 401)
    true_w, true_b = bayes()
    ax.plot(x, torch.sigmoid(true_w * x + true_b), "--", color=GREY)
    ax.text(2.3, 0.3, "true probability", color=GREY)
    *earlier, (w, b) = lines
    for i, (old_w, old_b) in enumerate(earlier):
        ax.plot(x, torch.sigmoid(old_w * x + old_b), color=INK,
                alpha=fade(i, len(lines)))
    ax.plot(x, torch.sigmoid(w * x + b), color=INK)
    if w:
        ax.plot([-b / w] * 2, [-0.3, 1.3], color=GREY, linestyle=":")
        ax.text(-b / w - 0.4, 1.2, "boundary", color=GREY, ha="right")
    ax.set(xlabel="x", ylabel="probability of class 1", yticks=[0, 0.5, 1],
           xlim=(-9.5, 11.5), ylim=(-0.3, 1.3))


def draw_losses(ax, history: list, data: TwoNormals, test: TwoNormals) -> None:
    """Draw the loss on DATA and TEST against the step, and Newton's."""
    steps = range(0, len(history), max(1, len(history) // 200))
    device = data.x.device
    models = [LogisticRegression(*history[i]).to(device) for i in steps]
    for name, split, dash in ("test", test, "--"), ("train", data, "-"):
        losses = [evaluate(model, split)[0] for model in models]
        ax.plot(steps, losses, dash, color=INK)
        ax.annotate(name, (steps[-1], losses[-1]), (0, 4), ha="right",
                    textcoords="offset points")
    best = LogisticRegression(*newton(*columns(data))[0].tolist())
    level, _ = evaluate(best.to(device), data)
    ax.axhline(level, color=GREY, linestyle=":")
    ax.annotate("train, Newton", (steps[-1], level), (0, -11), ha="right",
                color=GREY, textcoords="offset points")
    ax.set(xlabel="step", ylabel="cross-entropy (nats)", yscale="log")
    ax.set_yticks(ticks := [0.02, 0.05, 0.1, 0.2, 0.5], labels=ticks)
    ax.set_ylim(0.02, 0.8)
    ax.minorticks_off()


def plot(history: list, data: TwoNormals, test: TwoNormals) -> Figure:
    """Draw what was learned, and the loss on the way there."""
    figure, axes = new_figure(2, 3.4, width_ratios=[8, 5])
    epoch = -(-len(data) // BATCH_SIZE)  # steps in one, rounded up
    chosen = [n * epoch for n in EPOCHS if n * epoch < len(history) - 1]
    draw_data(axes[0], data)
    draw_sigmoids(axes[0], [history[i] for i in [*chosen, -1]])
    draw_losses(axes[1], history, data, test)
    return figure


def naive_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each example as the formula has it."""
    p = torch.sigmoid(logits)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))


def naive_run(data: TwoNormals, seed: int) -> dict:
    """Train with the naive loss; tell the step that lost the weights."""
    _, history = train(data, seed=seed,
                       criterion=lambda z, y: naive_loss(z, y).mean())
    lost = (i for i, (w, _) in enumerate(history) if math.isnan(w))
    step = next(lost, None)
    if step is None:
        return {"step": None}
    w, b = history[step - 1]
    return {"step": step, "logit": (w * data.x + b).max().item()}


def clamped_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each example by way of nn.BCELoss."""
    return nn.BCELoss(reduction="none")(torch.sigmoid(logits), y)


def robust_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of each example without any probability."""
    positive = torch.maximum(logits, torch.zeros_like(logits))
    return positive - logits * y + torch.log1p(torch.exp(-logits.abs()))


def curve(formula: Callable, z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of FORMULA at the logits z, label 1, and its slope."""
    z = z.clone().requires_grad_()
    losses = formula(z, torch.ones_like(z))
    losses.sum().backward()
    return losses.detach(), z.grad


def plot_nan() -> Figure:
    """Draw loss and gradient for label 1 in float32 by three formulas."""
    figure, axes = new_figure(3, 3.6, rows=2, sharex=True, sharey="row")
    z = torch.linspace(-120, 50, 1701)
    truth = curve(robust_loss, z.double())
    formulas = {"naive": naive_loss, "clamped (BCELoss)": clamped_loss,
                "from the logits": robust_loss}
    for column, (name, formula) in zip(axes.T, formulas.items()):
        column[0].set_title(name)
        column[1].set_xlabel("logit z")
        for ax, true, values in zip(column, truth, curve(formula, z)):
            ax.plot(z, true, color=GREY, alpha=0.35, linewidth=6,
                    solid_capstyle="butt")
            ax.plot(z, values, color=INK)
            mark_breaks(ax, z, values)
    axes[0, 0].set_ylabel("loss (nats)")
    axes[1, 0].set_ylabel("gradient")
    return figure


def mark_breaks(ax, z: Tensor, values: Tensor) -> None:
    """Shade where VALUES are infinite or NaN, and mark where that begins."""
    good = values.isfinite()
    if good.all():
        return
    first, *_, last = good.nonzero()[:, 0].tolist()
    for edge, end, value in (first, 0, values[0]), (last, -1, values[-1]):
        ax.axvspan(z[edge], z[end], color=ORANGE, alpha=0.15, linewidth=0)
        ax.plot(z[edge], values[edge], "x", color=ORANGE, markersize=7)
        ax.text((z[edge] + z[end]) / 2, 0.5, "NaN" if value.isnan() else "∞",
                color=ORANGE, ha="center", va="center",
                transform=ax.get_xaxis_transform())


def four_points() -> tuple[Tensor, Tensor]:
    """Return the columns, (4, 2), and the labels, (4,), of separable data."""
    x = torch.tensor([-2.0, -1.0, 1.0, 2.0], dtype=torch.float64)  # (N,)
    return torch.stack([x, torch.ones_like(x)], dim=1), (x > 0).double()


def descend(x: Tensor, y: Tensor, steps: int, *, lr: float = LR,
            decay: float = 0.0) -> Tensor:
    """Return (w, b) from start to end of full descent, (steps + 1, 2)."""
    theta = torch.zeros(x.shape[1], dtype=x.dtype)
    history = [theta]
    for _ in range(steps):
        gradient = (torch.sigmoid(x @ theta) - y) @ x / len(y)
        theta = theta - lr * (gradient + decay * theta)
        history.append(theta)
    return torch.stack(history)


def plot_separable(runs: dict[float, Tensor]) -> Figure:
    """Draw w against the step for each weight decay in RUNS."""
    figure, ax = new_figure(1, 3.0)
    for decay, dash in zip(runs, ("-", "--", "-.")):
        w = runs[decay][1:, 0]
        steps = torch.arange(1, len(w) + 1)
        ax.plot(steps, w, dash, color=BLUE if decay else INK)
        name = f"decay {decay}" if decay else "no decay"
        ax.annotate(name, (steps[-1], w[-1]), (5, 0), va="center",
                    textcoords="offset points", annotation_clip=False,
                    color=BLUE if decay else INK)
    law = torch.tensor([2 / LR, len(w)])
    ax.plot(law, torch.log(LR * law / 2), ":", color=GREY)
    ax.text(42, 0.3, "ln(ηt/2)", color=GREY)
    ax.set(xscale="log", xlabel="step t", ylabel="w")
    return figure


def describe(w: float, b: float, data: TwoNormals, test: TwoNormals) -> dict:
    """Return the losses (nats) and accuracies of (w, b), and its boundary."""
    model = LogisticRegression(w, b).to(data.x.device)
    train_loss, train_accuracy = evaluate(model, data)
    test_loss, test_accuracy = evaluate(model, test)
    loss, accuracy = expected(w, b)
    return {
        "w": w, "b": b, "boundary": -b / w if w else None,
        "train": train_loss, "test": test_loss, "expected": loss,
        "accuracy": {"train": train_accuracy, "test": test_accuracy,
                     "expected": accuracy},
    }


def collect(args, model, data: TwoNormals, test: TwoNormals) -> dict:
    """Return the results of the model, its rivals, and naive training."""
    theta, steps = newton(*columns(data))
    rival = {"name": "Newton's method", "steps": steps}
    return {
        "seed": args.seed,
        "steps": args.steps,
        "parameters": sum(p.numel() for p in model.parameters()),
        "measure": "cross-entropy (nats)",
        **describe(*model.line(), data, test),
        "baseline": rival | describe(*theta.tolist(), data, test),
        "bayes": describe(*bayes(), data, test),
        "nan": naive_run(data, args.seed),
    }


def main(argv: list[str] | None = None) -> int:
    """Train, then write three figures and figs/logistic.json."""
    args = command_line.parse("logistic", __doc__, argv, steps=STEPS, seed=0)
    data = TwoNormals(args.seed, SIZE, args.device)
    test = TwoNormals(args.seed + 1, TEST_SIZE, args.device)
    model, history = train(data, steps=args.steps, seed=args.seed)
    if not all(map(math.isfinite, model.line())):
        raise command_line.RunError("training diverged: w or b is not finite")
    runs = {decay: descend(*four_points(), 10_000, decay=decay)
            for decay in (0.0, 0.01, 0.1)}
    results = collect(args, model, data, test)
    grown, *decayed = [run[-1, 0].item() for run in runs.values()]
    results["separable"] = {"w": grown, "decayed": decayed}
    command_line.save(args, results, {
        "logistic": plot(history, data, test),
        "logistic_nan": plot_nan(),
        "logistic_separable": plot_separable(runs),
    })
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
