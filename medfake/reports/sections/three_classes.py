"""Confusion of detectors that tell untampered, removed and injected slices apart."""

from collections.abc import Sequence

from medfake.metrics.classes import HEADINGS, ClassMetrics
from medfake.reports.comparison import Result
from medfake.reports.parts import Cell, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import data_text, interval_text, number_text, run_text


@section("three classes", order=32)
def three_classes(given: ReportInput) -> Section | None:
    """A matrix a run; nothing where no detector has three classes."""
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        results = given.comparison.of(dataset)
        known = [(run, run.classes) for run in results if run.classes is not None and run.classes.counts]
        if known:
            parts.append(_sentence(known, results))
            parts += [_matrix(run, found, results) for run, found in known]
    return Section(heading="Three classes", nav="Classes", parts=parts) if parts else None


def _sentence(known: Sequence[tuple[Result, ClassMetrics]], results: Sequence[Result]) -> str:
    best, found = max(known, key=lambda one: one[1].accuracy)
    said = f"{number_text(found.accuracy)} {interval_text(found.interval)}".strip()
    return (
        f"On {data_text(best)} {run_text(best, results)} calls the largest share of slices what they are, {said}; "
        "guessing reaches one third where classes are as large as each other."
    )


def _matrix(run: Result, found: ClassMetrics, results: Sequence[Result]) -> Table:
    head = ["Is", *(f"called {word}" for word in HEADINGS.values()), "Slices"]
    rows: list[list[Cell | str]] = []
    for is_, word in HEADINGS.items():
        counts = found.counts[is_]
        total = sum(counts.values())
        rows.append([word, *(_cell(counts[said], total) for said in HEADINGS), Cell(str(total), total)])
    return Table(
        caption=f"{run_text(run, results)} on {data_text(run)}: test slices by what they are and what the largest of "
        "three probabilities calls them, shares of the row beneath.",
        head=head,
        rows=rows,
    )


def _cell(count: int, total: int) -> Cell:
    return Cell(str(count), count, f"{100 * count / total:.0f} %" if total else "n/a")
