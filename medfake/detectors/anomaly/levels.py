"""From distances to logits and to P(tampered), fitted on real slices alone.

Two marks say what a distance is worth as a logit, those of `medfake.detectors.dense.grid`: where usual places lie, and
where the strongest place of half of the real slices lies. The strongest place of a slice is a maximum, so that real
slices follow an extreme-value distribution, and its tail says how rare a score is.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.dense import grid

Floats = NDArray[np.floating[Any]]
LEAST_SLICES: Final = 3
"""Real ones without which nothing is known of a tail."""
_EULER: Final = 0.5772156649
_LEAST_SPREAD: Final = 0.05


def fit_level(maps: Sequence[tuple[Floats, Floats]]) -> tuple[float, float]:
    """What makes logits of log distances.

    Args:
        maps: Of real slices: (down, across) log distances, and 0 or 1 where a place counts, somewhere in each.

    Returns:
        Scale, above 0, and offset: the median place is at grid.UNTOUCHED, and the strongest place of the median slice,
        after smoothing, at grid.USUAL_LEVEL.
    """
    middle = float(np.median(np.concatenate([values[counts > 0] for values, counts in maps])))
    strongest = float(np.median([_strongest(values - middle, counts) for values, counts in maps]))
    scale = (grid.USUAL_LEVEL - grid.UNTOUCHED) / max(strongest, _LEAST_SPREAD)
    return scale, grid.UNTOUCHED - scale * middle


def _strongest(above: Floats, counts: Floats) -> float:
    """Highest of a map after smoothing with shrinkage, as `PlaneScores` does it."""
    from scipy.ndimage import convolve

    window = np.ones((grid.NEIGHBOURS, grid.NEIGHBOURS))
    total, number = (convolve(one, window, mode="constant") for one in (above * counts, counts))
    scores = total / (number + grid.SHRINKAGE * window.size)
    return float(scores[counts > 0].max())


def fit_tail(logits: NDArray[np.float64], false_alarms: float) -> tuple[float, float]:
    """Give a and b of P = sigmoid(a logit + b), from logits of real slices (Gumbel 1958: moments).

    Odds are the share of real slices that P = 0.5 may call tampered, over the share that score as high: both go down
    with the tail exp(-(logit - mu) / beta), so that a = 1 / beta.

    Args:
        logits: (slices,) of real ones, at least `LEAST_SLICES`.
        false_alarms: Share of real slices at or above P = 0.5, 0..1.

    Returns:
        a, above 0, and b.
    """
    beta = max(float(np.std(logits, ddof=1)) * np.sqrt(6) / np.pi, _LEAST_SPREAD)
    mu = float(np.mean(logits)) - _EULER * beta
    at_half = mu - beta * np.log(-np.log1p(-false_alarms))
    return 1 / beta, -at_half / beta
