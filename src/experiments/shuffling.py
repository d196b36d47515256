# Generated from README.org by tangle.el; edit README.org instead.
"""What does it cost not to shuffle?  Slope and loss, batch by batch."""

from statistics import fmean

from matplotlib.figure import Figure

from common import options, results
from common.line import known_line
from common.style import BLUE, INK, ORANGE, new_figure
from linear_dataloader import (Points, evaluate, make_loader, standard_line,
                               train)


def compare(data: Points, seed: int, **settings) -> dict[str, tuple]:
    """Return slopes and losses of every step, for three ways to batch."""
    loaders = {"shuffled": make_loader(data, seed),
               "sorted": make_loader(data, seed, shuffle=False),
               "full": make_loader(data, seed, len(data))}
    runs = {name: train(loader, **settings)[1]
            for name, loader in loaders.items()}
    return {name: ([w for w, _ in run], [evaluate(data, *at) for at in run])
            for name, run in runs.items()}


def excess(runs: dict[str, tuple]) -> dict[str, float]:
    """Return the loss over that of full batches, mean of the later half."""
    means = {name: fmean(losses[len(losses) // 2:])
             for name, (_, losses) in runs.items()}
    return {name: means[name] - means["full"]
            for name in ("sorted", "shuffled")}


def plot(runs: dict[str, tuple]) -> Figure:
    """Draw slope and loss in the later half of each of RUNS."""
    figure, panels = new_figure(columns=2, height=3.1)
    for (name, curves), colour, style in zip(
            runs.items(), [BLUE, ORANGE, INK], ["-", "--", ":"]):
        for axes, curve in zip(panels, curves):
            half = len(curve) // 2
            axes.plot(range(half, len(curve)), curve[half:], style,
                      color=colour, label=f"{name} batches")
    panels[0].set(xlabel="step", ylabel="slope (y per x)")
    panels[1].set(xlabel="step", ylabel="loss (squared units of y)")
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, ncols=3,
                  loc="outside upper center", labelcolor="linecolor")
    return figure


def main(argv: list[str] | None = None) -> None:
    """Train in three orders, in raw and in standard units; draw the raw."""
    parser = options.parser("shuffling", __doc__, steps=60, seed=0)
    args = options.read(parser, argv)
    raw = compare(Points(*known_line(args.seed)), args.seed + 2,
                  lr=1e-4, steps=args.steps)
    standard = compare(standard_line(args.seed), args.seed + 2, steps=200)
    results.save(args, {"steps": args.steps, "raw": excess(raw),
                        "standard": excess(standard)},
                 {"shuffling": plot(raw)})


if __name__ == "__main__":
    options.run(main)
