"""Hounsfield units to grey values, for eyes; detectors never see these."""

import numpy as np
from numpy.typing import NDArray


def to_grey(hu: NDArray[np.int16], low: float = -1350.0, high: float = 150.0) -> NDArray[np.uint8]:
    """Map a window of Hounsfield units to 0..255 (linear, PS3.3 C.11.2.1.2).

    Args:
        hu: Any shape.
        low: HU shown black; the default is a lung window.
        high: HU shown white, above `low`.

    Returns:
        Same shape, uint8.
    """
    scaled = (hu.astype(np.float32) - low) * (255.0 / (high - low))
    grey: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return grey
