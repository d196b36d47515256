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


def standardise(x: Tensor) -> Tensor:
    """Return x with mean 0 and standard deviation 1."""
    return (x - x.mean()) / x.std(correction=0)


def descend(x: Tensor, y: Tensor) -> tuple[list, list[float]]:
    """Return (w, b) at 31 steps, and the last errors, as shares of the first.

    The rate is 0.17 of the limit.
    """
    best_b, best_w = least_squares(x[:, None], y).tolist()
    lr = 0.17 * 2 / curvatures(x)[-1].item()
    (w, b), history = train(x, y, lr=lr, steps=30)
    return history, [abs(w.item() / best_w - 1), abs(b.item() / best_b - 1)]


def plot_rates(losses: dict[float, list[float]]) -> Figure:
    """Draw the loss against the step, for rates on both sides of the limit."""
    figure, axes = new_figure(height=2.8)
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


def plot_map(axes, x: Tensor, y: Tensor) -> None:
    """Draw contours of the loss, and the path of descent through them."""
    best_b, best_w = least_squares(x[:, None], y).tolist()
    reach = 0.65 * max(abs(best_w), abs(best_b))
    w, b = (torch.linspace(-reach, reach, 41) + best / 2
            for best in (best_w, best_b))
    grid = predict(x, w[:, None], b[:, None, None])  # (41, 41, N)
    unit = curvatures(x)[-1].item() / 2 * (reach / 6) ** 2
    floor = mse(predict(x, best_w, best_b), y).item()
    axes.contour(w, b, ((grid - y) ** 2).mean(2),
                 [floor + unit * k**2 for k in range(1, 13)],
                 colors=GREY, linewidths=0.6)
    axes.plot(*zip(*descend(x, y)[0]), ".-", color=BLUE, markersize=4,
              linewidth=1)
    axes.plot(best_w, best_b, "+", color=INK, markersize=10)
    for text, at, colour in [("lowest", (best_w, best_b), INK),
                             ("start", (0, 0), BLUE)]:
        axes.annotate(text, at, (7, 5), color=colour,
                      textcoords="offset points")
    axes.set(xlabel="slope", ylabel="bias", aspect="equal")


def main(argv: list[str] | None = None) -> None:
    """Train at four rates, then in two systems of units; draw both."""
    parser = options.parser("curvature", __doc__, steps=100, seed=0)
    args = options.read(parser, argv)
    x, y = known_line(args.seed)
    losses = losses_by_rate(x, y, args.steps)
    figure, (left, right) = new_figure(columns=2, height=3.2)
    plot_map(left, x, y)
    plot_map(right, standardise(x), y)
    left.set_title("x as it comes")
    right.set_title("x in standard units")
    results.save(args, {
        "steps": args.steps,
        "train": {f"{share:g}": curve[-1] for share, curve in losses.items()},
    }, {"curvature_rates": plot_rates(losses), "curvature_units": figure})


if __name__ == "__main__":
    options.run(main)
