"""How far samples are from real slices, on features that are here: KID, FID, and what was learnt by heart."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.random import default_rng

from medfake.generators.features import Features

_COMPONENTS: Final = 32
"""Of FID: a covariance of all features would need thousands of slices."""
_HALVINGS: Final = 10
_CLOSE: Final = 0.05
"""Share of real slices that count as close to a slice of another patient."""


@dataclass(frozen=True)
class Nearest:
    """How near slices are to slices that were learnt from, in deviations of a feature.

    Attributes:
        generated: Median over generated slices of the distance to the nearest learnt one.
        real: Median over learnt slices of the distance to the nearest one of another patient; None for one patient.
        closer: Share of generated slices that are nearer to a learnt one than 95 % of the real ones are to a slice of
            another patient; about 0.05 where nothing was learnt by heart. None for one patient.
    """

    generated: float
    real: float | None
    closer: float | None


class Judge:
    """Knows real slices, and tells how far others are from them.

    Features are centred on the slices that were learnt from, and divided by their mean deviation, one number for all:
    parts of the image that show air in every slice would count beyond measure if each were divided by its own.

    Attributes:
        floor: KID between two halves of the patients that were learnt from, mean over ten halvings; None for fewer than
            four patients.
    """

    def __init__(self, learnt: Features, patients: Any, held_out: Features, seed: int) -> None:
        """Look at the real slices.

        Args:
            learnt: Features of the slices that were learnt from.
            patients: Pseudonym of the patient of each of them.
            held_out: Of slices that distances are measured to, of other patients.
            seed: Of the halvings.
        """
        self._mean, self._deviation = learnt.mean(axis=0), max(float(np.sqrt(learnt.var(axis=0).mean())), 1e-9)
        self._learnt, self._held_out = self._standardised(learnt), self._standardised(held_out)
        self._patients = np.asarray(patients)
        centred = self._learnt - self._learnt.mean(axis=0)
        self._axes = np.linalg.svd(centred, full_matrices=False)[2][:_COMPONENTS].T
        self.floor = self._floor(seed)

    def kid(self, samples: Features) -> float:
        """Kernel distance to the held-out slices; may be below 0 by chance, as the estimate is unbiased."""
        return kernel_distance(self._standardised(samples), self._held_out)

    def fid(self, samples: Features) -> float:
        """Fréchet distance to the held-out slices on the first 32 principal components (Heusel et al. 2017)."""
        return frechet_distance(self._standardised(samples) @ self._axes, self._held_out @ self._axes)

    def spread(self, samples: Features) -> float:
        """Mean distance between two samples as a share of that between two held-out slices; 0 where all are alike."""
        return _mean_distance(self._standardised(samples)) / max(_mean_distance(self._held_out), 1e-12)

    def nearest(self, samples: Features) -> Nearest:
        """Whether samples are copies of slices that were learnt from."""
        to_learnt = _distances(self._standardised(samples), self._learnt).min(axis=1)
        if len(set(self._patients.tolist())) < 2:
            return Nearest(float(np.median(to_learnt)), None, None)
        among = _distances(self._learnt, self._learnt)
        among[self._patients[:, None] == self._patients[None]] = np.inf
        to_others = among.min(axis=1)
        closer = float((to_learnt < np.quantile(to_others, _CLOSE)).mean())
        return Nearest(float(np.median(to_learnt)), float(np.median(to_others)), closer)

    def _standardised(self, features: Features) -> Features:
        return np.asarray((features - self._mean) / self._deviation, np.float64)

    def _floor(self, seed: int) -> float | None:
        names = np.unique(self._patients)
        if len(names) < 4:
            return None
        found = []
        for number in range(_HALVINGS):
            half = np.isin(self._patients, default_rng([seed, number]).permutation(names)[: len(names) // 2])
            if min(half.sum(), (~half).sum()) > 1:
                found.append(kernel_distance(self._learnt[half], self._learnt[~half]))
        return float(np.mean(found)) if found else None


def kernel_distance(one: Features, other: Features) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3 (Binkowski et al. 2018, KID).

    Args:
        one: (n, d), n > 1.
        other: (m, d), m > 1.
    """
    count, further = len(one), len(other)
    within, beyond, between = _kernel(one, one), _kernel(other, other), _kernel(one, other)
    first = (within.sum() - np.trace(within)) / (count * (count - 1))
    second = (beyond.sum() - np.trace(beyond)) / (further * (further - 1))
    return float(first + second - 2.0 * between.mean())


def frechet_distance(one: Features, other: Features) -> float:
    """Squared Fréchet distance of two normal distributions fitted to rows (Heusel et al. 2017, FID).

    Args:
        one: (n, d), n > 1.
        other: (m, d), m > 1.
    """
    means = one.mean(axis=0) - other.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (one, other))
    values = np.linalg.eigvals(first @ second)
    root = np.sqrt(np.clip(values.real, 0.0, None)).sum()
    return float(means @ means + np.trace(first) + np.trace(second) - 2.0 * root)


def _kernel(one: Features, other: Features) -> Features:
    return np.asarray((one @ other.T / one.shape[1] + 1.0) ** 3, np.float64)


def _mean_distance(rows: Features) -> float:
    return float(_distances(rows, rows).sum() / (len(rows) * (len(rows) - 1)))


def _distances(one: Features, other: Features) -> Features:
    """(n, m) Euclidean distances."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(one, other), np.float64)
