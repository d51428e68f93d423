"""What detectors look at: hit rates of their maps, insertion and deletion, a gallery."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.explain.curves import EARLY, CurveFigures
from medfake.explain.pointing import Pointing
from medfake.explain.record import Explained, read_record
from medfake.metrics.within_slice import Figure
from medfake.reports.drawing import DASHES, MOST_SERIES, SERIES, draw, legend
from medfake.reports.parts import Cell, Details, Drawing, Part, Picture, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import interval_text, number_text
from medfake.vocabulary import Manipulation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PICTURES: Final = 24
"""Of a data set, some 35 kB each: those of the detectors that point best, so that a report stays small."""
_LINEAR_BELOW: Final = 0.005
"""Share of pixels below which the axis of curves is linear; it is logarithmic beyond."""
_METHOD: Final = (
    "Hit rate: share of manipulated test slices, or of those with a nodule where that is asked, on which the peak of "
    "the map lies within {mm:g} mm of the site, in the slice's plane; a map without a peak is a miss. Beside it the "
    "chance of a place drawn from the slice's lung, and the hit rate of always naming the middle of the lungs. All "
    "detectors are shown the same slices."
)
_CURVES: Final = (
    "Deletion blurs the pixels first that speak most for label 1, which is tampered where nothing else is asked, and "
    "its P should fall early; insertion brings them back into the blurred slice, and it should rise early. Blur is "
    "foreign to a slice and may itself look like tampering, so only the gain over random maps, drawn dotted, says "
    "something of a map, and only on the first pixels: what follows is no site."
)


@section("explanations", order=50)
def explanations(given: ReportInput) -> Section | None:
    """Of every training of the matrix that stage `explain` has seen; None where it has seen none."""
    train = given.params.train
    parts: list[Part] = []
    for dataset in train.datasets:
        found = list(_read(given.reports / "explain" / dataset, train.detectors, train.seeds))
        if found:
            parts += _parts(dataset, found, several=len(train.datasets) > 1)
    return Section(heading="What the detectors look at", nav="Explanations", parts=parts) if parts else None


Found = tuple[Path, Explained]


def _read(folder: Path, detectors: Sequence[str], seeds: Sequence[int]) -> Iterator[Found]:
    """Folder and record of each training; stage `explain` may not have run, or the study may leave it out."""
    for detector in detectors:
        for seed in seeds:
            own = folder / detector / f"seed-{seed}"
            if own.is_dir() and (record := read_record(own)) is not None:
                yield own, record


@dataclass(frozen=True)
class MeasuredTraining:
    """A training whose maps could be measured."""

    folder: Path
    record: Explained
    pointing: Pointing

    @property
    def hit_rate(self) -> float:
        """0..1."""
        return self.pointing.hit_rate.value or 0.0

    @property
    def beats_controls(self) -> bool:
        """Whether even the lower end of its hit rate's interval is above what controls reach that know nothing."""
        interval, controls = self.pointing.hit_rate.interval, (self.pointing.random, self.pointing.centre)
        return interval is not None and interval.low > max(one.value or 0.0 for one in controls)


def _parts(dataset: str, found: Sequence[Found], *, several: bool) -> Iterator[Part]:
    where = f"Data set {dataset}: " if several else ""
    measured = [MeasuredTraining(folder, record, record.pointing) for folder, record in found if record.pointing]
    measured.sort(key=lambda one: -one.hit_rate)
    if not measured:
        yield f"{where}No manipulated test slice has a known site, so that maps cannot be measured."
        return
    records = [one.record for one in measured]
    yield where + _finding(measured, records)
    yield records[0].evidence.sentence
    yield _table(dataset, measured, records)
    drawn = [(record, record.curves) for record in records if record.curves is not None]
    if drawn:
        yield _drawing(dataset, drawn, "deletion", "blurred")
        yield _drawing(dataset, drawn, "insertion", "brought back")
    yield from _gallery(measured, records)
    yield Details(summary="How maps are made and measured", parts=list(_how(records, curves=bool(drawn))))


def _finding(measured: Sequence[MeasuredTraining], records: Sequence[Explained]) -> str:
    """Who points at the manipulation more often than controls that know nothing."""
    right = [one for one in measured if one.beats_controls]
    others = [_name(one.record, records) for one in measured if not one.beats_controls]
    sentences = []
    if right:
        names, pointing = [_name(one.record, records) for one in right], right[0].pointing
        whose = f"{names[0]}'s" if len(right) > 1 else "its"
        sentences.append(
            f"{_listed(names)} {'look' if len(right) > 1 else 'looks'} where slices were manipulated: the peak of "
            f"{whose} map lies at the site in {right[0].hit_rate:.0%} of {pointing.slices} slices, a random place "
            f"of the lung in {pointing.random.value or 0.0:.0%}."
        )
    if others:
        maps, verb = ("maps", "point") if len(others) > 1 else ("map", "points")
        sentences.append(
            f"The {maps} of {_listed(others)} {verb} there no more often than the controls, as far as these slices can "
            "tell: what is answered may rest on something else than the manipulation."
        )
    return " ".join(sentences)


def _table(dataset: str, measured: Sequence[MeasuredTraining], records: Sequence[Explained]) -> Table:
    head = ["Detector", "Explained by", "Slices", "Hit rate", "Random lung", "Lung centre"]
    curves = any(one.curves for one in records)
    rows: list[list[Cell | str]] = []
    for one in measured:
        pointing = one.pointing
        slices = Cell(str(pointing.slices), float(pointing.slices), below=f"{pointing.patients} patients")
        figures = [_cell(figure) for figure in (pointing.hit_rate, pointing.random, pointing.centre)]
        gains = _curve_cells(one.record.curves) if curves else []
        rows.append([_name(one.record, records), one.record.method, slices, *figures, *gains])
    gained = f" Gain over random maps on the first {EARLY:.0%} of pixels."
    return Table(
        caption=f"Maps of the test slices of {dataset}, with intervals beneath.{gained if curves else ''}",
        head=[*head, *(("Deletion gain", "Insertion gain") if curves else ())],
        rows=rows,
        best=[place for place, one in enumerate(measured) if one.beats_controls],
    )


def _curve_cells(curves: CurveFigures | None) -> list[Cell]:
    if curves is None:
        return [Cell("n/a"), Cell("n/a")]
    return [_cell(curves.deletion_gain), _cell(curves.insertion_gain)]


def _cell(figure: Figure) -> Cell:
    return Cell(number_text(figure.value), figure.value, below=interval_text(figure.interval, digits=2))


def _drawing(dataset: str, drawn: Sequence[tuple[Explained, CurveFigures]], kind: str, done: str) -> Drawing:
    shown = drawn[:MOST_SERIES]
    records = [record for record, _ in drawn]

    def paint(axes: "Axes") -> None:
        for (record, curves), colour, dash in zip(shown, SERIES, DASHES, strict=False):
            label = f"{_name(record, records)} {number_text(getattr(curves, f'{kind}_area').value)}"
            axes.plot(record.shares, getattr(curves, kind), color=colour, linestyle=dash, linewidth=1.8, label=label)
            axes.plot(record.shares, getattr(curves, f"{kind}_of_random"), color=colour, linestyle=":", linewidth=0.9)
        axes.set_xscale("symlog", linthresh=_LINEAR_BELOW)
        ticks = (0.0, 0.01, 0.1, 1.0)
        axes.set_xticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
        axes.minorticks_off()
        axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel=f"pixels {done}", ylabel="mean P of label 1")
        legend(axes, f"{kind} area")

    named = (f"{_name(one, records)} {number_text(getattr(curves, f'{kind}_area').value)}" for one, curves in shown)
    return Drawing(
        svg=draw(paint, (4.2, 3.4), f"{kind} {dataset}"),
        alt=f"{kind.capitalize()} curves of the maps; random maps dotted. Area under the curve: {', '.join(named)}.",
        caption=f"{kind.capitalize()}: mean P of label 1 against the share of pixels that are {done}.",
    )


def _gallery(measured: Sequence[MeasuredTraining], records: Sequence[Explained]) -> Iterator[Part]:
    left = MOST_PICTURES
    for record, folder in ((one.record, one.folder) for one in measured):
        if len(record.pictures) > left:
            yield f"Pictures of further detectors lie below reports/explain/{record.dataset}."
            return
        left -= len(record.pictures)
        for one in record.pictures:
            where = "at the site" if one.hit else "elsewhere" if one.peak else "nowhere"
            shown = "" if one.manipulation == Manipulation.NONE else f"{one.manipulation}, "  # as of nodules
            said = f"{_name(record, records)}, {one.why}: {shown}P {one.p_tampered:.2f}, peak {where}"
            yield Picture(
                png=(folder / one.file).read_bytes(),
                alt=f"A test slice and, beside it, the same under the map of {record.detector}. {said}.",
                caption=f"{said} ({one.patient_id})",
            )
    why = sorted({record.no_pictures for record in records if record.no_pictures})
    yield from (f"There are no pictures: {one}." for one in why)


def _how(records: Sequence[Explained], *, curves: bool) -> Iterator[str]:
    yield from (f"{method}: {says}." for method, says in sorted({(one.method, one.says) for one in records}))
    yield _METHOD.format(mm=records[0].hit_mm)
    if curves:
        yield _CURVES
    yield (
        "Pictures: lung window, the slice left and under its map right. The circle is the true site, the cross the "
        "peak of the map; colours run from nothing to the highest value of the slice. Best, worst and most uncertain "
        "are chosen by that P among these slices."
    )


def _name(one: Explained, among: Sequence[Explained]) -> str:
    """With the seed where the detector stands there with several."""
    several = len({other.seed for other in among if other.detector == one.detector}) > 1
    return f"{one.detector} (seed {one.seed})" if several else one.detector


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
