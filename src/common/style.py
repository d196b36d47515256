# Generated from README.org by tangle.el; edit README.org instead.
"""The look of every figure: type, colours, and SVG for any page."""

import io
import re
import warnings

import matplotlib
from matplotlib.figure import Figure

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
RULES = "\n".join(f'[style*="{part}: {light}"] {{ {part}: {dark} !important }}'
                  for light, dark in DARK.items()
                  for part in ("fill", "stroke"))
SHEET = ("<style>* { stroke-linejoin: round; stroke-linecap: butt }\n"
         f"text {{ font: 10px system-ui, 'DejaVu Sans', sans-serif; "
         f"fill: {INK} }}\n@media (prefers-color-scheme: dark) {{\n"
         f"text {{ fill: {DARK[INK]} }}\n{RULES}\n}}</style>")


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

    Its ids contain NAME, so that drawings can share a page.
    """
    buffer = io.StringIO()
    no_metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with (warnings.catch_warnings(),
          matplotlib.rc_context({"svg.hashsalt": name})):
        # Matplotlib's own fonts lack letters that those of pages have
        warnings.filterwarnings("ignore", "Glyph|Matplotlib", UserWarning)
        figure.savefig(buffer, format="svg", transparent=True,
                       metadata=no_metadata)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg"):]
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"',
                 lambda id_: id_[0] if id_[1] in used else "", svg)
    for found, wanted in [
            (r"font-family: [^;\"]*;? ?|<!--.*?-->", ""),
            (r" transform=\"rotate\(-?0 [^\"]*\"", ""),
            (rf'(<text style=")font-size: 10px; (.*?); fill: {INK}"',
             r'\1\2"'),
            (r"(\.\d\d)\d+(?=[^<>]*>)", r"\1"),  # in tags, not in words
            (r"\s*\n\s*(?=[LMQCz\"])", ""), (r">\s+<", "><"),
            (r"<path d=\"[^\"]*\" style=\"fill: none\"/>", ""),
            (r"<defs>(<style.*?</style>)?</defs>", "")]:
        svg = re.sub(found, wanted, svg)
    bare = re.compile(r"<g/>|<g>((?:(?!</?g\b).)*)</g>", re.S)
    while bare.search(svg):  # groups that say nothing
        svg = bare.sub(r"\1", svg)
    for mark in set(re.findall(r'<use xlink:href="#(\w+)"', svg)):
        use = rf'(<use xlink:href="#{mark}" [^>]*?) style="([^"]*)"'
        styles = {style for _, style in re.findall(use, svg)}
        if len(styles) == 1:  # a marker wears what all its uses wear
            svg = re.sub(use, r"\1", svg)
            svg = re.sub(rf'(<path id="{mark}"[^>]*style=")',
                         rf"\g<1>{styles.pop()}; ", svg)
    return svg.replace(">", f">{SHEET}", 1)
