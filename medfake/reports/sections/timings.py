"""How long a step takes and how large a package is, beside what the paper prints of the same networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from medfake.metrics.timings import SINGLE, PackageTiming, StepTime, Timings, read_timings
from medfake.reports.comparison import Result
from medfake.reports.drawing import INK, MARKERS, MUTED, SERIES, draw
from medfake.reports.parts import Cell, Drawing, Part, Section, Table
from medfake.reports.published import read_table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import run_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER: Final = "Alsabbagh & Al-Kadi, Table 3"
_BATCH: Final = 8
_HEAD: Final = (
    *("Detector", "Step of 1 slice, ms", f"Step of {_BATCH} slices, ms", "Ms a slice in the latter", "Stored, MB"),
    *("Parameters, M", "Paper's step, ms", "Paper's parameters, M"),
)

Timed = tuple[Result, PackageTiming]


@dataclass(frozen=True)
class PaperStep:
    """A row of the paper's table.

    Attributes:
        mean_ms: Of ten steps on its GPU.
        deviation_ms: Likewise.
        parameters: Weights with head.
    """

    mean_ms: float
    deviation_ms: float
    parameters: float


def paper_steps() -> dict[str, PaperStep]:
    """What the paper prints, by name of the backbone."""
    return {
        row["model"]: PaperStep(
            float(row["inference_step_ms_mean"]),
            float(row["inference_step_ms_std"]),
            1e6 * float(row["parameters_millions"]),
        )
        for row in read_table("alsabbagh_table3")
    }


def timed(results: Sequence[Result], timings: Timings) -> list[Timed]:
    """Runs whose steps were measured, fastest first."""
    known = [(run, timings.packages[run.entry.name]) for run in results if run.entry.name in timings.packages]
    return sorted(known, key=lambda one: (one[1].steps[SINGLE].mean_ms, one[0].entry.name))


def step_text(step: StepTime) -> str:
    """Mean and deviation, milliseconds."""
    return f"{step.mean_ms:.1f} ± {step.deviation_ms:.1f}"


@section("step time", order=40)
def step_time(given: ReportInput) -> Section | None:
    """Steps of every package that was measured; nothing where none was."""
    path = given.reports / "timings.json"
    if not path.is_file():
        return None
    timings, paper = read_timings(path), paper_steps()
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        results = given.comparison.of(dataset)
        if measured := timed(results, timings):
            parts += _of_dataset(dataset, results, measured, paper)
    if not parts:
        return None
    return Section(heading="Time of a step, and size", nav="Speed", parts=[*parts, _method(timings)])


def _of_dataset(
    dataset: str, results: Sequence[Result], measured: Sequence[Timed], paper: Mapping[str, PaperStep]
) -> list[Part]:
    px = sorted({f"{one.rows} x {one.cols}" for _, one in measured})
    table = Table(
        caption=f"Data set {dataset}, slices of {', '.join(px)} px: mean ± standard deviation of "
        f"{len(measured[0][1].steps[SINGLE].each_ms)} steps each. {PAPER}: ten steps on another machine, slices of "
        "512 x 512 px.",
        head=_HEAD,
        rows=[_row(run, one, results, paper.get(run.entry.detector)) for run, one in measured],
        best=[0],
    )
    return [_sentence(dataset, results, measured), table, _drawing(dataset, results, measured, paper)]


def _sentence(dataset: str, results: Sequence[Result], measured: Sequence[Timed]) -> str:
    named = [f"{run_text(run, results)} takes {step_text(one.steps[SINGLE])} ms a slice" for run, one in measured]
    slowest = f", the slowest: {named[-1]}" if len(named) > 1 else ""
    return f"On {dataset} the fastest step: {named[0]}{slowest}."


def _method(timings: Timings) -> str:
    return (
        f"Measured on {timings.machine.sentence}, each package as scanning runs it, slices in memory, after steps that "
        "only warm up; other work on the machine at that time makes steps longer and their deviation larger. Stored: "
        "the graphs that are served. The paper timed other code on another machine: its column says which network is "
        "slower than which, not by how much."
    )


def _row(run: Result, one: PackageTiming, results: Sequence[Result], paper: PaperStep | None) -> list[Cell | str]:
    single, batch = one.steps[SINGLE], one.steps[_BATCH]
    printed = f"{paper.mean_ms:.1f} ± {paper.deviation_ms:.1f}" if paper else "n/a"
    return [
        run_text(run, results),
        Cell(step_text(single), single.mean_ms),
        Cell(step_text(batch), batch.mean_ms),
        Cell(f"{batch.mean_ms / _BATCH:.1f}", batch.mean_ms / _BATCH),
        Cell(f"{one.graph_bytes / 1e6:.2f}", float(one.graph_bytes)),
        _millions(one.parameters),
        Cell(printed, paper.mean_ms if paper else None),
        _millions(paper.parameters if paper else None),
    ]


def _millions(parameters: float | None) -> Cell:
    return Cell("n/a" if parameters is None else f"{parameters / 1e6:.2f}", parameters)


def _drawing(
    dataset: str, results: Sequence[Result], measured: Sequence[Timed], paper: Mapping[str, PaperStep]
) -> Drawing:
    """A box a detector, of the seed that was timed fastest."""
    first = {run.entry.detector: (run, one) for run, one in reversed(measured)}
    drawn = sorted(first.values(), key=lambda one: one[1].steps[SINGLE].mean_ms)
    svg = draw(lambda axes: _paint(axes, drawn, paper), (6.4, 0.9 + 0.36 * len(drawn)), f"steps {dataset}")
    named = [f"{run_text(run, results)} {step_text(one.steps[SINGLE])}" for run, one in drawn]
    printed = [name for name in first if name in paper]
    theirs = " Hollow diamonds with a dotted line: the paper's mean and deviation." if printed else ""
    return Drawing(
        svg=svg,
        alt=f"Milliseconds of a step of one slice, mean and deviation: {', '.join(named)}.",
        caption=f"Steps of one slice on {dataset}: from the shortest to the longest, a box around the middle half, a "
        f"point at the mean.{theirs} The axis is logarithmic.",
    )


def _paint(axes: "Axes", drawn: Sequence[Timed], paper: Mapping[str, PaperStep]) -> None:
    names = [run.entry.detector for run, _ in drawn]
    for row, (name, (_, one)) in enumerate(zip(names, drawn, strict=True)):
        step = one.steps[SINGLE]
        low, first, third, high = np.quantile(step.each_ms, [0, 0.25, 0.75, 1])
        axes.plot([low, high], [row, row], color=SERIES[0], linewidth=1.2)
        axes.fill_betweenx([row - 0.24, row + 0.24], first, third, color=SERIES[0], alpha=0.3, linewidth=0)
        axes.plot([step.mean_ms], [row], color=SERIES[0], marker=MARKERS[0], markersize=5)
        if name in paper:
            mean, reach = paper[name].mean_ms, paper[name].deviation_ms
            axes.plot([mean - reach, mean + reach], [row, row], color=MUTED, linewidth=1, linestyle=(0, (1, 1.5)))
            axes.plot([mean], [row], color=MUTED, marker="D", markersize=5, markerfacecolor="none")
    axes.set_xscale("log")
    axes.set(ylim=(len(drawn) - 0.4, -0.6), xlabel="milliseconds")
    axes.set_yticks(range(len(drawn)), names, color=INK)
