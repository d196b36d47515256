# Generated from README.org by tangle.el; edit README.org instead.
"""What does curvature decide?  Which rates converge, and how soon."""

import torch
from matplotlib.figure import Figure
from torch import Tensor

from common import options, results
from common.line import known_line, least_squares
from common.style import BLUE, GREY, INK, ORANGE, new_figure
from linear_autograd import evaluate, mse, predict, train


def curvatures(x: Tensor) -> Tensor:
    """Return the eigenvalues of the Hessian of the MSE, the larger last."""
    x = x.cpu().double()
    design = torch.stack([x, torch.ones_like(x)], 1)  # (N, 2)
    return torch.linalg.eigvalsh(2 / len(x) * design.T @ design)  # (2,)


def losses_by_rate(x: Tensor, y: Tensor,
                   steps: int) -> dict[float, list[float]]:
    """Return the losses of every step, by the rate's share of the limit."""
    limit = 2 / curvatures(x)[-1].item()
    return {share: [evaluate(x, y, w, b) for w, b in
                    train(x, y, lr=share * limit, steps=steps)[1]]
            for share in (0.5, 0.99, 1.01, 1.03)}


def plot_rates(losses: dict[float, list[float]]) -> Figure:
    """Draw the loss against the step, for rates on both sides of the limit."""
    figure, axes = new_figure(height=3.0)
    for share, curve in losses.items():
        colour, style = (BLUE, "-") if share < 1 else (ORANGE, "--")
        axes.semilogy(curve, style, color=colour)
        axes.annotate(f"{share:g} of the limit", (50, curve[len(curve) // 2]),
                      (0, 5 if share > 0.6 else -14), color=colour,
                      textcoords="offset points",
                      ha="right" if share > 1 else "left")
    axes.set(xlabel="step", ylabel="loss (squared units of y)",
             ylim=(3e2, None))
    return figure


def standardise(x: Tensor) -> Tensor:
    """Return x with mean 0 and standard deviation 1."""
    return (x - x.mean()) / x.std(correction=0)


def errors(x: Tensor, y: Tensor,
           steps: int) -> tuple[list, list[float], list[float]]:
    """Return the weights at every step, and the errors of slope and bias.

    The rate is 0.17 of the limit; an error is relative to a weight of 0.
    """
    best_b, best_w = least_squares(x[:, None], y).tolist()
    lr = 0.17 * 2 / curvatures(x)[-1].item()
    _, history = train(x, y, lr=lr, steps=steps)
    return (history, [abs(w / best_w - 1) for w, _ in history],
            [abs(b / best_b - 1) for _, b in history])


def plot_map(axes, x: Tensor, y: Tensor, history: list) -> None:
    """Draw contours of the loss, and the path of HISTORY through them."""
    best_b, best_w = least_squares(x[:, None], y).tolist()
    reach = 0.65 * max(abs(best_w), abs(best_b))
    w = torch.linspace(-reach, reach, 101) + best_w / 2
    b = torch.linspace(-reach, reach, 101) + best_b / 2
    grid = predict(x, w[:, None], b[:, None, None])  # (101, 101, N)
    unit = curvatures(x)[-1].item() / 2 * (reach / 6) ** 2
    floor = mse(predict(x, best_w, best_b), y).item()
    axes.contour(w, b, ((grid - y) ** 2).mean(2),
                 [floor + unit * k**2 for k in range(1, 15)],
                 colors=GREY, linewidths=0.6)
    axes.plot(*zip(*history), ".-", color=BLUE, markersize=4, linewidth=1)
    axes.plot(best_w, best_b, "+", color=INK, markersize=10)
    axes.annotate("lowest", (best_w, best_b), (7, 5), color=INK,
                  textcoords="offset points")
    axes.annotate("start", (0, 0), (0, -12), color=BLUE, ha="center",
                  textcoords="offset points")
    axes.set(xlabel="slope", ylabel="bias", aspect="equal")


def plot_units(y: Tensor, runs: dict[str, tuple]) -> Figure:
    """Draw map and errors for each of RUNS: its feature and errors."""
    figure, panels = new_figure(columns=2, rows=2, height=5.8)
    for (top, below), (name, (x, run)) in zip(panels.T, runs.items()):
        history, slope, bias = run
        plot_map(top, x, y, history)
        top.set_title(name)
        below.semilogy(slope, color=BLUE)
        below.semilogy(bias, "--", color=ORANGE)
        below.set(xlabel="step", ylabel="relative error", ylim=(1e-6, 3))
        middle = len(slope) // 2
        for text, error, shift, colour in [("slope", slope, (8, 2), BLUE),
                                           ("bias", bias, (-32, -14), ORANGE)]:
            below.annotate(text, (middle, error[middle]), shift, color=colour,
                           textcoords="offset points")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Train at four rates, then in two systems of units; draw both."""
    parser = options.parser("curvature", __doc__, steps=100, seed=0)
    args = options.read(parser, argv)
    x, y = known_line(args.seed)
    losses = losses_by_rate(x, y, args.steps)
    runs = {name: (feature, errors(feature, y, 30))
            for name, feature in [("x as it comes", x),
                                  ("x in standard units", standardise(x))]}
    results.save(args, {
        "steps": args.steps, "bias": [run[2][-1] for _, run in runs.values()],
        "train": {f"{share:g}": curve[-1] for share, curve in losses.items()},
    }, {"curvature_rates": plot_rates(losses),
        "curvature_units": plot_units(y, runs)})


if __name__ == "__main__":
    options.run(main)
