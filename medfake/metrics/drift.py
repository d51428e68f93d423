"""Have numbers or words another distribution than before? How sure that is, and how large the change.

Two questions, because neither answers the other: a test alone finds changes of no importance among many scans, and the
population stability index alone cries wolf among few (Yurdakul and Naranjo, "Statistical properties of the population
stability index", Journal of Risk Model Validation 2020). A statistic has drifted where both agree.

Scans count as if each were of another patient: nothing that is recorded says otherwise.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.metrics.scans import Floats

LITTLE: Final = 0.1
LARGE: Final = 0.25
"""PSI from which on a change is by convention moderate and large; below `LITTLE` it is none worth telling."""
FEWEST: Final = 20
"""Values of either sample from which on they are compared."""
MOST_BINS: Final = 10
_IN_A_BIN = 5  # values expected, so that the index of few values is not made of empty bins
_DRAWS = 9_999
_SEED = 1

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Shift:
    """How another sample differs from a first one.

    Attributes:
        psi: Population stability index; what chance alone makes of samples of this size is taken off, so that it is
            about 0, and may be below, where nothing changed.
        p_value: Two-sided, 0..1, that chance alone makes such a difference.
        distance: Kolmogorov and Smirnov's, 0..1; None for words.
    """

    psi: float
    p_value: float
    distance: float | None = None


def shift_of_numbers(before: Sequence[float] | Floats, now: Sequence[float] | Floats) -> Shift | None:
    """Compare numbers by the two-sample Kolmogorov-Smirnov test and by the PSI over quantiles of the first sample.

    Values that repeat, as slice thicknesses do, make the test err on the side of silence.

    Args:
        before: What the detector knows.
        now: What it is given.

    Returns:
        None where either has fewer than `FEWEST`.
    """
    from scipy.stats import ks_2samp

    first, second = (np.sort(np.asarray(values, np.float64)) for values in (before, now))
    if min(len(first), len(second)) < FEWEST:
        return None
    tested = ks_2samp(first, second)
    bins = min(MOST_BINS, min(len(first), len(second)) // _IN_A_BIN)
    inner = np.unique(np.quantile(first, np.arange(1, bins) / bins))
    counts = [np.bincount(np.searchsorted(inner, values, side="left"), minlength=len(inner) + 1)
              for values in (first, second)]  # fmt: skip
    return Shift(stability_index(*counts), float(tested.pvalue), float(tested.statistic))


def shift_of_words(before: Mapping[str, int], now: Mapping[str, int]) -> Shift | None:
    """Compare counts of words by Pearson's chi-squared under random exchange of the scans, and by the PSI.

    Args:
        before: Word -> scans of the first sample.
        now: Likewise of the second.

    Returns:
        None where either has fewer than `FEWEST` scans.
    """
    words = sorted(set(before) | set(now))
    first, second = (np.array([counts.get(one, 0) for one in words], np.int64) for counts in (before, now))
    if min(first.sum(), second.sum()) < FEWEST:
        return None
    if len(words) == 1:
        return Shift(0.0, 1.0)
    rng = np.random.default_rng(_SEED)
    drawn = rng.multivariate_hypergeometric(first + second, int(second.sum()), size=_DRAWS, method="marginals")
    found, by_chance = (_chi_squared(counts, first + second) for counts in (second[None, :], drawn))
    as_far = int(np.count_nonzero(by_chance >= found[0] * (1 - 1e-9)))
    return Shift(stability_index(first, second), (as_far + 1) / (_DRAWS + 1))


def stability_index(before: Counts, now: Counts) -> float:
    """Population stability index of counts over the same bins, less what chance alone makes of it.

    Where nothing changed the index is about (1/n + 1/m) times a chi-squared variable of bins - 1 degrees of freedom
    (Yurdakul and Naranjo 2020), whose mean is subtracted. Half a value is added to every bin, so that none is empty;
    bins that hold nothing of either count as none.

    Args:
        before: (bins,) of n values.
        now: (bins,) of m values.
    """
    n, m = int(before.sum()), int(now.sum())
    held = before + now > 0
    before, now = before[held], now[held]
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (before, now))
    return float(np.sum((q - p) * np.log(q / p)) - (len(before) - 1) * (1 / n + 1 / m))


def unseen(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Words that the first sample has not, with their counts in the second, most frequent first."""
    return dict(sorted(((one, n) for one, n in now.items() if one not in before), key=lambda pair: (-pair[1], pair[0])))


def expected_unseen(before: Mapping[str, int]) -> float:
    """Share of further scans that have a word which the sample lacks, where nothing changed (Good 1953, after Turing).

    It is the share of words that were seen once: 1 of 20 scans with a kernel of its own leaves room for others.
    """
    total = sum(before.values())
    return Counter(before.values())[1] / total if total else 1.0


def _chi_squared(second: Counts, both: Counts) -> Floats:
    """Of each row of counts, up to a factor that all rows share."""
    expected = both * (second.sum(axis=1, keepdims=True) / both.sum())
    value: Floats = np.sum((second - expected) ** 2 / both, axis=1)
    return value
