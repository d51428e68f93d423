"""What the report says first: the best detector of every data set, and what its figures are worth."""

from medfake.datasets.dataset import SOURCES_APART
from medfake.metrics.intervals import MetricsWithIntervals
from medfake.reports import notes
from medfake.reports.comparison import Comparison
from medfake.reports.parts import Cell, Row, Table
from medfake.reports.sentences import interval_text, metric_text, number_text, run_text
from medfake.vocabulary import Task


def worths(comparison: Comparison) -> tuple[str, ...]:
    """What the figures of all data sets are worth, each sentence once."""
    sentences = [text for name in comparison.datasets for text in notes.evidence_text(comparison, name)]
    confounded = any(result.entry.sources_apart for result in comparison.results)
    return tuple(dict.fromkeys([*sentences, *([SOURCES_APART] if confounded else [])]))


def answers(comparison: Comparison) -> Table:
    """The best of every data set, a row each."""
    lines: list[Row] = []
    for name in comparison.datasets:
        results = comparison.of(name)
        best = results[0]
        figures = [_cell(level, comparison.metric) for level in (best.slices, best.scans)]
        tied = sum(result.standing.tied for result in results)
        lines.append(
            [
                Cell(name, below="" if best.entry.task is Task.TAMPERING else best.entry.task.sentence),
                run_text(best, results) if best.standing.best else "n/a",
                *figures,
                Cell(str(tied), tied),
                f"{best.entry.protocol}, {best.entry.evidence}",
            ]
        )
    metric = metric_text(comparison.metric)
    head = ["Data set", "Best detector", f"{metric}, slices", f"{metric}, scans", "Tied with it", "Splits and evidence"]
    return Table(caption="The best detector of each data set, test split.", head=head, rows=lines)


def _cell(measured: MetricsWithIntervals, metric: str) -> Cell:
    value = measured.metrics.values()[metric]
    return Cell(number_text(value), value, interval_text(measured.intervals[metric]))
