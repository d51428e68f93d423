"""Whether P(tampered) is a probability, and what calibration did to it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medfake.metrics.before_calibration import calibrated
from medfake.package.measured import Calibrated
from medfake.reports.comparison import Result
from medfake.reports.drawing import MUTED, SERIES, draw, legend
from medfake.reports.parts import Cell, Drawing, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import data_text, number_text, run_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Known = tuple[Result, Calibrated]


@section("calibration", order=36)
def calibration(given: ReportInput) -> Section | None:
    """Reliability on validation before and after, for detectors that were calibrated; nothing where none was."""
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        results = given.comparison.of(dataset)
        found = [(run, calibrated(run.entry.predictions, run.entry.calibration)) for run in results]
        known = [(run, one) for run, one in found if one is not None]
        if known:
            parts += [_sentence(known), _drawing(known[0], results), _table(known, results)]
    return Section(heading="Calibration", nav="Calibration", parts=parts) if parts else None


def _sentence(known: Sequence[Known]) -> str:
    better = sum(one.after.ece < one.before.ece for _, one in known)
    return (
        f"On {data_text(known[0][0])} calibration brought probabilities of {better} of {len(known)} trainings nearer "
        "to shares, on the validation slices that it was fitted on; the test slices fitted nothing."
    )


def _table(known: Sequence[Known], results: Sequence[Result]) -> Table:
    return Table(
        caption=f"{data_text(known[0][0])}: expected calibration error (ECE, ten equal bins) and Brier score of "
        "validation slices before and after, and of test slices as served. Lower is better.",
        head=(
            "Detector",
            "Fitted on validation",
            "ECE before",
            "ECE after",
            "Brier before",
            "Brier after",
            "ECE on test",
        ),
        rows=[_row(run, one, results) for run, one in known],
    )


def _row(run: Result, one: Calibrated, results: Sequence[Result]) -> list[Cell | str]:
    fitted = ", ".join(f"{name} {value:.3g}" for name, value in sorted(run.entry.calibration.items()))
    figures = (one.before.ece, one.after.ece, one.before.brier, one.after.brier, run.slices.metrics.ece)
    return [run_text(run, results), fitted, *(Cell(number_text(value), value) for value in figures)]


def _drawing(known: Known, results: Sequence[Result]) -> Drawing:
    run, one = known
    name = run_text(run, results)

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        for label, found, colour, marker in (("before", one.before, MUTED, "s"), ("after", one.after, SERIES[0], "o")):
            places = [point.p for point in found.bins], [point.share for point in found.bins]
            text = f"{label}: {number_text(found.ece)}"
            axes.plot(*places, color=colour, marker=marker, markersize=4.5, linewidth=1.2, label=text)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        task = run.entry.task
        axes.set(xlabel=f"predicted P({task.yes})", ylabel=f"share of {task.of('slices', 1)}")
        legend(axes, "ECE")

    return Drawing(
        svg=draw(paint, (4.2, 4.6), f"calibration {run.entry.name}"),
        alt=f"Reliability of {name} on {one.slices} validation slices: ECE {number_text(one.before.ece)} before and "
        f"{number_text(one.after.ece)} after calibration.",
        caption=f"{name} on validation slices of {data_text(run)}: on the diagonal a score is a probability.",
    )
