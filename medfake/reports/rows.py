"""Cells of the tables that Markdown and the page share."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Final

from medfake.metrics.classes import HEADINGS as CLASS_HEADINGS
from medfake.metrics.classes import ClassMetrics
from medfake.metrics.intervals import Interval
from medfake.reports.comparison import Result
from medfake.reports.published import Published
from medfake.reports.sentences import interval_text, number_text, p_text, plus_minus_text

SHOWN: Final = ("auc", "accuracy", "precision", "recall", "specificity", "f1", "h")
SCANS_SHOWN: Final = ("auc", "accuracy", "recall", "specificity")
CLASSES_HEAD: Final = [
    *("detector", "seed", "accuracy"),
    *(f"{what} of {word}" for word in CLASS_HEADINGS.values() for what in ("precision", "recall")),
]
FOLDS_NOTE: Final = (
    "Mean ± standard deviation over folds, each tested by a training that saw none of its patients; then the AUC of "
    "all slices together, with its interval over patients."
)
CLASSES_NOTE: Final = "A slice is called by the largest of three probabilities; guessing reaches one third."

Row = Sequence[str]


def seed_rows(results: Iterable[Result]) -> list[Row]:
    """Mean and standard deviation of `SHOWN` over the seeds of each detector that has several; empty if none has."""
    by_detector: dict[str, list[Result]] = {}
    for result in results:
        by_detector.setdefault(result.entry.detector, []).append(result)
    return [
        [detector, str(len(runs)), *(_spread([run.slices.metrics.values()[name] for run in runs]) for name in SHOWN)]
        for detector, runs in by_detector.items()
        if len(runs) > 1
    ]


def fold_rows(results: Iterable[Result]) -> list[Row]:
    """Mean and deviation of `SHOWN` over the folds of each run, then the AUC of all slices; empty without folds."""
    return [
        [
            *(result.entry.detector, str(result.entry.seed), str(len(folds.each))),
            *(plus_minus_text(folds.mean[name], folds.deviation[name]) for name in SHOWN),
            f"{number_text(folds.pooled['auc'])} {_edges(folds.intervals['auc'])}".strip(),
        ]
        for result in results
        if (folds := result.entry.folds) is not None
    ]


def published_of(results: Iterable[Result]) -> list[Published]:
    """Papers' rows of all detectors, each detector once, best first; those of three classes stand elsewhere."""
    by_detector = {result.entry.detector: result.published for result in results}
    return [row for published in by_detector.values() for row in published if row.classes is None]


def published_text(row: Published, metric: str) -> str:
    """A paper's figure with its deviation where it prints one, or "n/a"."""
    if metric in row.deviations:
        return f"{number_text(row.metrics.get(metric))} ± {number_text(row.deviations[metric])}"
    return number_text(row.metrics.get(metric))


def against_rows(results: Sequence[Result]) -> list[Row]:
    """Every run but the best: its AUC difference and scan verdicts against the best, with Holm-adjusted p-values."""
    rows: list[Row] = []
    for result in results:
        standing = result.standing
        if standing.best:
            continue
        difference = standing.difference
        gap = "n/a" if difference is None else f"{difference.value:+.3f} {interval_text(difference.interval)}".strip()
        scans = "n/a" if standing.mcnemar is None else f"{standing.mcnemar.only_first} / {standing.mcnemar.only_second}"
        run = [result.entry.detector, str(result.entry.seed)]
        rows.append([*run, gap, p_text(standing.difference_p), scans, p_text(standing.mcnemar_p)])
    return rows


def class_rows(results: Iterable[Result]) -> list[Row]:
    """Detectors of three classes, each followed by what a paper prints for it; empty when there is none."""
    rows: list[Row] = []
    for result in results:
        if result.classes is not None:
            rows.append([result.entry.detector, str(result.entry.seed), *_class_cells(result.classes)])
            rows += [[row.label, "", *_class_cells(row.classes)] for row in result.published if row.classes]
    return rows


def _class_cells(metrics: ClassMetrics) -> Row:
    cells = [f"{number_text(metrics.accuracy)} {interval_text(metrics.interval)}".strip()]
    for name in CLASS_HEADINGS:
        cells += [number_text(metrics.precision[name]), number_text(metrics.recall[name])]
    return cells


def _spread(values: Sequence[float | None]) -> str:
    defined = [value for value in values if value is not None]
    if len(defined) < 2:
        return "n/a"
    return plus_minus_text(statistics.mean(defined), statistics.stdev(defined))


def _edges(edges: tuple[float, float] | None) -> str:
    return interval_text(Interval(*edges)) if edges else ""
