"""Real and tampered slices in the layer before a detector's last: two drawings each, and how far apart they lie."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from medfake.metrics.latent import Latent, LatentReport, Points, read_latent
from medfake.metrics.separability import NEIGHBOURS, Score
from medfake.reports.comparison import Result
from medfake.reports.drawing import MARKERS, SERIES, draw, legend
from medfake.reports.parts import Cell, Details, Drawing, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import and_text, data_text, number_text, run_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OPEN: Final = 2  # runs drawn at first, in both ways; the others are a click away, in one
_MOST_DRAWN: Final = 300  # slices of a drawing: a report has to stay small
_HEAD: Final = ("Detector", "Width", "Slices", "Silhouette", "Fisher ratio", "Purity of neighbours")

Seen = tuple[Result, Latent]


@section("latent space", order=46)
def latent_space(given: ReportInput) -> Section | None:
    """What stage `latent` found on each data set; nothing where it has not run, or no detector has such a layer."""
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        path = given.reports / "latent" / f"{dataset}.json"
        if path.is_file():
            parts += _of_dataset(read_latent(path), given.comparison.of(dataset))
    return Section(heading="Latent space", nav="Latent space", parts=parts) if parts else None


def _of_dataset(report: LatentReport, results: Sequence[Result]) -> list[Part]:
    by_run = {(one.detector, one.seed): one for one in report.runs}
    seen = [(run, by_run[key]) for run in results if (key := (run.entry.detector, run.entry.seed)) in by_run]
    if not seen:
        return []
    seen.sort(key=lambda one: -(one[1].separability.silhouette.value or 0.0))
    drawings = [_drawings(run, one, results) for run, one in seen]
    parts: list[Part] = [_sentence(seen, results), *(one for pair in drawings[:_OPEN] for one in pair)]
    if len(seen) > _OPEN:
        rest = [pair[-1] for pair in drawings[_OPEN:]]
        parts.append(Details(summary=f"Drawings of {len(seen) - _OPEN} others", parts=rest))
    return [*parts, _table(seen, results), _note(report)]


def _sentence(seen: Sequence[Seen], results: Sequence[Result]) -> str:
    where, task = f"On {data_text(seen[0][0])}", seen[0][0].entry.task
    beyond = [run_text(run, results) for run, one in seen if one.separability.silhouette.beyond_chance]
    both = f"{task.of('slices', 0)} and {task.of('slices', 1)}"
    if all(one.separability.silhouette.value is None for _, one in seen):
        return f"{where} there is nothing to separate: a class is missing, or all slices lie at one place."
    if not beyond:
        return f"{where} no detector separates {both} in its last layer but one beyond chance."
    return f"{where} {both} lie farther apart than swapped labels for {and_text(beyond)}."


def _table(seen: Sequence[Seen], results: Sequence[Result]) -> Table:
    return Table(
        caption=f"{data_text(seen[0][0])}, test slices in the embedding itself, not in its drawings. Beneath each: "
        "what labels give that were swapped between whole scans, mean and what 95 % of them stay below. Silhouette -1 "
        f"to 1; Fisher ratio: scatter between the classes over scatter within; purity: share of the {NEIGHBOURS} "
        "nearest slices of other patients that are of the same class.",
        head=_HEAD,
        rows=[_row(run, one, results) for run, one in seen],
    )


def _row(run: Result, one: Latent, results: Sequence[Result]) -> list[Cell | str]:
    found = one.separability
    scores = (found.silhouette, found.fisher_ratio, found.purity)
    counted = (Cell(str(one.width), one.width), Cell(str(len(one.label)), len(one.label)))
    return [run_text(run, results), *counted, *map(_score, scores)]


def _score(score: Score) -> Cell:
    chance = "" if score.chance is None else f"chance {score.chance:.3f}, up to {number_text(score.high)}"
    return Cell(number_text(score.value), score.value, chance)


def _drawings(run: Result, one: Latent, results: Sequence[Result]) -> list[Drawing]:
    shares = [f"{100 * share:.0f} %" for share in one.explained]
    axes = f"principal component 1, {shares[0]} of the variance", f"principal component 2, {shares[1]}"
    drawn = [_scatter(run, one, results, "principal components", one.pca, axes)]
    if one.tsne:
        name = f"t-SNE, perplexity {one.perplexity:.3g}"
        drawn.append(_scatter(run, one, results, name, one.tsne, ("t-SNE 1", "t-SNE 2")))
    return drawn


def _scatter(
    run: Result, one: Latent, results: Sequence[Result], way: str, points: Points, labels: tuple[str, str]
) -> Drawing:
    names = {0: run.entry.task.no, 1: run.entry.task.yes}
    every = -(-len(points) // _MOST_DRAWN)
    drawn = list(zip(points, one.label, strict=True))[::every]
    by_class = {label: [at for at, own in drawn if own == label] for label in names}

    def paint(axes: "Axes") -> None:
        for label, word in names.items():
            x, y = [at[0] for at in by_class[label]], [at[1] for at in by_class[label]]
            face, edge, marker = "none" if label == 0 else SERIES[1], SERIES[label], MARKERS[2 * label]
            axes.scatter(x, y, s=18, marker=marker, facecolor=face, edgecolor=edge, linewidth=0.8, label=word)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        legend(axes, "")

    name, silhouette = run_text(run, results), number_text(one.separability.silhouette.value)
    counts = " and ".join(f"{len(by_class[label])} {names[label]}" for label in (1, 0))
    return Drawing(
        svg=draw(paint, (4.2, 4.2), f"latent {way} {run.entry.name}"),
        alt=f"Embedding of {name} by {way}: {counts} test slices; silhouette {silhouette} in the embedding itself.",
        caption=f"{name} on {data_text(run)}, {one.width} wide, by {way}; {len(drawn)} of {len(points)} slices.",
    )


def _note(report: LatentReport) -> str:
    lacking = ""
    if report.without:
        lacking = (
            f" None for {and_text(report.without)}: no layer there makes one vector of a slice, or the package was "
            "stored without it."
        )
    return (
        "The embedding is what the last layer is given. Distances between clusters of a t-SNE mean nothing, and slices "
        f"of a patient lie together whatever their class: the scores are what counts.{lacking}"
    )
