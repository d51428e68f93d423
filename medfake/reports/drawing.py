"""One set of axes drawn as SVG that takes its colours from the page.

Colours are those of Okabe and Ito, told apart by colour-blind readers; line style and marker say the same once more. An
SVG names CSS variables (`--ink`, `--muted`, `--rule`, `--series-1` ... `--series-6`) with a light default, so that one
drawing serves a light and a dark page. It is an element to stand in HTML, without namespaces and metadata.
"""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SERIES: Final = 6
"""Runs in one plot, best first; more cannot be told apart."""

_COLOURS: Final[dict[str, tuple[str, str]]] = {  # what stands in the drawing -> CSS variable and its default
    "#0b0b01": ("--ink", "#1b1f24"),
    "#0b0b02": ("--muted", "#59636e"),
    "#0b0b03": ("--rule", "#d1d9e0"),
    "#0b0b11": ("--series-1", "#0072b2"),
    "#0b0b12": ("--series-2", "#d55e00"),
    "#0b0b13": ("--series-3", "#009e73"),
    "#0b0b14": ("--series-4", "#cc79a7"),
    "#0b0b15": ("--series-5", "#8a6d00"),
    "#0b0b16": ("--series-6", "#56b4e9"),
}
INK, MUTED, RULE, *SERIES = _COLOURS
DASHES: Final = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (4, 1)), (0, (1, 1)))
MARKERS: Final = ("o", "s", "^", "D", "v", "P")

_STYLE: Final[dict[str, Any]] = {  # matplotlib's rc values are of many types
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def legend(axes: "Axes", title: str) -> None:
    """Name what was drawn with a label above the axes, where no curve can run through the names."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            borderaxespad=0.3,
            title=title,
            title_fontsize=8,
            alignment="left",
            handlelength=3,
        )


def draw(paint: Callable[["Axes"], None], inches: tuple[float, float], salt: str) -> str:
    """Paint on one set of axes and return the SVG element alone, its colours turned into CSS variables."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {**_STYLE, "svg.hashsalt": salt}  # matplotlib types its keys as one literal of all names
    with mpl.rc_context(style):
        figure = Figure(figsize=inches, layout="constrained")
        paint(figure.add_subplot())
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    svg = file.getvalue()[file.getvalue().index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    for sentinel, (variable, default) in _COLOURS.items():
        svg = svg.replace(sentinel, f"var({variable}, {default})")
    return svg.rstrip() + "\n"
