"""The section on robustness: where each detector breaks when slices go through what they may go through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from medfake.detectors.families import family_of
from medfake.detectors.registry import DETECTORS
from medfake.metrics.robustness.curves import Curve, Point, RobustnessReport, RunRobustness, read_robustness
from medfake.metrics.within_slice import Figure
from medfake.reports.drawing import DASHES, MARKERS, MOST_SERIES, MUTED, SERIES, draw, legend
from medfake.reports.parts import Cell, Details, Drawing, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import interval_text, number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHOD: Final = (
    "Every slice is scored by itself, before and after; thresholds stay where validation put them, and nothing is "
    "chosen by these figures. A drop is the figure before minus the figure after, mean over the severities, with an "
    "interval of resampled {unit}; the last columns are means over perturbations, attacks and what a detector cannot "
    "take not counted."
)
WHITE_BOX: Final = (
    "fgsm and pgd are white-box: whoever does them holds the network and asks for its gradient. They say how little "
    "has to change, not what happens by itself, and detectors without a gradient are not safer for it."
)
ALONG_Z: Final = (
    "{they} along z in scans and cannot here, as slices have no neighbours: these figures are of what is left, the "
    "slice alone, and say nothing of how a perturbed scan is judged."
)
_INCHES: Final = (3.6, 2.9)
_CHANCE: Final = 0.5


@dataclass(frozen=True)
class _Weakest:
    """The point of a data set at which AUC falls most."""

    run: RunRobustness
    curve: Curve
    clean: float
    point: Point

    @property
    def drop(self) -> float:
        return self.clean - (self.point.auc.value or 0.0)


@section("robustness", order=60)
def write_robustness(given: ReportInput) -> Section | None:
    """Curves and drops of every data set that was measured."""
    files = [given.reports / "robustness" / f"{name}.json" for name in given.comparison.datasets]
    found = [report for path in files if path.is_file() and (report := read_robustness(path)).runs]
    if not found:
        return None
    parts = [part for report in found for part in _of_dataset(report, named=len(found) > 1)]
    return Section(
        heading="Robustness: what slices go through before a detector sees them", nav="Robustness", parts=parts
    )


def headline(report: RobustnessReport) -> str:
    """Name the weakest point in words, and whoever loses least."""
    weakest, runs = _weakest(report, white_box=False), _ordered(report)
    able = [run for run in runs if _finds_something(run)]
    said = []
    if weakest is None:
        said.append(f"On {report.dataset} no perturbation could be measured.")
    elif weakest.drop <= 0:
        said.append(f"On {report.dataset} no perturbation of the grid lowers the AUC of any detector.")
    else:
        said.append(
            f"Weakest point on {report.dataset}: {_name(weakest.run, runs)} falls from AUC "
            f"{number_text(weakest.clean)} to {number_text(weakest.point.auc.value)} after "
            f"{weakest.curve.perturbation} ({weakest.point.severity:g} {weakest.curve.unit})."
        )
    if len(able) > 1 and able[0].robustness_drop.value is not None:
        lost = able[0].robustness_drop.value
        said.append(f"{_name(able[0], runs)} loses least: its AUC drops by {number_text(lost)} on average.")
    attacked = _weakest(report, white_box=True)
    if attacked is not None:
        said.append(
            f"Somebody who holds {_name(attacked.run, runs)} brings it down to AUC "
            f"{number_text(attacked.point.auc.value)} with {attacked.curve.perturbation} of "
            f"{attacked.point.severity:g} HU (white-box)."
        )
    return " ".join(said)


def _of_dataset(report: RobustnessReport, *, named: bool) -> list[Part]:
    runs = _ordered(report)
    drawn, panels = runs[:MOST_SERIES], _panels(runs)
    parts: list[Part] = [
        headline(report),
        f"{report.evidence.sentence} {_facts(report)} {METHOD.format(unit=report.unit)}",
    ]
    if any(curve.white_box for run in runs for curve in run.curves):
        parts.append(WHITE_BOX)
    if blind := _along_z(runs):
        parts.append(ALONG_Z.format(they=f"{', '.join(blind)} {'looks' if len(blind) == 1 else 'look'}"))
    unable = [
        f"{_name(run, runs)} (AUC {number_text(_clean_auc(run).value)})" for run in runs if not _finds_something(run)
    ]
    if unable:
        they = ", ".join(unable)
        parts.append(f"Not surely above chance before anything is done, so that there may be nothing to lose: {they}.")
    if len(runs) > len(drawn):
        parts.append(f"Curves of the {len(drawn)} trainings that lose least; the table has all {len(runs)}.")
    parts += [drawing for name in panels if (drawing := _drawing(report, drawn, name, "auc"))]
    parts.append(_drops(report, runs, panels))
    hits = [drawing for name in panels if (drawing := _drawing(report, drawn, name, "hit_rate"))]
    if hits:
        parts.append(Details(summary=f"Hit rate against severity{_on(report, named)}", parts=hits))
    parts.append(Details(summary=f"All figures{_on(report, named)}", parts=[_all(report, runs)]))
    untold = _not_measured(runs)
    if untold:
        parts.append(Details(summary=f"What could not be measured{_on(report, named)}", parts=untold))
    return parts


def _on(report: RobustnessReport, named: bool) -> str:
    return f" on {report.dataset}" if named else ""


def _along_z(runs: Sequence[RunRobustness]) -> list[str]:
    """Detectors whose families look along z, each once."""
    known = dict.fromkeys(run.detector for run in runs if run.detector in DETECTORS)
    return [name for name in known if family_of(DETECTORS[name]).around_mm is not None]


def _facts(report: RobustnessReport) -> str:
    absent = f" Without a package, and so not measured: {', '.join(report.absent)}." if report.absent else ""
    return (
        f"{report.slices} test slices of {report.patients} patients, {report.tampered} of them tampered, drawn by "
        f"chance (seed {report.seed}).{absent}"
    )


def _ordered(report: RobustnessReport) -> list[RunRobustness]:
    """Who loses least first; those that find nothing, and so have nothing to lose, last."""

    def key(run: RunRobustness) -> tuple[bool, float, str, int]:
        drop = run.robustness_drop.value
        return drop is None or not _finds_something(run), drop or 0.0, run.detector, run.seed

    return sorted(report.runs.values(), key=key)


def _clean_auc(run: RunRobustness) -> Figure:
    """On slices as they are, of the perturbation that is done to most of them."""
    known = [(curve.slices, curve.clean.auc) for curve in run.curves if curve.clean]
    return max(known, key=lambda one: one[0], default=(0, Figure(None)))[1]


def _finds_something(run: RunRobustness) -> bool:
    """Whether its AUC is above chance before anything is done."""
    clean = _clean_auc(run)
    low = clean.interval.low if clean.interval else clean.value
    return low is not None and low > _CHANCE


def _name(run: RunRobustness, runs: Sequence[RunRobustness]) -> str:
    several = sum(other.detector == run.detector for other in runs) > 1
    return f"{run.detector}, seed {run.seed}" if several else run.detector


def _panels(runs: Sequence[RunRobustness]) -> list[str]:
    """Names of perturbations, attacks last."""
    curves = {curve.perturbation: curve.white_box for run in runs for curve in run.curves}
    return sorted(curves, key=lambda name: (curves[name], name))


def _curve(run: RunRobustness, name: str) -> Curve | None:
    return next((one for one in run.curves if one.perturbation == name), None)


def _weakest(report: RobustnessReport, *, white_box: bool) -> _Weakest | None:
    """Among trainings that find something, where there are any."""
    runs = _ordered(report)
    able = [run for run in runs if _finds_something(run)]
    found = [
        _Weakest(run, curve, curve.clean.auc.value, point)
        for run in able or runs
        for curve in run.curves
        if curve.white_box is white_box and curve.clean is not None and curve.clean.auc.value is not None
        for point in curve.points
        if point.severity != 0 and point.auc.value is not None
    ]
    return max(found, key=lambda one: one.drop, default=None)


def _drawing(report: RobustnessReport, runs: Sequence[RunRobustness], name: str, figure: str) -> Drawing | None:
    """One panel: a line for each training with its band."""
    lines = [(run, _line(run, name, figure)) for run in runs]
    unit = next((one.unit for run in runs if (one := _curve(run, name))), "")
    if not any(line for _, line in lines):
        return None

    def paint(axes: "Axes") -> None:
        if figure == "auc":
            axes.axhline(_CHANCE, color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        for (run, line), colour, dash, marker in zip(lines, SERIES, DASHES, MARKERS, strict=False):
            if not line:
                continue
            x, y = [severity for severity, _ in line], [one.value or 0.0 for _, one in line]
            axes.plot(
                x, y, color=colour, linestyle=dash, linewidth=1.6, marker=marker, markersize=3.5, label=_name(run, runs)
            )
            low = [one.interval.low if one.interval else one.value or 0.0 for _, one in line]
            high = [one.interval.high if one.interval else one.value or 0.0 for _, one in line]
            axes.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0)
        axes.set(ylim=(-0.02, 1.02), xlabel=unit, ylabel="AUC" if figure == "auc" else "hit rate")
        legend(axes, name)

    heading = "AUC" if figure == "auc" else "Hit rate"
    ends = [f"{_name(run, runs)} {_ends(line)}" for run, line in lines if line]
    return Drawing(
        svg=draw(paint, (_INCHES[0], _INCHES[1] + 0.17 * len(lines)), f"robustness {report.dataset} {name} {figure}"),
        alt=f"{heading} against {unit}, {name}, with bands. At the lowest and the highest severity: {'; '.join(ends)}.",
        caption=f"{name}: {heading} against {unit}",
    )


def _line(run: RunRobustness, name: str, figure: str) -> list[tuple[float, Figure]]:
    curve = _curve(run, name)
    points = [(one.severity, getattr(one, figure)) for one in curve.points] if curve else []
    return [(severity, one) for severity, one in points if one.value is not None]


def _ends(line: Sequence[tuple[float, Figure]]) -> str:
    (first, low), (last, high) = line[0], line[-1]
    return f"{number_text(low.value)} at {first:g}, {number_text(high.value)} at {last:g}"


def _drops(report: RobustnessReport, runs: Sequence[RunRobustness], panels: Sequence[str]) -> Table:
    """Mean drop of AUC by training and perturbation."""
    rows: list[list[Cell | str]] = []
    for run in runs:
        own = [_drop_cell(curve.auc_drop if (curve := _curve(run, name)) else Figure(None)) for name in panels]
        totals = [_drop_cell(one) for one in (run.robustness_drop, run.white_box_drop, run.hit_rate_drop)]
        rows.append([_name(run, runs), _cell(_clean_auc(run)), *own, *totals])
    return Table(
        caption=f"Mean drop of AUC on {report.dataset}, mean over severities; the one that loses least stands first.",
        head=["training", "AUC before", *panels, "mean drop", "white-box drop", "drop of hit rate"],
        rows=rows,
        best=[0] if len(rows) > 1 and _finds_something(runs[0]) else [],
    )


def _all(report: RobustnessReport, runs: Sequence[RunRobustness]) -> Table:
    rows: list[list[Cell | str]] = [
        [
            _name(run, runs), curve.perturbation, Cell(f"{point.severity:g}", point.severity), _cell(point.auc),
            _cell(point.balanced_accuracy), _cell(point.hit_rate), Cell(str(curve.slices), curve.slices),
            Cell(str(point.without_lung), point.without_lung), Cell(str(point.unmoved), point.unmoved),
        ]
        for run in runs
        for curve in run.curves
        for point in curve.points
    ]  # fmt: skip
    return Table(
        caption=f"Every severity on {report.dataset}; 0 is the slices as they are. Without lung: slices that showed "
        "lung before and show none now. Unmoved: slices that came out as they went in.",
        head=["training", "perturbation", "severity", "AUC", "balanced accuracy", "hit rate", "slices", "without lung",
              "unmoved"],
        rows=rows,
    )  # fmt: skip


def _not_measured(runs: Sequence[RunRobustness]) -> list[str]:
    """Why figures are missing, once for all trainings that share a reason."""
    said: dict[str, list[str]] = {}
    for run in runs:
        for curve in run.curves:
            if curve.reason:
                said.setdefault(f"{curve.perturbation}: {curve.reason}", []).append(_name(run, runs))
            elif curve.left_out:
                text = f"{curve.perturbation}: {curve.left_out} slices lack the neighbours that it needs"
                said.setdefault(text, []).append(_name(run, runs))
            for point in curve.points:
                if point.reason:
                    text = f"{curve.perturbation} at {point.severity:g}: {point.reason}"
                    said.setdefault(text, []).append(_name(run, runs))
    everybody = len(runs)
    return [
        f"{text}{'' if len(names) == everybody else ' (' + ', '.join(names) + ')'}." for text, names in said.items()
    ]


def _cell(figure: Figure) -> Cell:
    return Cell(number_text(figure.value), figure.value, interval_text(figure.interval))


def _drop_cell(figure: Figure) -> Cell:
    return Cell(_signed(figure), figure.value, interval_text(figure.interval))


def _signed(figure: Figure) -> str:
    return "n/a" if figure.value is None else f"{figure.value:+.3f}"
