"""Section of the report: does a detector read the manipulation, or the source? One picture says it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.datasets.dataset import SOURCES_APART
from medfake.metrics.card_figures import read_forensics
from medfake.metrics.forensics import DETECTOR, EVERY, Forensics
from medfake.metrics.intervals import Interval
from medfake.metrics.place_controls import Control
from medfake.probes.answer import Score
from medfake.probes.blanked import BlankedFigures, BlankedReport, Reads, read_blanked
from medfake.probes.report import Finding, read_probes
from medfake.reports.drawing import INK, MUTED, RULE, SERIES, draw, legend
from medfake.reports.parts import Cell, Drawing, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from medfake.reports.comparison import Comparison

_ROW_INCHES: Final = 0.62
_LANE: Final = 0.24  # between a detector's marks, in rows
_HOW: Final = (
    "Each detector is scored three times on the same slices: as they are, with a square of 32 mm of lung blanked away "
    "from the site, and with the site itself blanked; real slices have a random place of lung blanked. A detector that "
    "reads the manipulation keeps its figure in the second case and falls to 0.5 in the third."
)
_HEAD: Final = (
    *("detector", "reads", "slice AUC", "another place blanked", "site blanked", "worth of the site"),
    *("right place", "controls"),
)
_METADATA: Final = "metadata"


@dataclass(frozen=True)
class _Hits:
    """How often the named place is the manipulated one, and what is reached without knowledge."""

    rate: Score
    controls: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class _Row:
    """A detector on the page; `blanked` is None where it was measured within slices alone."""

    name: str
    blanked: BlankedFigures | None
    hits: _Hits | None


@section("genuine", order=12)
def genuine_section(given: ReportInput) -> Section | None:
    """Figure, figure with the site blanked and hit rate of every detector; None where nothing was blanked."""
    parts: list[Part] = []
    within = list(_within([given.reports / "forensics" / f"{name}.json" for name in given.params.measure]))
    for dataset in given.comparison.datasets:
        path = given.reports / "blanked" / f"{dataset}.json"
        if path.is_file():
            report = read_blanked(path)
            rows = [*_trained(report, given.comparison), *within]
            parts += [_found(report, rows), *_confounded(report, given.reports), _drawing(report, rows), _HOW]
            parts += [_table(report, rows)]
    return Section(heading="The manipulation or the source?", nav="Site or source", parts=parts) if parts else None


def _found(report: BlankedReport, rows: Sequence[_Row]) -> str:
    by_reads = {reads: [one for one in report.trainings if one.reads is reads] for reads in Reads}
    elsewhere = by_reads[Reads.CONTEXT]
    reading = [*by_reads[Reads.SITE], *by_reads[Reads.BOTH]]
    said = [
        f"Of {len(report.trainings)} detectors on data set {report.dataset}, {_who(reading)} the manipulated place."
    ]
    if elsewhere:
        what = "the source of a scan" if report.sources_apart else "something else"
        most = max(elsewhere, key=lambda one: one.as_is.auc or 0.0)
        before, after = number_text(most.as_is.auc), number_text(most.site.auc)
        said.append(f"{_who(elsewhere)} {what}, not the manipulation.")
        said.append(f"{most.detector} has slice AUC {before}, and {after} with the site blanked.")
    open_ones = [*by_reads[Reads.UNDECIDED], *by_reads[Reads.NOTHING]]
    if open_ones:
        said.append(f"Blanking decides nothing of {_names(open_ones)}.")
    hits = [(row.name, row.hits) for row in rows if row.hits is not None]
    if hits:
        named = "; ".join(f"{name} {number_text(own.rate.auc)}" for name, own in hits)
        best = max((value for _, own in hits for _, value in own.controls), default=None)
        said.append(f"Share of fakes whose named place is right: {named}; controls reach at most {number_text(best)}.")
    return " ".join(said)


def _who(trainings: Sequence[BlankedFigures]) -> str:
    return f"{_names(trainings) or 'none'} {'reads' if len(trainings) < 2 else 'read'}"


def _names(trainings: Sequence[BlankedFigures]) -> str:
    names = [one.detector for one in trainings]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _confounded(report: BlankedReport, reports: Path) -> Iterator[str]:
    """What makes the source a short cut, and how far the headers alone lead."""
    if report.sources_apart:
        yield f"Confounded by the source. {SOURCES_APART}"
    header = _metadata(reports / "probes" / f"{report.dataset}.json")
    if header is not None and header.score.auc is not None:
        yield f"Headers and extremes of pixel values alone reach AUC {header.score}. {header.sentence}"


def _metadata(path: Path) -> Finding | None:
    if not path.is_file():
        return None
    return next((one for one in read_probes(path).findings if one.name == _METADATA), None)


def _trained(report: BlankedReport, comparison: "Comparison") -> Iterator[_Row]:
    found = {(one.entry.detector, one.entry.seed): one.localisation for one in comparison.of(report.dataset)}
    for one in report.trainings:
        place = found.get((one.detector, one.seed))
        hits = None
        if place is not None:
            controls = [("another's site", place.random), ("mean site", place.centre)]
            known = tuple((name, value) for name, value in controls if value is not None)
            hits = _Hits(_score(place.hit_rate, place.interval), known)
        yield _Row(one.detector, one, hits)


def _within(files: Sequence[Path]) -> Iterator[_Row]:
    """What stored packages name in the fakes' own slices."""
    for found in (read_forensics(path) for path in files if path.is_file()):
        measured = found.row(DETECTOR, EVERY)
        if measured is not None and measured.hit_rate.value is not None:
            hits = _Hits(_score(measured.hit_rate.value, measured.hit_rate.interval), tuple(_controls(found)))
            yield _Row(f"{found.detector}, {found.name}", None, hits)


def _score(rate: float, interval: Interval | None) -> Score:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Score(rate, low, high, "slices", 0)


def _controls(found: Forensics) -> Iterator[tuple[str, float]]:
    for control in (Control.RANDOM, Control.CENTRE):
        measured = found.row(control, EVERY)
        if measured is not None and measured.hit_rate.value is not None:
            yield str(control), measured.hit_rate.value


@dataclass(frozen=True)
class _Mark:
    """One kind of figure: how it is drawn, and what it is called."""

    label: str
    marker: str
    colour: str
    filled: bool


_AS_IS: Final = _Mark("slice AUC", "o", SERIES[0], filled=True)
_ELSEWHERE: Final = _Mark("slice AUC, another place blanked", "s", MUTED, filled=False)
_SITE: Final = _Mark("slice AUC, the site blanked", "o", SERIES[1], filled=False)
_HIT: Final = _Mark("right place named", "D", SERIES[2], filled=True)
_MARKS: Final = (_AS_IS, _ELSEWHERE, _SITE, _HIT)
_CONTROL: Final = "right place by controls without knowledge"


def _drawing(report: BlankedReport, rows: Sequence[_Row]) -> Drawing:
    """A row a detector, a lane a figure."""

    def paint(axes: "Axes") -> None:
        axes.axvline(0.5, color=MUTED, linestyle=":", linewidth=1)
        for place, row in enumerate(rows):
            if place:
                axes.axhline(place - 0.5, color=RULE, linewidth=0.6)
            for lane, (mark, score) in enumerate(_marks(row)):
                _paint_mark(axes, place + (lane - 1.5) * _LANE, mark, score)
            for _, value in row.hits.controls if row.hits else ():
                axes.plot(value, place + 1.5 * _LANE, "|", color=INK, markersize=9, markeredgewidth=1.6)
        _name_marks(axes)
        axes.set_yticks(range(len(rows)), [one.name for one in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("AUC, or share of slices")
        legend(axes, "")

    return Drawing(
        svg=draw(paint, (7.2, 1.6 + _ROW_INCHES * len(rows)), salt="genuine"),
        alt=f"Data set {report.dataset}. {' '.join(map(_told, rows))}",
        caption="Filled dot: slice AUC as it is. Square: with another place blanked. Hollow dot: the site blanked; "
        "where it stays right of 0.5, something else than the manipulation is read. Diamond: share of tampered slices "
        "whose named place is the manipulated one; strokes are what controls reach without knowing anything. Lines: "
        "intervals over patients.",
    )


def _marks(row: _Row) -> list[tuple[_Mark, Score | None]]:
    blanked = row.blanked
    scores = (blanked.as_is, blanked.elsewhere, blanked.site) if blanked else (None, None, None)
    return list(zip(_MARKS, (*scores, row.hits.rate if row.hits else None), strict=True))


def _paint_mark(axes: "Axes", y: float, mark: _Mark, score: Score | None) -> None:
    if score is None or score.auc is None:
        return
    if score.low is not None and score.high is not None:
        axes.plot([score.low, score.high], [y, y], color=mark.colour, linewidth=1.2)
    face = mark.colour if mark.filled else "none"
    axes.plot(score.auc, y, mark.marker, color=mark.colour, markerfacecolor=face, markersize=6)


def _name_marks(axes: "Axes") -> None:
    """Each kind of mark once, for the legend."""
    for mark in _MARKS:
        face = mark.colour if mark.filled else "none"
        axes.plot([], [], mark.marker, color=mark.colour, markerfacecolor=face, markersize=6, label=mark.label)
    axes.plot([], [], "|", color=INK, markersize=9, markeredgewidth=1.6, label=_CONTROL)


def _told(row: _Row) -> str:
    """A detector's marks in words."""
    said = [f"{mark.label} {_text(score)}" for mark, score in _marks(row) if score is not None]
    controls = [f"{name} {value:.3f}" for name, value in (row.hits.controls if row.hits else ())]
    if controls:
        said.append(f"controls: {', '.join(controls)}")
    if row.hits is None:
        said.append("names no place")
    return f"{row.name}: {', '.join(said)}."


def _text(score: Score) -> str:
    return str(score).replace("[", "(").replace("]", ")").replace(", ", " to ")


def _table(report: BlankedReport, rows: Sequence[_Row]) -> Table:
    seen = ", each scored by a training that had not seen its patient" if _folded(report) else ""
    return Table(
        caption=f"Data set {report.dataset}, tampered against real slices{seen}. Worth of the site: AUC with another "
        "place blanked minus AUC with the site blanked. Intervals over patients beneath. n/a: it names no "
        "place, or was measured within the fakes' own slices alone.",
        head=_HEAD,
        rows=[_cells(row) for row in rows],
    )


def _folded(report: BlankedReport) -> bool:
    return all(one.out_of_fold for one in report.trainings)


def _cells(row: _Row) -> list[Cell | str]:
    cells = [_cell(score) for _, score in _marks(row)]
    of_site = row.blanked.of_site if row.blanked else None
    worth = Score(of_site.value, of_site.low, of_site.high, "", 0) if of_site else None
    reads = row.blanked.reads.words if row.blanked else "n/a"
    return [row.name, reads, *cells[:3], _cell(worth), cells[3], _controls_cell(row.hits)]


def _controls_cell(hits: _Hits | None) -> Cell:
    if hits is None or not hits.controls:
        return Cell("n/a")
    names, values = zip(*hits.controls, strict=True)
    return Cell(" / ".join(map(number_text, values)), value=max(values), below=" / ".join(names))


def _cell(score: Score | None) -> Cell:
    if score is None or score.auc is None:
        return Cell("n/a")
    below = f"{score.low:.3f} to {score.high:.3f}" if score.low is not None and score.high is not None else ""
    return Cell(number_text(score.auc), value=score.auc, below=below)
