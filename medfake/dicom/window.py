"""Hounsfield and normalised units to grey values, for eyes; detectors never see these."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.normalised import HIGH, LOW
from medfake.vocabulary import Modality

LUNG_WINDOW: Final = (-1350.0, 150.0)
WHOLE_RANGE: Final = (float(LOW), float(HIGH))


def grey_of(values: NDArray[np.int16], modality: Modality) -> NDArray[np.uint8]:
    """A slice as it is usually shown: CT through a lung window, others by their whole range.

    Args:
        values: Any shape, in the units of the modality.
        modality: What made them.

    Returns:
        Same shape, uint8.
    """
    return to_grey(values, *(LUNG_WINDOW if modality is Modality.CT else WHOLE_RANGE))


def to_grey(hu: NDArray[np.int16], low: float = LUNG_WINDOW[0], high: float = LUNG_WINDOW[1]) -> NDArray[np.uint8]:
    """Map a window of units to 0..255 (linear, PS3.3 C.11.2.1.2).

    Args:
        hu: Any shape.
        low: Units shown black; the default is a lung window in HU.
        high: Units shown white, above `low`.

    Returns:
        Same shape, uint8.
    """
    scaled = (hu.astype(np.float32) - low) * (255.0 / (high - low))
    grey: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return grey
