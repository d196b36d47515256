# Generated from README.org by tangle.el; edit README.org instead.
"""The look of every figure: type, colours, and SVG for any page."""

import io
import re
import warnings

import matplotlib
from matplotlib.figure import Figure
from scour import scour

INK, GREY = "#262626", "#6e6e6e"
BLUE, ORANGE = "#0072b2", "#d55e00"  # apart for any kind of colour vision
DARK = {INK: "#dedede", GREY: "#9a9a9a", BLUE: "#56b4e9", ORANGE: "#f0a14a"}
STYLE = {
    "svg.fonttype": "none",  # text stays text
    "font.size": 10, "axes.titlesize": 10, "axes.labelsize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.8, "lines.linewidth": 1.6,
    "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK,
    "grid.color": GREY, "grid.alpha": 0.3, "grid.linewidth": 0.6,
}
RULES = "".join(f'[{part}="{light}"]{{{part}:{dark}}}'
                for light, dark in DARK.items() for part in ("fill", "stroke"))
SHEET = ("<style>svg{font:10px system-ui,'DejaVu Sans',sans-serif;"
         f"fill:{INK};stroke-linejoin:round}}@media (prefers-color-scheme:"
         f"dark){{svg{{fill:{DARK[INK]}}}{RULES}}}</style>")
SMALL = scour.sanitizeOptions()
for option in ("strip_xml_prolog", "strip_comments", "strip_ids",
               "remove_metadata", "style_to_xml", "group_create", "quiet"):
    setattr(SMALL, option, True)
SMALL.newlines, SMALL.indent_type = False, None


def new_figure(columns: int = 1, height: float = 3.2, rows: int = 1, **kwargs):
    """Return a figure as wide as the text and its axes; HEIGHT in inches."""
    matplotlib.rcParams.update(STYLE)
    figure = Figure(figsize=(6.4, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **kwargs)


def fade(index: int, count: int) -> float:
    """Return the opacity of curve INDEX of COUNT: pale first, full last."""
    return min(1.0, 0.2 + 0.8 * (index + 1) / count)


def to_svg(figure: Figure, name: str) -> str:
    """Return FIGURE as SVG, small and the same on every run.

    Its ids come from NAME, so that drawings can share a page.
    """
    buffer = io.StringIO()
    with (warnings.catch_warnings(),
          matplotlib.rc_context({"svg.hashsalt": name})):
        # Matplotlib's own fonts lack letters that those of pages have
        warnings.filterwarnings("ignore", "Glyph|Matplotlib", UserWarning)
        figure.savefig(buffer, format="svg", transparent=True, metadata=(
            dict.fromkeys(["Creator", "Date", "Format", "Type"])))
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg"):]
    for found, wanted in [
            (r"<style.*?</style>|font-family: [^;\"]*;? ?", ""),
            (r"(<text [^>]*?)font-size: 10px; ", r"\1"),
            (rf"(<text [^>]*?); fill: {INK}", r"\1"),
            (rf'(<use [^>]*) style="fill: {INK}; stroke: {INK}[^"]*"', r"\1"),
            (r" transform=\"rotate\(-?0 [^\"]*\"", ""),
            (r"<[^>]*>", lambda tag: re.sub(  # two or three digits
                r"(\d\d\.\d|\d\.\d\d)\d+", r"\1", tag[0]))]:
        svg = re.sub(found, wanted, svg)
    return scour.scourString(svg, SMALL).replace(">", f">{SHEET}", 1)
