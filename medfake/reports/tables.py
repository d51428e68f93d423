"""A comparison as Markdown, as flat JSON for `dvc metrics`, and as tables on a terminal."""

import json
import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from medfake.metrics.binary import HEADINGS, PAPER_METRICS
from medfake.metrics.classes import WORDS as CLASS_WORDS
from medfake.metrics.classes import ClassMetrics
from medfake.reports.compare import RESEARCH_ONLY, Comparison, Result
from medfake.reports.published import LABEL, Published, published_classes
from medfake.reports.sentences import (
    PUBLISHED_NOTE,
    headline,
    interval_text,
    method_text,
    number_text,
    p_text,
    place_text,
    run_text,
    split_text,
    verdict_text,
    with_interval_text,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHOWN: Final = ("auc", "accuracy", "precision", "recall", "specificity", "f1", "h")
SCANS_SHOWN: Final = ("auc", "accuracy", "recall", "specificity")
_DIGITS: Final = 6  # of the JSON: what differs between processors lies behind them
_SCANS_HEAD: Final = [*(HEADINGS[name] for name in SCANS_SHOWN), "tampered scans said to be", "real scans said to be"]
_AGAINST_HEAD: Final = [
    "detector",
    "seed",
    "AUC difference",
    "p (Holm)",
    "scans only it / only the best got right",
    "p (Holm)",
]

CLASSES_HEAD: Final = [
    *("detector", "seed", "accuracy"),
    *(f"{what} of {word}" for word in CLASS_WORDS.values() for what in ("precision", "recall")),
]
CLASSES_NOTE: Final = "A slice is called by the largest of three probabilities; guessing reaches one third."

Row = Sequence[str]


def to_markdown(comparison: Comparison) -> str:
    """Tables for every data set: slices, scans, against the best, over seeds, in the papers.

    Returns:
        Markdown with a final line end; equal comparisons give equal text.
    """
    parts = ["# Comparison of detectors", f"> {RESEARCH_ONLY}"]
    for dataset in comparison.datasets:
        parts += _dataset_parts(comparison, dataset)
    return "\n\n".join(parts) + "\n"


def to_json(comparison: Comparison) -> str:
    """Metrics under flat keys "dataset/detector/seed-n/level/metric", level val, slice or scan.

    The papers' six and H also have "_low" and "_high" at slice and scan level; undefined ones are null.

    Returns:
        JSON text: sorted keys, six digits, a final line end.
    """
    values: dict[str, float | int | None] = {}
    for result in comparison.results:
        name = result.entry.name
        values |= {f"{name}/val/{metric}": result.val.values()[metric] for metric in (*PAPER_METRICS, "h")}
        for level, measured in (("slice", result.slices), ("scan", result.scans)):
            values |= {f"{name}/{level}/{metric}": value for metric, value in measured.metrics.values().items()}
            for metric in (*PAPER_METRICS, "h"):
                interval = measured.intervals[metric]
                values[f"{name}/{level}/{metric}_low"] = None if interval is None else interval.low
                values[f"{name}/{level}/{metric}_high"] = None if interval is None else interval.high
        if result.classes is not None:
            values[f"{name}/slice/accuracy_of_three"] = result.classes.accuracy
        values[f"{name}/rank"] = result.standing.rank
        if result.localisation is not None:
            values[f"{name}/slice/hit_rate"] = result.localisation.hit_rate
    rounded = {key: round(value, _DIGITS) if isinstance(value, float) else value for key, value in values.items()}
    return json.dumps(rounded, indent=2, sort_keys=True, allow_nan=False) + "\n"


def render(comparison: Comparison, console: "Console") -> None:
    """Print one table a data set, with the papers' figures of the same backbone beneath each run."""
    from rich.text import Text

    for dataset in comparison.datasets:
        results = comparison.of(dataset)
        console.print(_terminal_table(dataset, results))
        sentences = [headline(comparison, dataset), split_text(results[0]), method_text(comparison, dataset)]
        for line in (*sentences, *comparison.notes(dataset)):
            console.print(Text(line), soft_wrap=True)
        worth = " ".join([*comparison.evidence(dataset), RESEARCH_ONLY])
        console.print(Text(worth, style="yellow"), soft_wrap=True)


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


def published_of(results: Iterable[Result]) -> list[Published]:
    """The papers' rows of all detectors, each detector once, best detector first."""
    by_detector = {result.entry.detector: result.published for result in results}
    return [row for published in by_detector.values() for row in published]


def by_detector(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Runs of each detector, best first, for those detectors that a paper has figures for."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        if result.published:
            groups.setdefault(result.entry.detector, []).append(result)
    return groups


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
    """Detectors of three classes, each followed by what the paper prints for it; empty when there is none."""
    rows: list[Row] = []
    for result in results:
        if result.classes is not None:
            rows.append([result.entry.detector, str(result.entry.seed), *_class_cells(result.classes)])
            printed = published_classes(result.entry.detector)
            rows += [[LABEL, "", *_class_cells(printed)]] if printed else []
    return rows


def _class_cells(metrics: ClassMetrics) -> Row:
    cells = [f"{number_text(metrics.accuracy)} {interval_text(metrics.interval)}".strip()]
    for name in CLASS_WORDS:
        cells += [number_text(metrics.precision[name]), number_text(metrics.recall[name])]
    return cells


def _dataset_parts(comparison: Comparison, dataset: str) -> list[str]:
    results = comparison.of(dataset)
    figures = [HEADINGS[name] for name in SHOWN]
    parts = [f"## {dataset}", *(f"> {worth}" for worth in comparison.evidence(dataset)), headline(comparison, dataset)]
    parts += [f"{split_text(results[0])} {method_text(comparison, dataset)}"]
    parts += [f"Note: {note}" for note in comparison.notes(dataset)]
    parts += ["### Slices", _table(["#", "detector", "seed", *figures, ""], map(_slice_row, results))]
    parts += ["### Scans", _table(["#", "detector", "seed", *_SCANS_HEAD], map(_scan_row, results))]
    if of_classes := class_rows(results):
        parts += ["### Three classes", CLASSES_NOTE, _table(CLASSES_HEAD, of_classes)]
    if len(results) > 1:
        parts += ["### Against the best", _table(_AGAINST_HEAD, against_rows(results))]
    if over_seeds := seed_rows(results):
        parts += ["### Over seeds", "Mean ± standard deviation of the test slices' figures."]
        parts += [_table(["detector", "runs", *figures], over_seeds)]
    if printed := published_of(results):
        parts += ["### In the papers", PUBLISHED_NOTE]
        parts += [_table(["detector", "source", "setting", *figures, "protocol"], map(_published_row, printed))]
    return parts


def _slice_row(result: Result) -> Row:
    return [*_who(result), *(with_interval_text(result.slices, name) for name in SHOWN), place_text(result)]


def _scan_row(result: Result) -> Row:
    figures = [with_interval_text(result.scans, name) for name in SCANS_SHOWN]
    return [*_who(result), *figures, verdict_text(result, "tampered"), verdict_text(result, "real")]


def _published_row(row: Published) -> Row:
    return [row.detector, row.source, row.setting, *(number_text(row.metrics.get(name)) for name in SHOWN), LABEL]


def _who(result: Result) -> Row:
    name = f"**{result.entry.detector}**" if result.standing.best else result.entry.detector
    return [str(result.standing.rank), name, str(result.entry.seed)]


def _terminal_table(dataset: str, results: Sequence[Result]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        title=f"{dataset}, test split", title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("#", no_wrap=True)
    table.add_column("detector", min_width=16)
    for heading in ("AUC", "acc.", "F1", "H", "scan AUC", ""):
        table.add_column(heading, no_wrap=True)
    for position, result in enumerate(results):
        metrics = result.slices.metrics.values()
        table.add_row(
            str(result.standing.rank),
            run_text(result, results),
            f"{number_text(metrics['auc'])} {interval_text(result.slices.intervals['auc'], digits=2)}".strip(),
            *(number_text(metrics[name]) for name in ("accuracy", "f1", "h")),
            number_text(result.scans.metrics.auc),
            place_text(result),
            style="bold" if result.standing.best else "",
        )
        first = result.entry.detector not in {earlier.entry.detector for earlier in results[:position]}
        if result.published and first:
            printed = max(result.published, key=lambda row: len(row.metrics)).metrics
            cells = [number_text(printed.get(name)) for name in ("auc", "accuracy", "f1", "h")]
            table.add_row("", LABEL, *cells, style="dim")
    return table


def _spread(values: Sequence[float | None]) -> str:
    defined = [value for value in values if value is not None]
    if len(defined) < 2:
        return "n/a"
    return f"{statistics.mean(defined):.3f} ± {statistics.stdev(defined):.3f}"


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
