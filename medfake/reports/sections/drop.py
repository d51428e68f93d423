"""What detectors of nodules lose on deepfakes, why that is no detection, and what detects deepfakes instead."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.datasets.split import is_leaky
from medfake.metrics.drop_report import DropReport, OnSlices, RunDrop, read_drop
from medfake.metrics.within_slice import Figure
from medfake.probes.report import read_probes
from medfake.reports.comparison import Comparison, Result
from medfake.reports.drawing import MUTED, SERIES, draw, legend
from medfake.reports.papers import PAPERS, read_table
from medfake.reports.parts import Cell, Drawing, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import data_text, interval_text, number_text, run_text, with_interval_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NO_DETECTION: Final = (
    "A drop is no detection. It needs the class that each image should have, which whoever looks for deepfakes does "
    "not know, and it says nothing of a single image. Accuracy falls as well where images differ in any other way from "
    "those learnt from, such as those of another scanner, and where the generator did not draw what it was asked for. "
    "The paper controls for none of these."
)
_HEAD: Final = ("Detector", "Originals", "Deepfakes", "Drop", "Sensitivity", "Specificity", "Doubt, AUC")
_ROW_INCHES: Final = 0.5
_TELLS: Final = 0.9
"""AUC by one number from which on, or from 1 less which down, it tells slices apart."""
_LANE: Final = 0.14  # between originals and deepfakes of a detector, in rows
_CONSTANT: Final = 0.9
"""Share of deepfakes that get the same answer, from which on it is called constant."""


@section("drop", order=49)
def drop(given: ReportInput) -> Section | None:
    """Of every block under `drop` that stage `drop` has measured; None where there is none."""
    parts: list[Part] = []
    for name, block in given.params.drop.items():
        path = given.reports / "drop" / f"{name}.json"
        if path.is_file():
            report = read_drop(path)
            parts += [finding(report), *([] if parts else [_NO_DETECTION]), _label_noise(report)]
            parts += [_drawing(report), _table(report)]
            if block.direct in given.comparison.datasets:
                parts += _direct(report, given.comparison, str(block.direct), given.reports)
    return (
        Section(heading="Accuracy on deepfakes, and their detection", nav="Deepfakes", parts=parts) if parts else None
    )


def finding(report: DropReport) -> str:
    """What the network that validation chose loses, and what the paper prints."""
    one = report.chosen
    lost = one.drop.interval is not None and one.drop.interval.low > 0
    originals, deepfakes = _printed()
    return (
        f"{one.detector}, the most accurate on validation, tells slices with a nodule from others with accuracy "
        f"{_text(one.originals.accuracy)} on {report.slices} test slices of {report.patients} patients, and "
        f"{_text(one.deepfakes.accuracy)} on {report.deepfakes} deepfakes of {report.generator}: a drop of "
        f"{_text(one.drop)}{'' if lost else ', which is not told from none'}."
        f"{_leak(report)}{_guesses(one)}{_constant(one)} "
        f"{report.evidence.sentence} {PAPERS['shree'].cited} print {originals:.3f} and {deepfakes:.2f} for their CNN."
    )


def _leak(report: DropReport) -> str:
    if not is_leaky(report.protocol):
        return ""
    return (
        f" Slices of one patient are learnt from and tested (protocol {report.protocol} of {report.dataset}), so that "
        "accuracy on originals may be that of knowing patients again."
    )


def _guesses(one: RunDrop) -> str:
    interval = one.originals.accuracy.interval
    if interval is None or interval.low > 0.5:
        return ""
    return " On originals it is not told from guessing, so that there is little to lose."


def _constant(one: RunDrop) -> str:
    if 1 - _CONSTANT < one.called < _CONSTANT:
        return ""
    return (
        f" It calls {100 * one.called:.0f} % of the deepfakes a nodule, whatever was asked for: about 0.5 is what one "
        "answer to everything reaches."
    )


def _printed() -> tuple[float, float]:
    originals, deepfakes = (float(row["accuracy"]) for row in read_table("shree"))
    return originals, deepfakes


def _label_noise(report: DropReport) -> str:
    found = report.agreement
    if found.detectors < 2:
        return "One detector alone cannot tell an image that it mistakes from one that does not show what it should."
    against, who = found.deepfakes.against_label, "Both" if found.detectors == 2 else f"All {found.detectors}"
    return (
        f"Does an image show what it was asked for? {who} detectors call {_percent(against)} of the "
        f"deepfakes the other class, and {_percent(found.originals.against_label)} of the originals; they are divided "
        f"on {_percent(found.deepfakes.split)} and {_percent(found.originals.split)}. Where all are right, the "
        "generator drew something else than its label says, and accuracy falls through no fault of theirs; but "
        "detectors that give one answer to all deepfakes are against half of the labels as well."
    )


def _percent(share: Figure) -> str:
    interval = share.interval
    reach = "" if interval is None else f" [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"
    return "n/a" if share.value is None else f"{100 * share.value:.0f} %{reach}"


def _drawing(report: DropReport) -> Drawing:
    """A row a detector: accuracy on originals and on deepfakes, with intervals; the paper's beneath."""
    runs = list(report.runs.values())
    names = [_name(one, runs) for one in runs]

    def paint(axes: "Axes") -> None:
        axes.axvline(0.5, color=MUTED, linestyle=":", linewidth=1)
        sides = (("originals", SERIES[0], "o", -_LANE), ("deepfakes", SERIES[1], "s", _LANE))
        for (side, colour, marker, off), printed in zip(sides, _printed(), strict=True):
            for row, one in enumerate(runs):
                accuracy = getattr(one, side).accuracy
                if accuracy.interval is not None:
                    ends = [accuracy.interval.low, accuracy.interval.high]
                    axes.plot(ends, [row + off, row + off], color=colour, linewidth=1.6)
            values, rows = [getattr(one, side).accuracy.value for one in runs], [row + off for row in range(len(runs))]
            axes.plot(values, rows, linestyle="none", marker=marker, color=colour, label=side)
            axes.plot([printed], [len(runs) + off], linestyle="none", marker=marker, mfc="none", color=colour)
        axes.set(xlim=(-0.02, 1.02), ylim=(len(runs) + 0.6, -0.6), xlabel="accuracy")
        axes.set_yticks(range(len(runs) + 1), [*names, "in print, CustomCNN"])
        legend(axes, "Accuracy on")

    said = [f"{name} {number_text(one.originals.accuracy.value)} and {number_text(one.deepfakes.accuracy.value)}"
            for name, one in zip(names, runs, strict=True)]  # fmt: skip
    return Drawing(
        svg=draw(paint, (5.6, 1.6 + _ROW_INCHES * (len(runs) + 1)), f"drop {report.name}"),
        alt=f"Accuracy on originals and on deepfakes: {'; '.join(said)}.",
        caption=f"{report.dataset}: accuracy at the threshold of validation, on originals and on deepfakes of "
        f"{report.generator}. A constant answer has 0.5. Hollow: as the paper prints it, of its own images.",
    )


def _table(report: DropReport) -> Table:
    runs = list(report.runs.values())
    rows: list[list[Cell | str]] = [_row(one, runs) for one in runs]
    originals, deepfakes = _printed()
    printed = (Cell(f"{value:.3f}", value) for value in (originals, deepfakes, originals - deepfakes))
    theirs = Cell("CustomCNN", below=f"{PAPERS['shree'].cited}, in print")
    return Table(
        caption=f"{report.dataset}: accuracy at the threshold that validation chose ({report.evidence}); the positive "
        f"class is nodule. {100 * report.confidence:g} % intervals resample patients of originals, and deepfakes; in "
        "print none is. Sensitivity and specificity: on originals, beneath on deepfakes. Doubt: how well deepfakes are "
        "told from originals by how unsure a detector is, with no class known; below 0.5 it is surer of deepfakes.",
        head=_HEAD,
        rows=[*rows, [theirs, *printed, "n/a", "n/a", "n/a"]],
        theirs=[len(rows)],
    )


def _row(one: RunDrop, runs: Sequence[RunDrop]) -> list[Cell | str]:
    both = one.originals, one.deepfakes
    return [
        _name(one, runs), *(_cell(side.accuracy) for side in both), _cell(one.drop), _pair(both, "sensitivity"),
        _pair(both, "specificity"), _cell(one.doubt_auc),
    ]  # fmt: skip


def _cell(figure: Figure) -> Cell:
    return Cell(number_text(figure.value), figure.value, interval_text(figure.interval, digits=2))


def _pair(both: tuple[OnSlices, OnSlices], name: str) -> Cell:
    originals, deepfakes = (getattr(side, name).value for side in both)
    return Cell(number_text(originals), originals, f"{number_text(deepfakes)}")


def _name(one: RunDrop, runs: Sequence[RunDrop]) -> str:
    several = sum(other.detector == one.detector for other in runs) > 1
    return f"{one.detector}, seed {one.seed}" if several else one.detector


def _text(figure: Figure) -> str:
    return f"{number_text(figure.value)} {interval_text(figure.interval)}".strip()


def _direct(report: DropReport, comparison: Comparison, dataset: str, reports: Path) -> Iterator[Part]:
    """Detectors that were taught to tell generated slices from real ones, and what may help them."""
    results = comparison.of(dataset)
    best = max(results, key=lambda one: one.val.auc or 0.0)
    yield (
        f"What the paper did not build: the question itself. Taught to tell generated slices from real ones, "
        f"{run_text(best, results)}, the best on validation, has AUC {with_interval_text(best.slices, 'auc')} on the "
        f"test slices of {data_text(best)}, other patients and other deepfakes than those learnt from; by doubt alone, "
        f"detectors of nodules reach {_doubt(report)}. {_by_one_number(report)} All are of one generator: nothing is "
        "said of another. Its own real patients may be among the real ones here, which makes none of them look "
        f"generated. {_given_away(reports / 'probes' / f'{dataset}.json')}"
    )
    yield Table(
        caption=f"{dataset}: real or generated, test slices; {100 * report.confidence:g} % intervals over "
        f"{results[0].slices.unit}.",
        head=("Detector", "AUC", "Accuracy", "Generated slices found", "Real slices kept"),
        rows=[_direct_row(one, results) for one in results],
    )


def _by_one_number(report: DropReport) -> str:
    """Why a direct detector may be perfect: what one number tells of itself."""
    found = {name: one for name, one in report.single_numbers.items() if one.value is not None}
    if not found:
        return ""
    said = ", ".join(f"by {name} {_text(one)}" for name, one in found.items())
    strongest = max(abs(float(one.value or 0.0) - 0.5) for one in found.values())
    meaning = (
        "One number of the pixels tells them as well, so that a detector need not know what a chest looks like"
        if strongest >= _TELLS - 0.5
        else "No single number of the pixels does"
    )
    return f"{meaning}: AUC {said}; fine structure is what a pixel differs from its eight neighbours by."


def _doubt(report: DropReport) -> str:
    """The least and the highest AUC by doubt."""
    known = sorted(one.doubt_auc.value or 0.0 for one in report.runs.values())
    return " to ".join(dict.fromkeys((number_text(known[0]), number_text(known[-1]))))


def _direct_row(one: Result, results: Sequence[Result]) -> list[Cell | str]:
    values = one.slices.metrics.values()
    figures = [
        Cell(number_text(values[name]), values[name], interval_text(one.slices.intervals[name], digits=2))
        for name in ("auc", "accuracy", "recall", "specificity")
    ]
    return [run_text(one, results), *figures]


def _given_away(path: Path) -> str:
    """What tells the classes apart besides what a generator does to pixels."""
    if not path.is_file():
        return "Whether something else gives the class away was not probed."
    found = [one for one in read_probes(path).findings if one.shortcut]
    if not found:
        return "No probe found anything else that gives the class away."
    named = "; ".join(f"{one.name}, AUC {one.score}: {one.sentence.rstrip('.')}" for one in found)
    return (
        f"Probes tell the class without looking at what is drawn ({named}). Detectors see no header, but whatever of "
        "this lies in the pixels may be all that they go by."
    )
