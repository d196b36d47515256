# Generated from README.org by tangle.el; edit README.org instead.
"""Fit a line by descent: autograd finds the gradient, the step is by hand."""

import math
import sys
from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor

import command_line
from figure_style import BLUE, GREY, INK, ORANGE, new_figure
from known_line import known_line
from least_squares import least_squares
from line_figure import line_figure


LR = 5e-5
STEPS = 12  # here a step uses all the data, so it is also an epoch


def predict(x: Tensor, w: Tensor | float, b: Tensor | float) -> Tensor:
    """Return the heights of the line at x, in the shape of x."""
    return w * x + b


def mse(y_hat: Tensor, y: Tensor) -> Tensor:
    """Return the mean squared error of y_hat, in squared units of y."""
    return ((y_hat - y) ** 2).mean()  # ()


def train(x: Tensor, y: Tensor, *, lr: float = LR, steps: int = STEPS,
          start: tuple[float, float] = (0.0, 0.0),
          loss_fn: Callable[[Tensor, Tensor], Tensor] = mse):
    """Return the trained (w, b) and their values at the start and every step.

    x and y have shape (N,); the history holds STEPS + 1 pairs of numbers.
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


@torch.no_grad()
def evaluate(x: Tensor, y: Tensor, w: Tensor | float, b: Tensor | float,
             loss_fn: Callable[[Tensor, Tensor], Tensor] = mse) -> float:
    """Return the loss of the line w x + b on all of x and y."""
    return loss_fn(predict(x, w, b), y).item()


def plot(x: Tensor, y: Tensor, history: list[tuple[float, float]],
         floor: float) -> Figure:
    """Draw the line after every epoch, and the loss."""
    lines = [predict(x, w, b).cpu() for w, b in history]
    losses = [evaluate(x, y, w, b) for w, b in history]
    return line_figure(x.cpu(), y.cpu(), lines, losses, floor)


def curvatures(x: Tensor) -> Tensor:
    """Return the eigenvalues of the Hessian of the MSE, the larger last."""
    x = x.cpu().double()
    features = torch.stack([x, torch.ones_like(x)], 1)  # (N, 2)
    return torch.linalg.eigvalsh(2 / len(x) * features.T @ features)  # (2,)


def losses_by_rate(x: Tensor, y: Tensor, shares: tuple[float, ...],
                   steps: int = 100) -> dict[float, list[float]]:
    """Return the loss at every step for SHARES of the limiting rate."""
    limit = 2 / curvatures(x)[-1].item()
    losses = {}
    for share in shares:
        _, history = train(x, y, lr=share * limit, steps=steps)
        losses[share] = [evaluate(x, y, w, b) for w, b in history]
    return losses


def plot_rates(losses: dict[float, list[float]]) -> Figure:
    """Draw the loss against the step, for rates on both sides of the limit."""
    figure, axes = new_figure(height=3.0)
    for share, curve in losses.items():
        colour, style = (BLUE, "-") if share < 1 else (ORANGE, "--")
        axes.semilogy(curve, style, color=colour)
        middle = len(curve) // 2
        shift, side = ((-6, 3), "right") if share > 1 else (
            (0, 5 if share > 0.9 else -14), "left")
        axes.annotate(f"{share:g} of the limit", (middle, curve[middle]),
                      shift, textcoords="offset points", ha=side,
                      color=colour)
    axes.set(xlabel="step", ylabel="loss (squared units of y)",
             ylim=(2e2, None))
    return figure


def standardise(x: Tensor) -> Tensor:
    """Return x with mean 0 and standard deviation 1."""
    return (x - x.mean()) / x.std(correction=0)


def relative_errors(x: Tensor, y: Tensor, *, share: float = 0.17,
                    steps: int = 30) -> tuple[list[float], list[float]]:
    """Return the errors of slope and bias at every step, relative to best."""
    best_b, best_w = least_squares(x[:, None], y).tolist()
    lr = share * 2 / curvatures(x)[-1].item()
    _, history = train(x, y, lr=lr, steps=steps)
    slope = [abs(w / best_w - 1) for w, _ in history]
    bias = [abs(b / best_b - 1) for _, b in history]
    return slope, bias


def plot_scale(raw: tuple, standard: tuple) -> Figure:
    """Draw the errors of slope and bias by step, in two systems of units."""
    figure, panels = new_figure(columns=2, height=2.9, sharey=True)
    names = ["x as it comes", "x in standard units"]
    for axes, name, (slope, bias) in zip(panels, names, [raw, standard]):
        axes.semilogy(slope, color=BLUE)
        axes.semilogy(bias, "--", color=ORANGE)
        axes.set(title=name, xlabel="step")
    panels[0].set_ylabel("relative error")
    middle = len(raw[0]) // 2
    for axes, text, height, colour, shift in [
            (panels[0], "bias", raw[1][middle], ORANGE, -16),
            (panels[0], "slope", raw[0][middle], BLUE, 6),
            (panels[1], "slope and bias", standard[0][middle], BLUE, 6)]:
        axes.annotate(text, (middle, height), (6, shift), color=colour,
                      textcoords="offset points")
    return figure


def power_loss(m: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss that is the mean of |y_hat - y| to the power m."""
    return lambda y_hat, y: (y_hat - y).abs().pow(m).mean()


def with_outliers(y: Tensor) -> Tensor:
    """Return a copy of y whose last five values are 600 too low."""
    y = y.clone()
    y[-5:] -= 600
    return y


POWER_RATES = {1: 0.005, 2: 0.1, 4: 0.02}


def fit_power(x: Tensor, y: Tensor, m: int, steps: int = 1000) -> Tensor:
    """Return the heights at x of the line with the least L_m, shape (N,)."""
    z, t = standardise(x), standardise(y)
    (w, b), _ = train(z, t, lr=POWER_RATES[m], steps=steps,
                      loss_fn=power_loss(m))
    return predict(z, w, b).detach() * y.std(correction=0) + y.mean()


def plot_power(x: Tensor, y: Tensor, fits: dict[int, Tensor]) -> Figure:
    """Draw the points and the lines that the exponents lead to."""
    figure, axes = new_figure(height=3.4)
    axes.plot(x, y, "o", color=GREY, markersize=2.5, markeredgewidth=0)
    axes.plot(x[-5:], y[-5:], "o", color=INK, markersize=5, fillstyle="none")
    axes.annotate("outliers", (x[-5], y[-5]), (-9, 0), ha="right", va="center",
                  textcoords="offset points", color=INK)
    styles = {1: (BLUE, "-"), 2: (INK, "--"), 4: (ORANGE, "-.")}
    for m, line in fits.items():
        colour, style = styles[m]
        axes.plot(x, line, style, color=colour)
        axes.annotate(f"m = {m}", (x[-1], line[-1]), (5, 0), va="center",
                      textcoords="offset points", color=colour,
                      annotation_clip=False)
    axes.set(xlabel="x", ylabel="y")
    return figure


def describe(x: Tensor, y: Tensor, line: Tensor) -> dict[str, float]:
    """Return the slope of LINE and its median and largest residual."""
    r = (line - y).abs()
    return {"slope": ((line[-1] - line[0]) / (x[-1] - x[0])).item(),
            "median": r.median().item(), "largest": r.max().item()}


def experiments(x: Tensor, y: Tensor) -> tuple[dict, dict[str, Figure]]:
    """Run the three experiments: rate, units and exponent."""
    rates = losses_by_rate(x, y, (0.5, 0.99, 1.01, 1.03))
    raw = relative_errors(x, y)
    standard = relative_errors(standardise(x), y)
    lowered = with_outliers(y)
    fits = {m: fit_power(x, lowered, m).cpu() for m in POWER_RATES}
    x, lowered = x.cpu(), lowered.cpu()
    results = {
        "rate": {"below": rates[0.99][-1], "above": rates[1.01][-1],
                 "steps": len(rates[0.99]) - 1},
        "scale": {"raw_bias": 100 * raw[1][-1], "steps": len(raw[0]) - 1},
        "exponent": {f"m{m}": describe(x, lowered, line)
                     for m, line in fits.items()}}
    return results, {"linear_autograd_rate": plot_rates(rates),
                     "linear_autograd_scale": plot_scale(raw, standard),
                     "linear_autograd_exponent": plot_power(x, lowered, fits)}


def main(argv: list[str] | None = None) -> int:
    """Train, then write the figures and figs/linear_autograd.json."""
    args = command_line.parse("linear_autograd", __doc__, argv,
                              steps=STEPS, seed=0)
    x, y = (t.to(args.device) for t in known_line(args.seed))
    fresh = [t.to(args.device) for t in known_line(args.seed + 1)]
    (w, b), history = train(x, y, steps=args.steps)
    if not math.isfinite(evaluate(x, y, w, b)):
        raise command_line.RunError("the loss is not finite; lower the rate")
    best_b, best_w = least_squares(x[:, None], y).tolist()
    floor = evaluate(x, y, best_w, best_b)
    more, figures = experiments(x, y)
    results = more | {
        "seed": args.seed, "steps": args.steps, "parameters": 2,
        "measure": "mean squared error", "w": w.item(), "b": b.item(),
        "best": {"w": best_w, "b": best_b}, "train": evaluate(x, y, w, b),
        "test": evaluate(*fresh, w, b),
        "baseline": {"name": "least squares", "train": floor,
                     "test": evaluate(*fresh, best_w, best_b)}}
    figures["linear_autograd"] = plot(x, y, history, floor)
    command_line.save(args, results, figures)
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(main))
