"""How far apart tampered and real slices lie in an embedding, beside what chance gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.metrics.scans import Floats
from medfake.metrics.swapped_labels import swap_labels

NEIGHBOURS: Final = 10
PERMUTATIONS: Final = 100
_HIGH: Final = 0.95  # share of permutations that stay below

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """One measure of separability.

    Attributes:
        value: None where one class is missing, or where all slices lie at one place.
        chance: Its mean over labels that were swapped between scans; None with `value`.
        high: 95 % of these stay below.
    """

    value: float | None
    chance: float | None = None
    high: float | None = None

    @property
    def beyond_chance(self) -> bool:
        """Whether it is higher than nearly all that swapped labels give."""
        return self.value is not None and self.high is not None and self.value > self.high


@dataclass(frozen=True)
class Separability:
    """Of two classes in an embedding.

    Attributes:
        silhouette: Mean silhouette coefficient, Euclidean, -1..1 (Rousseeuw 1987).
        fisher_ratio: Scatter between the classes' means over scatter within them, traces, >= 0 (Fisher 1936).
        purity: Share of the `NEIGHBOURS` nearest slices of other patients that are of the same class, 0..1.
    """

    silhouette: Score
    fisher_ratio: Score
    purity: Score


def measure_separability(
    embedding: NDArray[np.floating], rows: pd.DataFrame, seed: int, permutations: int = PERMUTATIONS
) -> Separability:
    """Measure an embedding.

    Args:
        embedding: (slices, width) finite.
        rows: Of the same slices: label, scan_id, patient_id.
        seed: Of the swapped labels.
        permutations: How often labels are swapped.
    """
    from sklearn.metrics import pairwise_distances

    label = rows["label"].to_numpy(dtype=np.int64)
    points = embedding.astype(np.float64)
    if len(set(label.tolist())) < 2 or not points.std(axis=0).any():
        return Separability(Score(None), Score(None), Score(None))
    distances: Floats = pairwise_distances(points)
    rng = np.random.default_rng(seed)
    swapped = [swap_labels(rows, rng) for _ in range(permutations)]
    near = _nearest_of_others(distances, rows["patient_id"].to_numpy(dtype=str))

    def score(measure: Callable[[Labels], float | None]) -> Score:
        by_chance = [value for labels in swapped if (value := measure(labels)) is not None]
        value = measure(label)
        if value is None or not by_chance:
            return Score(value)
        return Score(value, float(np.mean(by_chance)), float(np.quantile(by_chance, _HIGH)))

    return Separability(
        silhouette=score(lambda labels: _silhouette(distances, labels)),
        fisher_ratio=score(lambda labels: _fisher_ratio(points, labels)),
        purity=score(lambda labels: _purity(near, labels)),
    )


def _silhouette(distances: Floats, labels: Labels) -> float | None:
    from sklearn.metrics import silhouette_score

    if not 2 <= len(set(labels.tolist())) < len(labels):
        return None
    return float(silhouette_score(distances, labels, metric="precomputed"))


def _fisher_ratio(points: Floats, labels: Labels) -> float | None:
    classes = [points[labels == label] for label in sorted(set(labels.tolist()))]
    if len(classes) < 2:
        return None
    mean = points.mean(axis=0)
    between = sum(len(own) * ((own.mean(axis=0) - mean) ** 2).sum() for own in classes)
    within = sum(((own - own.mean(axis=0)) ** 2).sum() for own in classes)
    return float(between / within) if within > 0 else None


def _nearest_of_others(distances: Floats, patients: NDArray[np.str_]) -> NDArray[np.intp] | None:
    """(slices, neighbours) the nearest slices of other patients; None where there are none."""
    apart = np.where(patients[:, None] == patients[None, :], np.inf, distances)
    count = min(NEIGHBOURS, int(np.isfinite(apart).sum(axis=1).min()))
    return np.argsort(apart, axis=1, kind="stable")[:, :count] if count else None


def _purity(near: NDArray[np.intp] | None, labels: Labels) -> float | None:
    return None if near is None else float((labels[near] == labels[:, None]).mean())
