"""ROC curves as rows for `dvc plots`, one row a point."""

from typing import Final

from medfake.reports.comparison import Comparison, Result

_DIGITS: Final = 6

Point = dict[str, float | str]


def roc_points(result: Result) -> list[Point]:
    """ROC curve of a run as rows for `dvc plots` (x: fpr, y: tpr), six digits; empty when a class is missing."""
    if result.roc is None:
        return []
    return [
        {"fpr": round(float(fpr), _DIGITS), "run": result.entry.name, "tpr": round(float(tpr), _DIGITS)}
        for fpr, tpr in zip(result.roc.fpr, result.roc.tpr, strict=True)
    ]


def all_roc_points(comparison: Comparison) -> list[Point]:
    """`roc_points` of every run, one after the other."""
    return [point for result in comparison.results for point in roc_points(result)]
