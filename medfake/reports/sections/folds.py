"""Section of the report: what trainings over folds reached, fold by fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from medfake.datasets.dataset import SOURCES_APART
from medfake.metrics.binary import HEADINGS
from medfake.package.measured import Folds
from medfake.reports.comparison import Result
from medfake.reports.drawing import INK, MUTED, SERIES, draw
from medfake.reports.parts import Cell, Drawing, Part, Section, Table
from medfake.reports.rows import FOLDS_NOTE, SHOWN
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import number_text, plus_minus_text, run_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW_INCHES: Final = 0.34


@dataclass(frozen=True)
class _Run:
    """A training and its folds, by the name that it has on the page."""

    name: str
    folds: Folds

    @property
    def auc(self) -> str:
        return plus_minus_text(self.folds.mean["auc"], self.folds.deviation["auc"])


@section("folds", order=25)
def folds_section(given: ReportInput) -> Section | None:
    """Mean and deviation over folds, and the folds themselves; None where no data set has any."""
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        results = given.comparison.of(dataset)
        runs = _runs(results)
        if runs:
            apart = [SOURCES_APART] if any(one.entry.sources_apart for one in results) else []
            parts += [_found(dataset, runs), *apart, _table(dataset, runs), _drawing(runs)]
    return Section(heading="Over folds of patients", nav="Folds", parts=parts) if parts else None


def _runs(results: Sequence[Result]) -> list[_Run]:
    return [_Run(run_text(one, results), one.entry.folds) for one in results if one.entry.folds is not None]


def _found(dataset: str, runs: Sequence[_Run]) -> str:
    best = max(runs, key=lambda one: one.folds.mean["auc"] or 0.0)
    return (
        f"Over {len(best.folds.each)} folds of data set {dataset}, {best.name} reaches the highest mean slice AUC, "
        f"{best.auc}. Each of {best.folds.patients} patients was tested once, by a training that had not seen it."
    )


def _table(dataset: str, runs: Sequence[_Run]) -> Table:
    head = ["detector", *(HEADINGS[name] for name in SHOWN), "AUC of all"]
    return Table(caption=f"Data set {dataset}. {FOLDS_NOTE}", head=head, rows=[_row(one) for one in runs])


def _row(run: _Run) -> list[Cell | str]:
    folds = run.folds
    means = [Cell(plus_minus_text(folds.mean[name], folds.deviation[name]), value=folds.mean[name]) for name in SHOWN]
    edges = folds.intervals["auc"]
    below = f"{edges[0]:.3f} to {edges[1]:.3f}" if edges else ""
    return [run.name, *means, Cell(number_text(folds.pooled["auc"]), value=folds.pooled["auc"], below=below)]


def _drawing(runs: Sequence[_Run]) -> Drawing:
    """A row a detector: a dot a fold, a stroke for their mean."""

    def paint(axes: "Axes") -> None:
        for place, run in enumerate(runs):
            aucs = [one.metrics["auc"] for one in run.folds.each if one.metrics["auc"] is not None]
            axes.plot(aucs, [place] * len(aucs), "o", color=SERIES[0], markersize=4)
            mean = run.folds.mean["auc"]
            if mean is not None:
                axes.plot([mean, mean], [place - 0.3, place + 0.3], color=INK, linewidth=1.8)
        axes.axvline(0.5, color=MUTED, linestyle=":", linewidth=1)
        axes.set_yticks(range(len(runs)), [one.name for one in runs])
        axes.set_ylim(len(runs) - 0.4, -0.6)
        axes.set_xlabel("slice AUC of a fold")

    told = "; ".join(f"{one.name}: {_each(one)}, mean {number_text(one.folds.mean['auc'])}" for one in runs)
    return Drawing(
        svg=draw(paint, (6.4, 0.9 + _ROW_INCHES * len(runs)), salt="folds"),
        alt=f"Slice AUC fold by fold. {told}.",
        caption="A dot is the slice AUC of one fold, the stroke their mean, the dotted line chance.",
    )


def _each(run: _Run) -> str:
    return ", ".join(number_text(one.metrics["auc"]) for one in run.folds.each)
