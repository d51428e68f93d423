"""Platt scaling of slice logits on the validation split."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

EDGE: Final = 1e-6
"""Probabilities are clipped to [EDGE, 1 - EDGE] before the logit that calibration is fitted on: wider than in the score
of a scan, because here a saturated slice is told from a nearly saturated one."""


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
