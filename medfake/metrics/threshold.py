"""Where a score becomes a verdict. Validation chooses, or params do; the test split is never looked at."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from medfake.config import FixedThreshold
from medfake.log_odds import logit, sigmoid
from medfake.metrics.scans import Floats
from medfake.package.strongest_run import P_MIN
from medfake.vocabulary import Split

if TYPE_CHECKING:
    import pandas as pd

YOUDEN: Final = "youden: highest balanced accuracy on validation slices"
FIXED: Final = "fixed at 0.5: no cut of the validation slices beats chance"
AS_ASKED: Final = "fixed by evaluation.threshold in params.yaml"
BAND: Final = "band: at most 5 % of validation scans on the wrong side of either threshold"
AROUND: Final = "fixed: one logit on either side of the slice threshold, as validation has scans of one class only"

_ERROR_RATE: Final = 0.05
_LOGIT_BEYOND: Final = 10.0  # further out than the logit of any clipped probability
_SAME: Final = 1e-12


@dataclass(frozen=True)
class SliceThreshold:
    """A slice is tampered from `value` on.

    Attributes:
        value: 0..1.
        rule: How it was chosen, in words.
        balanced_accuracy: What it reaches on validation; None when validation has one class only.
        tampered: Validation slices of that class.
        real: Validation slices of that class.
    """

    value: float
    rule: str
    balanced_accuracy: float | None
    tampered: int
    real: int


@dataclass(frozen=True)
class ScanThresholds:
    """A scan is tampered from `high` on and not tampered below `low`; between them it is uncertain.

    Attributes:
        low: 0..1.
        high: 0..1, above `low`.
        rule: How they were chosen, in words.
        tampered: Validation scans of that class.
        real: Validation scans of that class.
    """

    low: float
    high: float
    rule: str
    tampered: int
    real: int


def choose_slice_threshold(
    predictions: "pd.DataFrame", rule: Literal["youden"] | FixedThreshold = "youden"
) -> SliceThreshold:
    """Choose the cut with the highest balanced accuracy (Youden's J) on the validation slices, unless it is given.

    Of several equally good cuts it takes the middle of the widest gap between scores, then the lowest.

    Args:
        predictions: One run's rows; only those of the validation split are read.
        rule: Of the study.

    Returns:
        The threshold; 0.5 when validation lacks a class or no cut beats chance, and the rule says so.
    """
    val = predictions[predictions["split"] == Split.VAL]
    tampered = val["label"].to_numpy() == 1
    p = val["p_tampered"].to_numpy(dtype=np.float64)
    n_tampered, n_real = int(tampered.sum()), int((~tampered).sum())
    both = n_tampered > 0 and n_real > 0
    if isinstance(rule, FixedThreshold):
        reached = (np.mean(p[tampered] >= rule.fixed) + np.mean(p[~tampered] < rule.fixed)) / 2 if both else None
        return SliceThreshold(rule.fixed, AS_ASKED, None if reached is None else float(reached), n_tampered, n_real)
    if not both:
        return SliceThreshold(0.5, FIXED, None, n_tampered, n_real)
    scores = np.unique(p)
    below = np.searchsorted(scores, p)
    hits = n_tampered - np.cumsum(np.bincount(below[tampered], minlength=len(scores)))
    passes = np.cumsum(np.bincount(below[~tampered], minlength=len(scores)))
    balanced = (hits[:-1] / n_tampered + passes[:-1] / n_real) / 2
    if len(balanced) == 0 or balanced.max() <= 0.5 + _SAME:
        return SliceThreshold(0.5, FIXED, 0.5, n_tampered, n_real)
    best = balanced >= balanced.max() - _SAME
    cut = int(np.argmax(np.where(best, np.diff(scores), -1.0)))
    return SliceThreshold(float(scores[cut] + scores[cut + 1]) / 2, YOUDEN, float(balanced[cut]), n_tampered, n_real)


def choose_scan_thresholds(scans: "pd.DataFrame", slice_threshold: float) -> ScanThresholds:
    """Choose the two thresholds around the uncertain band on the validation scans.

    `high` is the lowest cut that at most 5 % of the real scans reach, `low` the highest cut that at most 5 % of the
    tampered scans stay below (with fewer than 20 scans of a class: none). Where the classes overlap, the band is
    the overlap. Where they do not, both cuts are the middle of the gap; the band is then the middle third of that
    gap, in logits. So two scans of each class are enough, and few scans make a wide band rather than a bold verdict.

    Args:
        scans: `scan_table` of one run; only rows of the validation split are read.
        slice_threshold: Centre of the band when validation has scans of one class only.
    """
    val = scans[scans["split"] == Split.VAL]
    tampered = val["label"].to_numpy() == 1
    x = logit(val["p_tampered"].to_numpy(), P_MIN)
    n_tampered, n_real = int(tampered.sum()), int((~tampered).sum())
    if n_tampered == 0 or n_real == 0:
        centre = float(logit(slice_threshold, P_MIN))
        return _thresholds(centre - 1.0, centre + 1.0, AROUND, n_tampered, n_real)
    cuts = _cuts(x)
    high = cuts[np.array([np.mean(x[~tampered] >= cut) for cut in cuts]) <= _ERROR_RATE].min()
    low = cuts[np.array([np.mean(x[tampered] < cut) for cut in cuts]) <= _ERROR_RATE].max()
    low, high = sorted((float(low), float(high)))
    if high - low < _SAME:
        below, above = x[x < low].max(initial=-_LOGIT_BEYOND), x[x >= high].min(initial=_LOGIT_BEYOND)
        low, high = below + (above - below) / 3, above - (above - below) / 3
    return _thresholds(low, high, BAND, n_tampered, n_real)


def _cuts(x: Floats) -> Floats:
    """Midpoints between scores, and one beyond either end."""
    edges = np.concatenate([[-_LOGIT_BEYOND], np.unique(x), [_LOGIT_BEYOND]])
    cuts: Floats = (edges[:-1] + edges[1:]) / 2
    return cuts


def _thresholds(low: float, high: float, rule: str, tampered: int, real: int) -> ScanThresholds:
    edges: NDArray[Any] = sigmoid(np.array([low, high]))
    return ScanThresholds(float(edges[0]), float(edges[1]), rule, tampered, real)
