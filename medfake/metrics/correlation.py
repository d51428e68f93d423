"""How alike detectors are in their figures: Pearson's correlation (Alsabbagh and Al-Kadi, equation 2)."""

from collections.abc import Mapping, Sequence

import numpy as np

from medfake.metrics.binary import PAPER_METRICS
from medfake.metrics.scans import Floats

VECTOR = PAPER_METRICS
"""Metrics of a vector, in the paper's order."""


def metric_vector(metrics: Mapping[str, float | None]) -> tuple[float, ...] | None:
    """The six metrics of one detector; None where one is undefined."""
    values = [metrics.get(name) for name in VECTOR]
    return None if None in values else tuple(value for value in values if value is not None)


def pearson_matrix(vectors: Sequence[Sequence[float]]) -> Floats:
    """Correlation of every two vectors.

    Args:
        vectors: (detectors, metrics), at least two metrics.

    Returns:
        (detectors, detectors), -1..1; NaN where a vector does not vary, as its correlation is undefined.
    """
    table = np.asarray(vectors, dtype=np.float64)
    centred = table - table.mean(axis=1, keepdims=True)
    lengths = np.sqrt((centred**2).sum(axis=1))
    lengths = np.where(lengths > 1e-12, lengths, np.nan)  # what rounding leaves of a constant is no variation
    matrix: Floats = np.clip(centred @ centred.T / np.outer(lengths, lengths), -1.0, 1.0)
    return matrix
