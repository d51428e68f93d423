"""Platt scaling of slice logits on the validation split."""

import numpy as np
from numpy.typing import NDArray

EDGE = 1e-6


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


def to_logit(p: NDArray[np.floating]) -> NDArray[np.floating]:
    """log(p / (1 - p)), with p kept within [1e-6, 1 - 1e-6]."""
    clipped = np.clip(p, EDGE, 1 - EDGE)
    logits: NDArray[np.floating] = np.log(clipped / (1 - clipped))
    return logits
