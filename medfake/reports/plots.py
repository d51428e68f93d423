"""Plots of a comparison: ROC curves, reliability, scores of scans."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from medfake.metrics.weighted import ece_bins
from medfake.reports.comparison import Result
from medfake.reports.drawing import DASHES, INK, MARKERS, MOST_SERIES, MUTED, SERIES, draw, legend
from medfake.reports.sentences import number_text, run_text
from medfake.vocabulary import Split

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def roc_svg(results: Sequence[Result]) -> str:
    """ROC curves of the test slices with their bootstrap bands.

    Args:
        results: Runs on one data set, best first; the first `MOST_SERIES` are drawn.

    Returns:
        An `<svg>` element without outside references; equal results give equal text.
    """

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        for result, colour, dash in zip(results, SERIES, DASHES, strict=False):
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
        legend(axes, "AUC")

    return draw(paint, (4.2, _square_height(results)), f"roc {results[0].entry.dataset}")


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
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        for result, colour, dash, marker in zip(results, SERIES, DASHES, MARKERS, strict=False):
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
        task = results[0].entry.task
        axes.set(xlabel=f"predicted P({task.yes})", ylabel=f"share of {task.of('slices', 1)}")
        legend(axes, "ECE")

    return draw(paint, (4.2, _square_height(results)), f"reliability {results[0].entry.dataset}")


def reliability_alt(results: Sequence[Result]) -> str:
    """What `reliability_svg` shows, in words."""
    named = [f"{run_text(r, results)} {number_text(r.slices.metrics.ece)}" for r in results[:MOST_SERIES]]
    shown = results[0].entry.task.of("slices", 1)
    return f"Share of {shown} against predicted probability. Expected calibration error: {', '.join(named)}."


def scan_scores_svg(results: Sequence[Result]) -> str:
    """Every test scan as a mark on its score, tampered above real, with the uncertain band shaded.

    Args:
        results: Runs on one data set, best first; the first `MOST_SERIES` are drawn.
    """
    drawn = results[:MOST_SERIES]

    def paint(axes: "Axes") -> None:
        for row, (result, colour) in enumerate(zip(drawn, SERIES, strict=False)):
            low, high = result.entry.scan_low, result.entry.scan_high
            axes.fill_betweenx([row - 0.34, row + 0.34], low, high, color=MUTED, alpha=0.22, linewidth=0)
            axes.text(-0.02, row - 0.42, run_text(result, results), color=INK, fontsize=9, ha="left")
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

    return draw(paint, (4.2, 0.75 + 0.85 * len(drawn)), f"scan-scores {results[0].entry.dataset}")


def scan_scores_alt(results: Sequence[Result]) -> str:
    """What `scan_scores_svg` shows, in words."""
    named = []
    for result in results[:MOST_SERIES]:
        means = result.scan_scores.groupby("label")["p_tampered"].median()
        medians = [number_text(means.get(label), digits=2) for label in (1, 0)]
        both = [
            f"{median} of {result.entry.task.of('scans', label)}" for median, label in zip(medians, (1, 0), strict=True)
        ]
        named.append(f"{run_text(result, results)}: median {', '.join(both)}")
    return f"Score of every test scan, with the uncertain band. {'; '.join(named)}."


def _reliability(rows: pd.DataFrame) -> pd.DataFrame:
    p = rows["p_tampered"].to_numpy(dtype=np.float64)
    return pd.DataFrame({"p": p, "share": rows["label"].to_numpy()}).groupby(ece_bins(p)).mean()


def _square_height(results: Sequence[Result]) -> float:
    """Inches of a drawing with square axes and a legend above them."""
    return 4.3 + 0.17 * min(len(results), MOST_SERIES)
