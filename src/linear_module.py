# Generated from README.org by tangle.el; edit README.org instead.
"""Fit a line, and other linear models, with nn.Module and optim.SGD."""

import copy
import itertools
import math
import sys
from collections.abc import Iterable

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, TensorDataset

import command_line
from figure_style import BLUE, GREY, ORANGE, new_figure
from known_line import known_line
from least_squares import least_squares
from line_figure import line_figure


LR = 0.05
BATCH_SIZE = 20
STEPS = 60  # 5 batches make an epoch, so these are 12 epochs


def standard_line(seed: int) -> tuple[Tensor, Tensor]:
    """Return the known line: features (N, 1) in standard units, y (N,)."""
    x, y = known_line(seed)
    return ((x - x.mean()) / x.std(correction=0))[:, None], y


def make_loader(features: Tensor, y: Tensor, seed: int) -> DataLoader:
    """Return a loader of shuffled batches: features (B, F) and y (B,)."""
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(TensorDataset(features, y), BATCH_SIZE, shuffle=True,
                      generator=generator)


class LinearRegression(nn.Module):
    """Predict one number from F features; all weights start at zero."""

    def __init__(self, features: int = 1):
        super().__init__()
        self.linear = nn.Linear(features, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return predictions of shape (B,) for features of shape (B, F)."""
        return self.linear(x).squeeze(1)  # (B, 1) to (B,)


def train(model: nn.Module, loader: Iterable, *, lr: float = LR,
          steps: int = STEPS) -> tuple[nn.Module, list[nn.Module]]:
    """Train MODEL; return it and its copies at the start and every step."""
    device = next(model.parameters()).device
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    history = [copy.deepcopy(model)]
    epochs = itertools.chain.from_iterable(itertools.repeat(loader))
    model.train()
    for x, y in itertools.islice(epochs, steps):
        loss = criterion(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(copy.deepcopy(model))
    return model, history


@torch.no_grad()
def evaluate(model: nn.Module, features: Tensor, y: Tensor) -> float:
    """Return the mean squared error of MODEL on all examples."""
    model.eval()
    device = next(model.parameters()).device
    return nn.functional.mse_loss(model(features.to(device)),
                                  y.to(device)).item()


@torch.no_grad()
def plot(seed: int, history: list[nn.Module], floor: float) -> Figure:
    """Draw the line after every epoch, and the loss."""
    x, y = known_line(seed)
    features, _ = standard_line(seed)
    epochs = history[::math.ceil(len(y) / BATCH_SIZE)]
    device = next(epochs[0].parameters()).device
    lines = [model(features.to(device)).cpu() for model in epochs]
    losses = [evaluate(model, features, y) for model in epochs]
    return line_figure(x, y, lines, losses, floor)


def crossed(seed: int) -> tuple[Tensor, Tensor]:
    """Return u and v as columns (N, 2), and y (N,), which depends on u v."""
    generator = torch.Generator().manual_seed(seed)
    u, v = torch.linspace(-1, 1, 30), torch.tensor([-1.0, 0.0, 1.0])
    observed = torch.cartesian_prod(u, v)  # (90, 2)
    u, v = observed.T
    noise = 0.5 * torch.randn(len(u), generator=generator)
    return observed, 1 + 2 * u - v + 3 * u * v + noise


def with_product(observed: Tensor) -> Tensor:
    """Add the product of the two columns as a third: (N, 2) to (N, 3)."""
    return torch.cat([observed, observed.prod(1, keepdim=True)], 1)


def fit(features: Tensor, y: Tensor, seed: int,
        device: torch.device | str = "cpu") -> nn.Module:
    """Return a linear model trained on FEATURES (N, F) for 300 steps."""
    model = LinearRegression(features.shape[1]).to(device)
    loader = make_loader(features, y, seed)
    return train(model, loader, lr=0.1, steps=300)[0]


@torch.no_grad()
def plot_features(observed: Tensor, y: Tensor, fits: dict) -> Figure:
    """Draw the points and, for each v, the lines of the FITS, on the CPU."""
    figure, panels = new_figure(columns=2, height=3.1, sharey=True)
    styles = {-1: (ORANGE, "v", "--"), 0: (GREY, "s", ":"),
              1: (BLUE, "o", "-")}
    for axes, (name, y_hat) in zip(panels, fits.items()):
        for value, (colour, marker, style) in styles.items():
            row = observed[:, 1] == value
            u = observed[row, 0]
            axes.plot(u, y[row], marker, color=colour, markersize=3.5,
                      markeredgewidth=0, alpha=0.7)
            axes.plot(u, y_hat[row], style, color=colour)
            text = f"v = {value}".replace("-", "\N{MINUS SIGN}")
            axes.annotate(text, (1, y_hat[row][-1]), (5, 0),
                          textcoords="offset points", va="center",
                          color=colour, annotation_clip=False)
        axes.set(title=name, xlabel="u")
    panels[0].set_ylabel("y")
    return figure


def experiments(seed: int, device: torch.device | str = "cpu"):
    """Fit the crossed data without and with the product of its columns."""
    (observed, y), (fresh, fresh_y) = crossed(seed), crossed(seed + 1)
    plain = fit(observed, y, seed + 2, device)
    product = fit(with_product(observed), y, seed + 2, device)
    results = {"features": {
        "without": evaluate(plain, fresh, fresh_y),
        "with": evaluate(product, with_product(fresh), fresh_y)}}
    fits = {
        "features u, v": plain.cpu()(observed),
        "features u, v, uv": product.cpu()(with_product(observed))}
    fits = {name: y_hat.detach() for name, y_hat in fits.items()}
    return results, {"linear_module_features": plot_features(
        observed, y, fits)}


def main(argv: list[str] | None = None) -> int:
    """Train, then write the figures and figs/linear_module.json."""
    args = command_line.parse("linear_module", __doc__, argv,
                              steps=STEPS, seed=0)
    (x, y), fresh = standard_line(args.seed), standard_line(args.seed + 1)
    model, history = train(LinearRegression().to(args.device),
                           make_loader(x, y, args.seed + 2), steps=args.steps)
    if not math.isfinite(evaluate(model, x, y)):
        raise command_line.RunError("the loss is not finite; lower the rate")
    best_b, best_w = least_squares(x, y).tolist()
    floor = ((best_w * x[:, 0] + best_b - y) ** 2).mean().item()
    test = ((best_w * fresh[0][:, 0] + best_b - fresh[1]) ** 2).mean().item()
    more, figures = experiments(args.seed, args.device)
    results = more | {
        "seed": args.seed, "steps": args.steps,
        "parameters": sum(p.numel() for p in model.parameters()),
        "measure": "mean squared error", "train": evaluate(model, x, y),
        "test": evaluate(model, *fresh),
        "baseline": {"name": "least squares", "train": floor, "test": test}}
    figures["linear_module"] = plot(args.seed, history, floor)
    command_line.save(args, results, figures)
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
