"""Pearson's correlation of detectors' figures, and of a paper's (Alsabbagh and Al-Kadi, figures 5 and 6)."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from medfake.metrics.correlation import VECTOR, metric_vector, pearson_matrix
from medfake.reports.comparison import Comparison, Result
from medfake.reports.heat_map import heat_map
from medfake.reports.papers import read_table
from medfake.reports.parts import Drawing, Part, Section
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import metric_text

BEST: Final = 6
_PAPER: Final = "alsabbagh"
_WORTH: Final = (
    "Six figures of one confusion matrix and one curve hang together, so these numbers are high whatever detectors "
    "see; a low one says that two weigh precision and recall in another way, no more."
)

Vectors = Mapping[str, Sequence[float]]


@section("correlations", order=45)
def correlations(given: ReportInput) -> Section | None:
    """All detectors of a data set, its best on validation, and the paper's."""
    comparison = given.comparison
    drawings: list[Part] = []
    found: list[str] = []
    for name in comparison.datasets:
        vectors = _vectors(comparison.of(name))
        if len(vectors) < 2:
            continue
        found.append(f"{name}: {_least(vectors)}")
        drawings.append(_drawing(vectors, f"{name}: all detectors", f"pearson {name}"))
        best = [one for one in _best(comparison, name) if one in vectors]
        if len(best) < len(vectors):
            caption = f"{name}: the {len(best)} best by {metric_text(comparison.metric)} on validation"
            drawings.append(_drawing({one: vectors[one] for one in best}, caption, f"pearson best {name}"))
    if not found:
        return None
    beside = [one.published.paper for one in given.params.datasets.values() if one.published]
    if _PAPER in beside:
        drawings += _papers()
    how = "Vectors of accuracy, precision, recall, specificity, F1 and AUC of the test slices, mean over seeds."
    return Section(heading="Correlation of figures", nav="Correlation", parts=[*found, f"{how} {_WORTH}", *drawings])


def _vectors(results: Sequence[Result]) -> dict[str, Sequence[float]]:
    """Mean vector of each detector whose six metrics are defined, best first."""
    of: dict[str, list[tuple[float, ...]]] = {}
    for result in results:
        vector = metric_vector(result.slices.metrics.values())
        if vector is not None:
            of.setdefault(result.entry.detector, []).append(vector)
    return {name: np.mean(vectors, axis=0).tolist() for name, vectors in of.items()}


def _best(comparison: Comparison, dataset: str) -> list[str]:
    """Detectors with the highest figure on validation, their best seed counting."""
    figures: dict[str, float] = {}
    for result in comparison.of(dataset):
        value = result.val.values()[comparison.metric]
        if value is not None:
            figures[result.entry.detector] = max(value, figures.get(result.entry.detector, value))
    return sorted(figures, key=lambda name: (-figures[name], name))[:BEST]


def _papers() -> list[Part]:
    """Matrices of Tables 1 and 2 as printed, with the class real; the paper's own figures 5 and 6 are pictures."""
    all_13 = {row["model"]: _printed(row, "") for row in read_table("alsabbagh_table1")}
    best_6 = {row["model"]: _printed(row, "_mean") for row in read_table("alsabbagh_table2")}
    return [
        _drawing(all_13, "The paper's 13 networks, from its Table 1 (class real)", "pearson table 1"),
        _drawing(best_6, "The paper's best six, from the means of its Table 2 (class real)", "pearson table 2"),
    ]


def _printed(row: Mapping[str, str], suffix: str) -> Sequence[float]:
    return [float(row[f"{name}{suffix}"]) for name in VECTOR]


def _drawing(vectors: Vectors, caption: str, salt: str) -> Drawing:
    matrix = pearson_matrix(list(vectors.values()))
    return Drawing(
        svg=heat_map(list(vectors), matrix, salt),
        alt=f"Pearson correlation of six figures. {caption}. {_least(vectors)}",
        caption=f"{caption}.",
    )


def _least(vectors: Vectors) -> str:
    """Say which two are least alike."""
    names, matrix = list(vectors), pearson_matrix(list(vectors.values()))
    pairs = [(float(matrix[one, other]), one, other) for one, other in combinations(range(len(names)), 2)]
    defined = [pair for pair in pairs if not np.isnan(pair[0])]
    if not defined:
        return "no two of these detectors have figures that vary."
    value, one, other = min(defined)
    return f"least alike in their figures are {names[one]} and {names[other]} (r = {value:.2f})."
