"""Figures of the papers beside ours, with all that their tables print: deviations, cost, training, both classes."""

from collections.abc import Mapping, Sequence
from typing import Final

from medfake.config import PublishedParams
from medfake.metrics.binary import HEADINGS, PAPER_METRICS
from medfake.metrics.classes import HEADINGS as CLASS_HEADINGS
from medfake.metrics.classes import ClassMetrics
from medfake.reports.comparison import Comparison, Result
from medfake.reports.papers import PAPERS
from medfake.reports.parts import Cell, Details, Part, Section, Table
from medfake.reports.published import A1, BOTH_CLASSES, COST, TRAINING, Published, published_rows
from medfake.reports.rows import published_text
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import number_text, positive_text, run_text

_METRICS: Final = (*PAPER_METRICS, "h")
_OTHER_DATA: Final = "They are no measure for ours: other data, other splits."

Line = list[Cell | str]


@section("papers", order=25)
def beside_papers(given: ReportInput) -> Section | None:
    """A part for every data set that is set beside a paper."""
    comparison = given.comparison
    wanted = {name: given.params.datasets[name].published for name in comparison.datasets}
    parts: list[Part] = []
    for name, one in wanted.items():
        if one is not None:
            parts += _of_dataset(comparison, name, one)
    if not parts:
        return None
    cited = sorted({PAPERS[one.paper].cited for one in wanted.values() if one})
    said = f"Figures of {', '.join(cited)} stand beside ours where data set and setting are the same. {_OTHER_DATA}"
    return Section(heading="Beside the papers", nav="Papers", parts=[said, positive_text(comparison.positive), *parts])


def _of_dataset(comparison: Comparison, dataset: str, wanted: PublishedParams) -> list[Part]:
    paper, theirs = PAPERS[wanted.paper], published_rows(wanted, comparison.positive)
    results = comparison.of(dataset)
    of_two = [row for row in theirs if row.classes is None]
    parts: list[Part] = [f"{dataset}: {_gap(results)} {' '.join(paper.notes)}".strip()]
    if of_two:
        parts.append(_figures(dataset, results, of_two))
    if any(row.classes for row in theirs):
        parts.append(_classes(dataset, results, theirs))
    further = [
        _printed(f"{dataset}: what {paper.cited} prints besides.", theirs, columns)
        for columns in (COST | A1, TRAINING, BOTH_CLASSES)
        if any(set(columns) & set(row.printed) for row in theirs)
    ]
    return [*parts, Details(summary=f"{dataset}: further columns of the paper", parts=further)] if further else parts


def _gap(results: Sequence[Result]) -> str:
    """How far our accuracy is from theirs, best of ours by accuracy."""
    pairs = [
        (result, ours, theirs)
        for result in results
        if (ours := result.slices.metrics.accuracy) is not None
        for row in result.published[:1]
        if (theirs := row.metrics.get("accuracy")) is not None
    ]
    if not pairs:
        return "none of our trainings has a row of figures in the paper's tables."
    result, ours, theirs = max(pairs, key=lambda pair: pair[1])
    here = f"{ours:.3f} here ({result.entry.evidence} data)"
    return f"{run_text(result, results)} has accuracy {here} and {theirs:.3f} in the paper."


def _figures(dataset: str, results: Sequence[Result], theirs: Sequence[Published]) -> Table:
    """Each of our runs with the paper's rows of its detector beneath, then the paper's other detectors."""
    lines: list[Line] = []
    places: list[int] = []
    left = list(theirs)
    for result in results:
        lines.append(_ours(result, results))
        own = [row for row in left if row.detector == result.entry.detector]
        places += range(len(lines), len(lines) + len(own))
        lines += [_theirs(row) for row in own]
        left = [row for row in left if row not in own]
    places += range(len(lines), len(lines) + len(left))
    lines += [_theirs(row) for row in left]
    return Table(
        caption=f"{dataset}: test slices of ours, and the paper's as printed or restated; ± is a deviation over runs.",
        head=("Detector", "Figures of", *(HEADINGS[name] for name in _METRICS), "Weights, millions"),
        rows=lines,
        theirs=places,
    )


def _ours(result: Result, results: Sequence[Result]) -> Line:
    values = result.slices.metrics.values()
    figures: Line = [Cell(number_text(values[name]), values[name]) for name in _METRICS]
    where = Cell("this study", below=f"{result.entry.protocol} split, {result.entry.evidence}")
    return [run_text(result, results), where, *figures, _millions(result.entry.parameters)]


def _theirs(row: Published) -> Line:
    figures: Line = [Cell(published_text(row, name), row.metrics.get(name)) for name in _METRICS]
    where = Cell(f"{row.source}, {row.setting}", below=row.note or row.label)
    return [row.detector, where, *figures, _millions(row.parameters)]


def _millions(weights: int | None) -> Cell:
    return Cell("n/a") if weights is None else Cell(f"{weights / 1e6:.1f}", weights / 1e6)


def _printed(caption: str, theirs: Sequence[Published], columns: Mapping[str, str]) -> Table:
    shown = {name: heading for name, heading in columns.items() if any(name in row.printed for row in theirs)}
    rows = [row for row in theirs if set(shown) & set(row.printed) or row.note]
    return Table(
        caption=caption,
        head=("Detector", "Figures of", *shown.values()),
        rows=[[row.detector, Cell(row.source, below=row.note or row.label), *_cells(row, shown)] for row in rows],
        theirs=range(len(rows)),
    )


def _cells(row: Published, shown: Mapping[str, str]) -> Line:
    cells: Line = []
    for name in shown:
        value, deviation = row.printed.get(name), row.printed.get(f"{name}_std")
        spread = "" if deviation is None else f" ± {deviation:g}"
        cells.append(Cell("n/a" if value is None else f"{value:g}{spread}", value))
    return cells


def _classes(dataset: str, results: Sequence[Result], theirs: Sequence[Published]) -> Table:
    ours: list[Line] = [
        [run_text(result, results), "this study", *_of_classes(result.classes)] for result in results if result.classes
    ]
    printed: list[Line] = [
        [row.detector, Cell(row.source, below=row.label), *_of_classes(row.classes)] for row in theirs if row.classes
    ]
    words = [f"{what} of {word}" for word in CLASS_HEADINGS.values() for what in ("Precision", "Recall")]
    return Table(
        caption=f"{dataset}: three classes; guessing reaches one third.",
        head=("Detector", "Figures of", "Accuracy", *words),
        rows=[*ours, *printed],
        theirs=range(len(ours), len(ours) + len(printed)),
    )


def _of_classes(measured: ClassMetrics) -> Line:
    values: list[float | None] = [measured.accuracy]
    for name in CLASS_HEADINGS:
        values += [measured.precision[name], measured.recall[name]]
    return [Cell(number_text(value), value) for value in values]
