"""Plots of a comparison as SVG that takes its colours from the page.

Colours are those of Okabe and Ito, told apart by colour-blind readers; line style and marker say the same once more. An
SVG names CSS variables (`--ink`, `--muted`, `--rule`, `--series-1` ... `--series-6`) with a light default, so that one
drawing serves a light and a dark page. It is an element to stand in HTML, without namespaces and metadata.
"""

import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from medfake.metrics.weighted import ece_bins
from medfake.reports.comparison import Result
from medfake.reports.sentences import number_text, run_text
from medfake.vocabulary import Split

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
_INK, _MUTED, _RULE, *_SERIES = _COLOURS
_DASHES: Final = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (4, 1)), (0, (1, 1)))
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")

_STYLE: Final[dict[str, Any]] = {  # matplotlib's rc values are of many types
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "text.color": _INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def roc_svg(results: Sequence[Result]) -> str:
    """ROC curves of the test slices with their bootstrap bands.

    Args:
        results: Runs on one data set, best first; the first `MOST_SERIES` are drawn.

    Returns:
        An `<svg>` element without outside references; equal results give equal text.
    """

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        for result, colour, dash in zip(results, _SERIES, _DASHES, strict=False):
            if result.roc is None:
                continue
            name = f"{run_text(result, results)} {number_text(result.slices.metrics.auc)}"
            axes.plot(result.roc.fpr, result.roc.tpr, color=colour, linestyle=dash, linewidth=1.8, label=name)
            if len(result.roc.low):
                axes.fill_between(
                    result.roc.grid, result.roc.low, result.roc.high, color=colour, alpha=0.14, linewidth=0
                )
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        _legend(axes, "AUC")

    return _draw(paint, (4.2, _square_height(results)), f"roc {results[0].entry.dataset}")


def roc_alt(results: Sequence[Result]) -> str:
    """What `roc_svg` shows, in words."""
    named = [f"{run_text(r, results)} {number_text(r.slices.metrics.auc)}" for r in results[:MOST_SERIES]]
    return f"ROC curves of the test slices with bootstrap bands. Area under the curve: {', '.join(named)}."


def reliability_svg(results: Sequence[Result]) -> str:
    """Share of tampered slices against predicted probability, in ten bins; on the diagonal a score is a probability.

    Args:
        results: Runs on one data set, best first; the first `MOST_SERIES` are drawn.
    """

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        for result, colour, dash, marker in zip(results, _SERIES, _DASHES, _MARKERS, strict=False):
            bins = _reliability(result.entry.split(Split.TEST))
            name = f"{run_text(result, results)} {number_text(result.slices.metrics.ece)}"
            axes.plot(
                bins["p"],
                bins["share"],
                color=colour,
                linestyle=dash,
                linewidth=1.2,
                marker=marker,
                markersize=4.5,
                label=name,
            )
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.set(xlabel="predicted P(tampered)", ylabel="share of tampered slices")
        _legend(axes, "ECE")

    return _draw(paint, (4.2, _square_height(results)), f"reliability {results[0].entry.dataset}")


def reliability_alt(results: Sequence[Result]) -> str:
    """What `reliability_svg` shows, in words."""
    named = [f"{run_text(r, results)} {number_text(r.slices.metrics.ece)}" for r in results[:MOST_SERIES]]
    return f"Share of tampered slices against predicted probability. Expected calibration error: {', '.join(named)}."


def scan_scores_svg(results: Sequence[Result]) -> str:
    """Every test scan as a mark on its score, tampered above real, with the uncertain band shaded.

    Args:
        results: Runs on one data set, best first; the first `MOST_SERIES` are drawn.
    """
    drawn = results[:MOST_SERIES]

    def paint(axes: "Axes") -> None:
        for row, (result, colour) in enumerate(zip(drawn, _SERIES, strict=False)):
            low, high = result.entry.scan_low, result.entry.scan_high
            axes.fill_betweenx([row - 0.34, row + 0.34], low, high, color=_MUTED, alpha=0.22, linewidth=0)
            axes.text(-0.02, row - 0.42, run_text(result, results), color=_INK, fontsize=9, ha="left")
            for label, marker, offset in ((1, "^", -0.15), (0, "o", 0.15)):
                p = result.scan_scores.loc[result.scan_scores["label"] == label, "p_tampered"]
                face = colour if label else "none"
                axes.scatter(
                    p,
                    np.full(len(p), row + offset),
                    s=34,
                    marker=marker,
                    facecolor=face,
                    edgecolor=colour,
                    linewidth=1.1,
                )
        axes.set(xlim=(-0.02, 1.02), ylim=(len(drawn) - 0.45, -0.75), xlabel="scan score", yticks=[])
        axes.spines["left"].set_visible(False)

    return _draw(paint, (4.2, 0.75 + 0.85 * len(drawn)), f"scan-scores {results[0].entry.dataset}")


def scan_scores_alt(results: Sequence[Result]) -> str:
    """What `scan_scores_svg` shows, in words."""
    named = []
    for result in results[:MOST_SERIES]:
        means = result.scan_scores.groupby("label")["p_tampered"].median()
        medians = [number_text(means.get(label), digits=2) for label in (1, 0)]
        named.append(f"{run_text(result, results)}: median {medians[0]} of tampered, {medians[1]} of real scans")
    return f"Score of every test scan, with the uncertain band. {'; '.join(named)}."


def _reliability(rows: pd.DataFrame) -> pd.DataFrame:
    p = rows["p_tampered"].to_numpy(dtype=np.float64)
    return pd.DataFrame({"p": p, "share": rows["label"].to_numpy()}).groupby(ece_bins(p)).mean()


def _legend(axes: "Axes", title: str) -> None:
    """Name the curves above the axes, where no curve can run through the names."""
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


def _square_height(results: Sequence[Result]) -> float:
    """Inches of a drawing with square axes and a legend above them."""
    return 4.3 + 0.17 * min(len(results), MOST_SERIES)


def _draw(paint: Callable[["Axes"], None], inches: tuple[float, float], salt: str) -> str:
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
