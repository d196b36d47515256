# Generated from README.org by tangle.el; edit README.org instead.
"""The look of every figure: type, colours, and SVG for any page."""

import io
import re
import warnings

import matplotlib
from matplotlib.figure import Figure


INK, GREY = "#262626", "#6e6e6e"
BLUE, ORANGE = (
    "#0072b2",
    "#d55e00",
)  # told apart with any kind of colour vision
DARK = {INK: "#dedede", GREY: "#9a9a9a", BLUE: "#56b4e9", ORANGE: "#f0a14a"}
FONTS = "system-ui, 'DejaVu Sans', sans-serif"


STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "README.org",  # the same ids on every run
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.6,
    "grid.color": GREY,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.6,
}


def new_figure(columns: int = 1, height: float = 3.2, rows: int = 1, **kwargs):
    """Return a figure as wide as the text and its axes; HEIGHT in inches."""
    matplotlib.rcParams.update(STYLE)
    figure = Figure(figsize=(6.4, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **kwargs)


def fade(index: int, count: int) -> float:
    """Return the opacity of curve INDEX of COUNT: pale first, full last."""
    return min(1.0, 0.2 + 0.8 * (index + 1) / count)


def dark_rules() -> str:
    """Return the style sheet that swaps the colours on a dark page."""
    rules = [f'[style*="{part}: {light}"] {{ {part}: {dark} !important }}'
             for light, dark in DARK.items() for part in ("fill", "stroke")]
    return "@media (prefers-color-scheme: dark) {\n" + "\n".join(rules) + "\n}"


def to_svg(figure: Figure, program: str) -> str:
    """Return FIGURE as SVG, the same on every run, for any page."""
    buffer = io.StringIO()
    no_metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with warnings.catch_warnings():  # its fonts lack letters that pages have
        warnings.filterwarnings("ignore", "Glyph|Matplotlib", UserWarning)
        figure.savefig(
            buffer, format="svg", transparent=True, metadata=no_metadata
        )
    svg = buffer.getvalue()
    head, rest = svg[svg.index("<svg") :].split(">", 1)
    rest = re.sub(r"font-family: [^;\"]*;? ?", "", rest)
    style = f"<style>text {{ font-family: {FONTS} }}\n{dark_rules()}</style>"
    note = (
        f"<!-- Generated from README.org by src/{program}.py; do not edit. -->"
    )
    return f"{note}\n{head}>{style}{rest}"
