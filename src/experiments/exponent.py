# Generated from README.org by tangle.el; edit README.org instead.
"""What does the exponent of the loss do to a line fitted to outliers?"""

from torch import Tensor

from common import options, results
from common.line import known_line
from common.style import BLUE, GREY, INK, new_figure
from linear_autograd import predict, train

RATES = {1: 0.02, 2: 0.3, 4: 0.02}  # the curvature depends on the exponent


def with_outliers(y: Tensor) -> Tensor:
    """Return a copy of y whose last five values are 600 too low."""
    y = y.clone()
    y[-5:] -= 600
    return y


def fit(x: Tensor, y: Tensor, m: int, steps: int = 1000) -> Tensor:
    """Return the heights at x of the line with the least L_m, shape (N,)."""
    x, y = x.double() / 100, y.double() / 100  # numbers of about 1
    (w, b), _ = train(x, y, lr=RATES[m], steps=steps,
                      loss_fn=lambda y_hat, y: (y_hat - y).abs().pow(m).mean())
    return 100 * predict(x, w, b).detach()


def main(argv: list[str] | None = None) -> None:
    """Fit the line with every exponent and draw the fits."""
    parser = options.parser("exponent", __doc__, steps=1000, seed=0)
    args = options.read(parser, argv)
    x, y = known_line(args.seed)
    y = with_outliers(y)
    figure, axes = new_figure(height=3.0)
    axes.plot(x, y, "o", color=GREY, markersize=2.5, markeredgewidth=0)
    axes.plot(x[-5:], y[-5:], "o", color=INK, markersize=5, fillstyle="none")
    axes.annotate("outliers", (x[-5], y[-5]), (-9, 0), ha="right", va="center",
                  textcoords="offset points", color=INK)
    slopes = []
    for m, style in zip(RATES, ["-", "--", "-."]):
        ends = fit(x, y, m, args.steps)[[0, -1]]
        slopes.append((ends[1] - ends[0]).item() / 200)
        axes.plot(x[[0, -1]], ends, style, color=BLUE)
        axes.annotate(f"m = {m}", (x[-1], ends[1]), (5, 0), va="center",
                      textcoords="offset points", color=BLUE,
                      annotation_clip=False)
    axes.set(xlabel="x", ylabel="y")
    results.save(args, {"steps": args.steps, "slopes": slopes},
                 {"exponent": figure})


if __name__ == "__main__":
    options.run(main)
