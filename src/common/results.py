# Generated from README.org by tangle.el; edit README.org instead.
"""Results and figures on disk: the same bytes on every run."""

import argparse
import json

from matplotlib.figure import Figure

from common.files import ROOT, made_from, write
from common.options import RunError
from common.style import to_svg


def save(args: argparse.Namespace, results: dict,
         figures: dict[str, Figure]) -> None:
    """Write each figure as OUT/NAME.svg, and OUT/PROGRAM.json.

    RESULTS holds numbers, strings, lists and dictionaries.  A number
    that is not finite means that training diverged: RunError.
    """
    about = {"program": args.program, "seed": args.seed,
             "made_from": made_from(args.program)}
    try:
        exact = json.dumps(about | results, allow_nan=False)
    except ValueError:
        raise RunError("a result is not finite: training diverged") from None
    short = json.loads(exact, parse_float=lambda said: float(
        f"{float(said):.6g}"))
    for name, figure in figures.items():
        write(args.out / f"{name}.svg", to_svg(figure, name))
    text = json.dumps(short, indent=1, sort_keys=True)
    write(args.out / f"{args.program}.json", text + "\n")
    if not args.quiet:
        names = [*(f"{name}.svg" for name in figures), f"{args.program}.json"]
        print(f"{args.program}: wrote {', '.join(names)}")


def load(program: str) -> dict:
    """Return what PROGRAM wrote to figs/PROGRAM.json."""
    return json.loads((ROOT / f"figs/{program}.json").read_text("utf-8"))
