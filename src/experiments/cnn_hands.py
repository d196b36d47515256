# Generated from README.org by tangle.el; edit README.org instead.
"""What augmentation and smoothing are worth to hands never seen."""

import torch
from matplotlib.figure import Figure

import cnn
from cnn import error_rate, hold_out, new_model, train
from common import digits, options, pixels, results

ODD = 3  # the hand with sevens of its own
RUNGS = [("images as they are", 0.0, 0.0), ("augmented", 1.0, 0.0),
         ("augmented, labels smoothed", 1.0, cnn.SMOOTHING)]


def climb(data: digits.Examples, steps: int, seed: int) -> list[dict]:
    """Train each rung seven times without one hand; return its errors."""
    rungs = []
    for name, strength, smoothing in RUNGS:
        wrong = []
        for hand in range(cnn.HANDS):
            kept, dev = hold_out(data, hand)
            model = new_model("cnn", seed)
            train(model, kept, steps=steps, strength=strength, seed=seed,
                  smoothing=smoothing)
            wrong.append(round(error_rate(model, dev) * len(dev[1])))
        rungs.append({"training": name, "dev": sum(wrong) / len(data[1]),
                      "wrong_by_hand": " ".join(map(str, wrong)),
                      "other_six": sum(wrong) - wrong[ODD]})
    return rungs


def plot_sevens(data: digits.Examples) -> Figure:
    """Draw sevens of the odd hand above sevens of the others."""
    kept, dev = hold_out(data, ODD)
    rows = []
    for images, labels in dev, kept:
        sevens = images[labels == 7, 0]
        rows.append(sevens[torch.linspace(0, len(sevens) - 1, 8).long()])
    return pixels.sheet(torch.cat(rows), 8, left=["fourth hand", "the others"])


def main(argv: list[str] | None = None) -> None:
    """Climb the rungs on the training half, and draw its sevens."""
    parser = options.parser("cnn_hands", __doc__, steps=cnn.STEPS, seed=0)
    args = options.read(parser, argv)
    data, _ = digits.split(*digits.load())
    rungs = climb(data, args.steps, args.seed)
    # dev between seeds 0 to 2 and processors: 0.003 at most (standard dev.)
    results.save(args, {"steps": args.steps, "rungs": rungs, "spread": 0.004},
                 {"cnn_hands": plot_sevens(data)})


if __name__ == "__main__":
    options.run(main)
