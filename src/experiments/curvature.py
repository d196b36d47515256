# Generated from README.org by tangle.el; edit README.org instead.
"""How do the units of x shape the loss and the way of descent?"""

import torch
from torch import Tensor

from common import options, results
from common.line import known_line, least_squares
from common.style import BLUE, GREY, INK, new_figure
from linear_autograd import mse, predict, train


def standardise(x: Tensor) -> Tensor:
    """Return x with mean 0 and standard deviation 1."""
    return (x - x.mean()) / x.std(correction=0)


def descend(x: Tensor, y: Tensor, steps: int = 30) -> list:
    """Return (w, b) at the start and after each step, at 0.17 of the limit."""
    curvature = 2 * (x**2).mean().item()  # the larger one
    return train(x, y, lr=0.17 * 2 / curvature, steps=steps)[1]


def plot_map(axes, x: Tensor, y: Tensor, path: list) -> None:
    """Draw contours of the loss, and the PATH of descent through them."""
    best_b, best_w = least_squares(x[:, None], y).tolist()
    reach = 0.65 * max(abs(best_w), abs(best_b))
    w, b = (torch.linspace(-reach, reach, 41) + best / 2
            for best in (best_w, best_b))
    grid = predict(x, w[:, None], b[:, None, None])  # (41, 41, N)
    unit = (x**2).mean().item() * (reach / 6) ** 2
    floor = mse(predict(x, best_w, best_b), y).item()
    axes.contour(w, b, ((grid - y) ** 2).mean(2),
                 [floor + unit * k**2 for k in range(1, 13)],
                 colors=GREY, linewidths=0.6)
    axes.plot(*zip(*path), ".-", color=BLUE, markersize=4, linewidth=1)
    axes.plot(best_w, best_b, "+", color=INK, markersize=10)
    axes.text(best_w + 0.1 * reach, best_b + 0.05 * reach, "lowest", color=INK)
    axes.text(0.08 * reach, 0.08 * reach, "start", color=BLUE)
    axes.set(xlabel="slope", ylabel="bias", aspect="equal")


def main(argv: list[str] | None = None) -> None:
    """Descend in two systems of units, and draw both maps."""
    parser = options.parser("curvature", __doc__, steps=30, seed=0)
    args = options.read(parser, argv)
    x, y = known_line(args.seed)
    figure, maps = new_figure(columns=2, height=3.2)
    for axes, title, feature in [
            (maps[0], "x as it comes", x),
            (maps[1], "x in standard units", standardise(x))]:
        plot_map(axes, feature, y, descend(feature, y, args.steps))
        axes.set_title(title)
    results.save(args, {"steps": args.steps}, {"curvature_units": figure})


if __name__ == "__main__":
    options.run(main)
