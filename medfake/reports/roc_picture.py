"""ROC curves as a file of their own, out of the rows that `dvc plots` draws."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Final

from medfake.reports.drawing import DASHES, MUTED, SERIES, draw, legend
from medfake.reports.roc_points import Point
from medfake.vocabulary import Evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMESPACES: Final = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def roc_pictures(points: Sequence[Point], evidence: Mapping[str, Evidence]) -> dict[str, str]:
    """A picture a data set, a line a training.

    Args:
        points: From `all_roc_points`.
        evidence: What figures on each data set are worth; the picture says so, and there is none without.

    Returns:
        By data set a whole SVG file; equal points give equal text.
    """
    trainings = sorted({str(point["run"]) for point in points})
    return {
        dataset: _picture(
            dataset,
            f"ROC, test slices of {dataset}, {evidence[dataset]} figures",
            {name: _line(points, name) for name in trainings if name.startswith(f"{dataset}/")},
        )
        for dataset in sorted({name.split("/", 1)[0] for name in trainings} & evidence.keys())
    }


def _line(points: Sequence[Point], name: str) -> tuple[list[float], list[float]]:
    own = [point for point in points if point["run"] == name]
    return [float(point["fpr"]) for point in own], [float(point["tpr"]) for point in own]


def _picture(dataset: str, title: str, lines: dict[str, tuple[list[float], list[float]]]) -> str:
    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        for (name, (fpr, tpr)), colour, dash in zip(lines.items(), cycle(SERIES), cycle(DASHES), strict=False):
            axes.plot(fpr, tpr, color=colour, linestyle=dash, linewidth=1.8, label=name.removeprefix(f"{dataset}/"))
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        legend(axes, title)

    return draw(paint, (4.2, 4.6 + 0.18 * len(lines)), f"roc picture {dataset}").replace("<svg", _NAMESPACES, 1)
