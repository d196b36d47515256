# Generated from README.org by tangle.el; edit README.org instead.
"""What does the exponent of the loss do to a line fitted to outliers?"""

from torch import Tensor

from common import options, results
from common.line import known_line
from common.style import BLUE, GREY, new_figure
from linear_autograd import train


def fit(x: Tensor, y: Tensor, m: int,
        steps: int = 1000) -> tuple[float, float]:
    """Return the slope and the bias of the line with the least L_m."""
    x, y = x.double() / 100, y.double() / 100  # numbers of about 1
    (w, b), _ = train(x, y, lr=0.02, steps=steps,
                      loss_fn=lambda y_hat, y: (y_hat - y).abs().pow(m).mean())
    return w.item(), 100 * b.item()


def main(argv: list[str] | None = None) -> None:
    """Fit the line with every exponent and draw the fits."""
    parser = options.parser("exponent", __doc__, steps=1000, seed=0)
    args = options.read(parser, argv)
    x, y = known_line(args.seed)
    y[-5:] -= 600
    figure, axes = new_figure(height=3.0)
    axes.plot(x, y, "o", color=GREY, markersize=2.5, markeredgewidth=0)
    for m, style in (1, "-"), (2, "--"), (4, "-."):
        w, b = fit(x, y, m, args.steps)
        axes.plot(x[[0, -1]], w * x[[0, -1]] + b, style, color=BLUE)
        axes.text(102, w * 100 + b, f"m = {m}", va="center", color=BLUE)
    axes.set(xlabel="x", ylabel="y")
    results.save(args, {"steps": args.steps}, {"exponent": figure})


if __name__ == "__main__":
    options.run(main)
