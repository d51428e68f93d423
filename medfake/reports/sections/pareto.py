"""Quality against what it costs: who is better without taking longer or more space."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from medfake.metrics.binary import HEADINGS
from medfake.metrics.timings import SINGLE, PackageTiming, read_timings
from medfake.reports.comparison import Result
from medfake.reports.drawing import INK, MARKERS, MUTED, SERIES, draw
from medfake.reports.pareto import Candidate, dominated
from medfake.reports.parts import Cell, Drawing, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import and_text, data_text, interval_text, number_text, run_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Cost:
    """What detectors cost.

    Attributes:
        name: One or two words.
        axis: With its unit.
        of: Of a package.
        text: As a cell.
    """

    name: str
    axis: str
    of: Callable[[PackageTiming], float | None]
    text: Callable[[float], str]


COSTS: Final = (
    Cost("time", "milliseconds of a step of one slice", lambda one: one.steps[SINGLE].mean_ms, "{:.1f} ms".format),
    Cost("size", "bytes of the graphs", lambda one: float(one.graph_bytes), lambda bytes_: f"{bytes_ / 1e6:.2f} MB"),
    Cost("parameters", "parameters", lambda one: one.parameters, "{:,.0f}".format),
)
_DRAWN: Final = ("time", "size")
_SAME_COST, _SAME_QUALITY = 0.12, 0.03  # powers of ten and AUC between points whose labels would lie on each other

Timed = tuple[Result, PackageTiming]


@section("pareto", order=42)
def pareto(given: ReportInput) -> Section | None:
    """Front and dominated ones on each data set; nothing where no step was measured."""
    path = given.reports / "timings.json"
    if not path.is_file():
        return None
    timings, metric = read_timings(path), given.params.nominate.metric
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        results = given.comparison.of(dataset)
        runs = [(run, timings.packages[run.entry.name]) for run in results if run.entry.name in timings.packages]
        if len(runs) > 1:
            parts += _of_dataset(runs, results, metric)
    return Section(heading="Quality against cost", nav="Cost", parts=parts) if parts else None


def _of_dataset(runs: Sequence[Timed], results: Sequence[Result], metric: str) -> list[Part]:
    if all(_quality(run, metric) is None for run, _ in runs):
        return [
            f"On {data_text(results[0])} the test split lacks a class: {HEADINGS[metric]} is n/a, so none is better."
        ]
    beaten = {cost.name: dominated(_candidates(runs, results, metric, cost)) for cost in COSTS}
    drawings = [_drawing(runs, results, metric, cost) for cost in COSTS if cost.name in _DRAWN]
    table = Table(
        caption=f"{data_text(results[0])}: {HEADINGS[metric]} of the test slices against each cost. Front: nobody is "
        "better at no more cost. Otherwise somebody is as good and as cheap, and better in one of both; intervals are "
        "not asked, so a small lead counts.",
        head=("Detector", HEADINGS[metric], *(word for cost in COSTS for word in (cost.name.capitalize(), "Place"))),
        rows=[_row(run, one, results, metric, beaten) for run, one in runs],
    )
    return [_sentence(runs, results, metric), *drawings, table]


def _quality(run: Result, metric: str) -> float | None:
    return run.slices.metrics.values()[metric]


def _candidates(runs: Sequence[Timed], results: Sequence[Result], metric: str, cost: Cost) -> list[Candidate]:
    known = [(run_text(run, results), _quality(run, metric), cost.of(one)) for run, one in runs]
    return [Candidate(name, good, dear) for name, good, dear in known if good is not None and dear is not None]


def _sentence(runs: Sequence[Timed], results: Sequence[Result], metric: str) -> str:
    said = []
    for cost in COSTS:
        candidates = _candidates(runs, results, metric, cost)
        beaten = dominated(candidates)
        if candidates:
            front = [one.name for one in sorted(candidates, key=lambda one: one.cost) if one.name not in beaten]
            said.append(f"against {cost.name}: {and_text(front)}")
    return f"On {data_text(results[0])} the front, which nobody beats at no more cost, is {'; '.join(said)}."


def _row(
    run: Result, one: PackageTiming, results: Sequence[Result], metric: str, beaten: dict[str, dict[str, str]]
) -> list[Cell | str]:
    quality, name = _quality(run, metric), run_text(run, results)
    cells: list[Cell | str] = [
        name,
        Cell(number_text(quality), quality, interval_text(run.slices.intervals[metric], 2)),
    ]
    for cost in COSTS:
        value = cost.of(one)
        by = beaten[cost.name].get(name)
        known = value is not None and quality is not None
        place = (f"behind {by}" if by else "front") if known else "n/a"
        cells += [Cell("n/a" if value is None else cost.text(value), value), place]
    return cells


def _labels(candidates: Sequence[Candidate]) -> list[tuple[Candidate, str]]:
    """Names beside points, those whose points lie on each other in one label."""
    labels: list[tuple[Candidate, list[str]]] = []
    for one in candidates:
        for first, names in labels:
            if abs(math.log10(one.cost / first.cost)) < _SAME_COST and abs(one.quality - first.quality) < _SAME_QUALITY:
                names.append(one.name)
                break
        else:
            labels.append((one, [one.name]))
    return [(first, ", ".join(names)) for first, names in labels]


def _drawing(runs: Sequence[Timed], results: Sequence[Result], metric: str, cost: Cost) -> Drawing:
    candidates = _candidates(runs, results, metric, cost)
    beaten = dominated(candidates)
    intervals = {run_text(run, results): run.slices.intervals[metric] for run, _ in runs}

    def paint(axes: "Axes") -> None:
        front = sorted((one for one in candidates if one.name not in beaten), key=lambda one: one.cost)
        axes.step(
            [one.cost for one in front], [one.quality for one in front], where="post", color=SERIES[0], linewidth=1
        )
        for one in candidates:
            colour, face = (MUTED, "none") if one.name in beaten else (SERIES[0], SERIES[0])
            if edges := intervals[one.name]:
                axes.plot([one.cost, one.cost], [edges.low, edges.high], color=colour, linewidth=0.8, alpha=0.7)
            axes.plot([one.cost], [one.quality], color=colour, marker=MARKERS[0], markersize=6, markerfacecolor=face)
        for first, names in _labels(candidates):
            axes.annotate(
                names, (first.cost, first.quality), textcoords="offset points", xytext=(5, 4), fontsize=8, color=INK
            )
        axes.set_xscale("log")
        axes.margins(x=0.2)
        axes.set(xlabel=cost.axis, ylabel=HEADINGS[metric])

    named = [f"{one.name} {number_text(one.quality)} at {cost.text(one.cost)}" for one in candidates]
    return Drawing(
        svg=draw(paint, (5.2, 3.8), f"pareto {cost.name} {results[0].entry.dataset}"),
        alt=f"{HEADINGS[metric]} against {cost.axis}: {', '.join(named)}.",
        caption=f"{HEADINGS[metric]} of test slices with intervals against {cost.name}, {data_text(results[0])}. "
        "Filled and joined: the front; hollow: behind somebody. The axis of cost is logarithmic.",
    )
