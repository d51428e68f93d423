"""What the report says first: the best detector of every data set, and what its figures are worth."""

from medfake.reports import notes
from medfake.reports.comparison import Comparison
from medfake.reports.parts import Cell, Row, Table
from medfake.reports.sentences import interval_text, number_text, run_text


def worths(comparison: Comparison) -> tuple[str, ...]:
    """What the figures of all data sets are worth, each sentence once."""
    return tuple(dict.fromkeys(text for name in comparison.datasets for text in notes.evidence_text(comparison, name)))


def answers(comparison: Comparison) -> Table:
    """The best of every data set, a row each."""
    lines: list[Row] = []
    for name in comparison.datasets:
        results = comparison.of(name)
        best = results[0]
        auc = [
            Cell(
                number_text(level.metrics.auc),
                level.metrics.auc,
                interval_text(level.intervals["auc"]),
            )
            for level in (best.slices, best.scans)
        ]
        tied = sum(result.standing.tied for result in results)
        lines.append(
            [
                name,
                run_text(best, results) if best.standing.best else "n/a",
                *auc,
                Cell(str(tied), tied),
                f"{best.entry.protocol}, {best.entry.evidence}",
            ]
        )
    head = ["Data set", "Best detector", "AUC, slices", "AUC, scans", "Tied with it", "Splits and evidence"]
    return Table(caption="The best detector of each data set, test split.", head=head, rows=lines)
