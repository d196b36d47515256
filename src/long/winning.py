# Generated from README.org by tangle.el; edit README.org instead.
"""Counting, mlp, deep and gpt on few names and on many: who wins when?"""

import random
import statistics
import tempfile
from pathlib import Path

from matplotlib.figure import Figure

import deep
import gpt
import mlp
import ngram
from common import names, options, results
from common.style import BLUE, GREY, INK, ORANGE, new_figure

COUNTS, DRAWS = (500, 2_000, 8_000), 3
PROGRAMS = {"mlp": mlp, "deep": deep, "gpt": gpt}
LOOKS = {"counting": (GREY, "s:"), "mlp": (INK, "v-."),
         "deep": (ORANGE, "^--"), "gpt": (BLUE, "o-")}


def draw_list(path: Path, count: int, draw: int, seed: int = 0) -> None:
    """Write so many names of train to PATH that COUNT will be learned."""
    train, pick, few = names.load().train, random.Random(
        f"{seed} {count} {draw}"), []
    while {*"".join(few)} < {*"".join(train)}:  # until no letter is missing
        few = pick.sample(train, count * 5 // 4)
    path.write_text("\n".join(few))


def race(path: Path, seed: int, dev: list[str]) -> dict:
    """Return the loss on DEV of all that learn the names in the file PATH."""
    few = names.load(path)
    counts = ngram.fit(few.train, 5, 1.0, few.vocabulary)
    losses = {"counting": ngram.name_losses(ngram.tune(counts, few.dev), dev)}
    for name, program in PROGRAMS.items():
        program.main(["--names", str(path), "--seed", str(seed), "--quiet",
                      "--out", str(path.parent)])
        model, letters = program.load(path.with_name(f"{name}.pt"))
        losses[name] = program.name_losses(model, dev, letters)
    return {"names": len(few.train)} | {
        name: names.per_character(nats, dev) for name, nats in losses.items()}


def leads(points: list[dict]) -> dict[str, dict[str, float]]:
    """Return for each number of names the mean lead of each program."""
    found = {}
    for count in sorted({point["names"] for point in points}):
        some = [point for point in points if point["names"] == count]
        found[str(count)] = {name: statistics.fmean(
            point["counting"] - point[name] for point in some)
            for name in PROGRAMS}
    return found


def plot_winning(points: list[dict]) -> Figure:
    """Draw the losses in POINTS (left) and the lead over counting (right)."""
    figure, axes = new_figure(2, 3.2)
    counts = sorted({point["names"] for point in points})
    for title, ax in zip(("loss on dev (nats per character)",
                          "lead over counting"), axes):
        for rank, (name, (colour, style)) in enumerate(LOOKS.items()):
            values = [[point["counting"] - point[name] if ax is axes[1] else
                       point[name] for point in points
                       if point["names"] == count] for count in counts]
            means = [statistics.fmean(some) for some in values]
            ax.plot(counts, means, style, color=colour, markersize=4)
            ax.vlines(counts, [min(some) for some in values],
                      [max(some) for some in values], color=colour)
            shift = (rank - 1.5) * (8 if ax is axes[1] else -8) - 3
            ax.annotate(name, (counts[-1], means[-1]), (6, shift),
                        color=colour, textcoords="offset points",
                        annotation_clip=False)
        ax.set(title=title, xscale="log", xlabel="names learned from")
        ax.set_xticks(counts, [f"{count / 1000:.2g}k" for count in counts])
        ax.minorticks_off()
    axes[0].margins(y=0.12)  # room for the lowest name
    return figure


def main(argv: list[str] | None = None) -> None:
    """Draw the lists, learn from each, measure on dev, show."""
    parser = options.parser("winning", __doc__, steps=None, seed=0)
    args = options.read(parser, argv)
    corpus, points = names.load(), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "names.txt")
        for count in COUNTS:
            for draw in range(DRAWS):
                draw_list(path, count, draw, args.seed)
                points.append(race(path, draw, corpus.dev))
    points.append({"names": len(corpus.train),  # the book's own runs
                   "counting": results.load("ngram")["dev"]} |
                  {name: results.load(name)["dev"] for name in PROGRAMS})
    results.save(args, {"points": points, "lead": leads(points)},
                 {"winning": plot_winning(points)})


if __name__ == "__main__":
    options.run(main)
