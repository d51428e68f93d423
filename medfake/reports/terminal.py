"""A comparison as tables on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medfake.reports.comparison import Comparison, Result
from medfake.reports.notes import evidence_text, notes_text
from medfake.reports.sentences import (
    RESEARCH_ONLY,
    headline,
    interval_text,
    method_text,
    metric_text,
    number_text,
    place_text,
    run_text,
    split_text,
    stand_for_test,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def render(comparison: Comparison, console: "Console") -> None:
    """Print one table a data set, with a paper's figures of the same backbone beneath each run."""
    from rich.text import Text

    for dataset in comparison.datasets:
        results = comparison.of(dataset)
        tested = "out of fold" if stand_for_test(results[0]) else "test split"
        console.print(_terminal_table(f"{dataset}, {tested}, ranked by {metric_text(comparison.metric)}", results))
        sentences = [headline(comparison, dataset), split_text(results[0]), method_text(comparison, dataset)]
        for line in (*sentences, *notes_text(comparison, dataset)):
            console.print(Text(line), soft_wrap=True)
        worth = " ".join([*evidence_text(comparison, dataset), RESEARCH_ONLY])
        console.print(Text(worth, style="yellow"), soft_wrap=True)


def _terminal_table(title: str, results: Sequence[Result]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
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
            printed = max(result.published, key=lambda row: len(row.metrics))
            cells = [number_text(printed.metrics.get(name)) for name in ("auc", "accuracy", "f1", "h")]
            table.add_row("", printed.label, *cells, style="dim")
    return table
