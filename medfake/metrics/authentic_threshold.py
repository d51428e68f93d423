"""The threshold that at most a wanted share of authentic patients reaches, whatever the scores are distributed like.

A new score is equally likely to fall into any of the n + 1 gaps that n independent ones leave. So it reaches
a threshold just above the k-th smallest with a probability of at most (n + 1 - k) / (n + 1), and over all sets of n
patients the true share beyond it follows Beta(n + 1 - k, k): Wilks, Determination of Sample Sizes for Setting Tolerance
Limits, 1941. Scores that are equal can only make it smaller.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from medfake.metrics.intervals import Interval
from medfake.metrics.scans import Floats

CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class AuthenticThreshold:
    """A threshold, and which share of authentic patients reaches it.

    Attributes:
        value: The float behind the score that it stands on; above 1 where that score is 1.
        reached: Of the patients that it was chosen on, how many have at least this score.
        expected: Share of new patients that reaches it, on average over all sets of so many patients; at most the
            wanted share.
        interval: Where the true share lies in `confidence` of all such sets.
        confidence: 0..1.
    """

    value: float
    reached: int
    expected: float
    interval: Interval
    confidence: float


def fewest_for_rate(rate: float) -> int:
    """How many patients it takes to choose a threshold that at most this share of them reaches: 19 for 0.05.

    Args:
        rate: 0..1, both excluded.
    """
    return math.ceil(1 / _exact(rate) - 1)


def least_rate_of(patients: int) -> float:
    """The smallest share that so many patients can give: 1 / 20 of 19."""
    return 1 / (patients + 1)


def threshold_at_rate(scores: Floats, rate: float, confidence: float = CONFIDENCE) -> AuthenticThreshold:
    """Choose the lowest threshold that at most this share of authentic patients is expected to reach.

    Args:
        scores: (patients,) of independent authentic patients, 0..1, one each.
        rate: Wanted share, 0..1, both excluded.
        confidence: Of the interval.

    Raises:
        ValueError: There are fewer patients than `fewest_for_rate`.

    Example:
        >>> import numpy as np
        >>> chosen = threshold_at_rate(np.arange(19) / 100, 0.05)
        >>> round(chosen.value, 6), chosen.reached, chosen.expected
        (0.18, 0, 0.05)
        >>> round(chosen.interval.low, 4), round(chosen.interval.high, 4)
        (0.0013, 0.1765)
    """
    from scipy.stats import beta

    count = len(scores)
    beyond = math.floor((count + 1) * _exact(rate))
    if beyond < 1:
        raise ValueError(f"{rate=} takes {fewest_for_rate(rate)} patients, received {count}")
    order = count + 1 - beyond
    value = float(np.nextafter(np.sort(scores)[order - 1], np.inf))
    tail = (1 - confidence) / 2
    low, high = beta.ppf([tail, 1 - tail], beyond, order)
    return AuthenticThreshold(
        value=value,
        reached=int(np.count_nonzero(scores >= value)),
        expected=beyond / (count + 1),
        interval=Interval(float(low), float(high)),
        confidence=confidence,
    )


def _exact(rate: float) -> Fraction:
    """The decimal that was typed: as floats, 20 x 0.05 and 1 - 0.05 are rounded, and a patient more or less counts."""
    return Fraction(str(rate))
