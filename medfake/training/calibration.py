"""Platt and temperature scaling of slice logits on the validation split; the test split fits nothing."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

EDGE: Final = 1e-6
"""Probabilities are clipped to [EDGE, 1 - EDGE] before the logit that calibration is fitted on: wider than in the score
of a scan, because here a saturated slice is told from a nearly saturated one."""

TEMPERATURE: Final = "temperature"
"""Key of a card's calibration."""
_HOTTEST: Final = 100.0
"""Logits are divided by no more, and multiplied by no more."""


def fit_platt(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> tuple[float, float]:
    """Fit sigmoid(a logit + b) by logistic regression (Platt 1999), lightly regularised.

    Args:
        logits: (slices,) of the validation split.
        labels: (slices,) 0 or 1, both present.

    Returns:
        a, kept positive so that calibration never turns the ranking round, and b.
    """
    from sklearn.linear_model import LogisticRegression

    scale = float(np.std(logits)) or 1.0
    model = LogisticRegression(C=1.0).fit((logits / scale).reshape(-1, 1), labels)
    a = float(model.coef_[0, 0]) / scale
    if a <= 0:  # the detector ranks validation slices no better than chance: leave its ranking alone
        return 1.0, -float(np.mean(logits))
    return a, float(model.intercept_[0])


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Fit the one number by which logits are divided: the lowest mean log loss (Guo et al. 2017, section 4.2).

    Targets are a little less than certain, the more so the fewer slices there are (Platt 1999, equation 12): a split
    that is told apart without a fault would have no finite temperature otherwise.

    Args:
        logits: (slices, 1) of a sigmoid or (slices, classes) of a softmax, of the validation split.
        labels: (slices,) class of each, from 0.

    Returns:
        1 / 100 to 100; 1 where only one class is there.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if len(np.unique(labels)) < 2:
        return 1.0
    scores = logits.astype(np.float64)
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    targets = _targets(labels, scores.shape[1])

    def loss(log_temperature: float) -> float:
        return float(-(targets * log_softmax(scores / np.exp(log_temperature), axis=1)).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=(-np.log(_HOTTEST), np.log(_HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def _targets(labels: NDArray[np.integer], classes: int) -> NDArray[np.float64]:
    """(slices, classes) what each should say: (n + 1) / (n + classes) of its own class of n slices."""
    counts = np.bincount(labels, minlength=classes)[labels]
    targets = np.repeat((1 / (counts + classes))[:, None], classes, axis=1)
    targets[np.arange(len(labels)), labels] = (counts + 1) / (counts + classes)
    return targets
