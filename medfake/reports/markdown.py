"""A comparison as Markdown, for a README or a pull request."""

from collections.abc import Iterable
from typing import Final

from medfake.metrics.binary import HEADINGS
from medfake.reports.comparison import Comparison, Result
from medfake.reports.notes import evidence_text, notes_text
from medfake.reports.published import Published
from medfake.reports.rows import (
    CLASSES_HEAD,
    CLASSES_NOTE,
    FOLDS_NOTE,
    SCANS_SHOWN,
    SHOWN,
    Row,
    against_rows,
    class_rows,
    fold_rows,
    published_of,
    published_text,
    seed_rows,
)
from medfake.reports.sentences import (
    PUBLISHED_NOTE,
    RESEARCH_ONLY,
    headline,
    method_text,
    metric_text,
    place_text,
    split_text,
    verdict_text,
    with_interval_text,
)

_AGAINST_HEAD: Final = [  # after the difference
    "p (Holm)",
    "scans only it / only the best got right",
    "p (Holm)",
]


def to_markdown(comparison: Comparison) -> str:
    """Tables for every data set: slices, scans, against the best, over seeds, in the papers.

    Returns:
        Markdown with a final line end; equal comparisons give equal text.
    """
    parts = ["# Comparison of detectors", f"> {RESEARCH_ONLY}"]
    for dataset in comparison.datasets:
        parts += _dataset_parts(comparison, dataset)
    return "\n\n".join(parts) + "\n"


def _dataset_parts(comparison: Comparison, dataset: str) -> list[str]:
    results = comparison.of(dataset)
    figures = [HEADINGS[name] for name in SHOWN]
    parts = [
        f"## {dataset}",
        *(f"> {worth}" for worth in evidence_text(comparison, dataset)),
        headline(comparison, dataset),
    ]
    parts += [f"{split_text(results[0])} {method_text(comparison, dataset)}"]
    parts += [f"Note: {note}" for note in notes_text(comparison, dataset)]
    parts += ["### Slices", table(["#", "detector", "seed", *figures, ""], map(_slice_row, results))]
    said = [f"{results[0].entry.task.of('scans', label)} said to be" for label in (1, 0)]
    scans_head = [*(HEADINGS[name] for name in SCANS_SHOWN), *said]
    parts += ["### Scans", table(["#", "detector", "seed", *scans_head], map(_scan_row, results))]
    if of_classes := class_rows(results):
        parts += ["### Three classes", CLASSES_NOTE, table(CLASSES_HEAD, of_classes)]
    against_head = ["detector", "seed", f"{metric_text(comparison.metric)} difference", *_AGAINST_HEAD]
    if len(results) > 1:
        parts += ["### Against the best", table(against_head, against_rows(results))]
    if over_seeds := seed_rows(results):
        parts += ["### Over seeds", "Mean ± standard deviation of the test slices' figures."]
        parts += [table(["detector", "runs", *figures], over_seeds)]
    if over_folds := fold_rows(results):
        parts += ["### Over folds", FOLDS_NOTE]
        parts += [table(["detector", "seed", "folds", *figures, "AUC of all"], over_folds)]
    if printed := published_of(results):
        parts += ["### In the papers", PUBLISHED_NOTE]
        parts += [table(["detector", "source", "setting", *figures, "protocol"], map(_published_row, printed))]
    return parts


def _slice_row(result: Result) -> Row:
    return [*_who(result), *(with_interval_text(result.slices, name) for name in SHOWN), place_text(result)]


def _scan_row(result: Result) -> Row:
    figures = [with_interval_text(result.scans, name) for name in SCANS_SHOWN]
    return [*_who(result), *figures, verdict_text(result, "tampered"), verdict_text(result, "real")]


def _published_row(row: Published) -> Row:
    return [row.detector, row.source, row.setting, *(published_text(row, name) for name in SHOWN), row.label]


def _who(result: Result) -> Row:
    name = f"**{result.entry.detector}**" if result.standing.best else result.entry.detector
    return [str(result.standing.rank), name, str(result.entry.seed)]


def table(head: Row, rows: Iterable[Row]) -> str:
    """Rows below a head, as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
