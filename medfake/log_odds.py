"""Log odds of probabilities, and back; the one logit of the house."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def logit(p: NDArray[Any] | float, clip: float) -> NDArray[np.float64]:
    """Log odds of probabilities kept within [clip, 1 - clip].

    Args:
        p: 0..1, any shape.
        clip: Distance that is kept from 0 and 1, above 0: at 1e-4 no logit is further out than 9.2, at 1e-6 than 13.8.

    Returns:
        float64 of the same shape.
    """
    clipped = np.clip(np.asarray(p, dtype=np.float64), clip, 1.0 - clip)
    odds: NDArray[np.float64] = np.log(clipped) - np.log1p(-clipped)
    return odds


def sigmoid(x: NDArray[Any] | float) -> NDArray[np.float64]:
    """Probability of log odds; float64 of the same shape."""
    p: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.asarray(x, dtype=np.float64)))
    return p
