"""Values without a unit of their own, brought to one range: robust percentiles of each slice.

MR has no unit: coil, gain and sequence set the scale, which differs between scanners, series and even the slices of
one. A radiograph has none either. Each slice is scaled by itself, not by its series: then a single file, a slice of a
stream and the same slice in its folder have the same values, and a missing or an added slice changes none of the
others. What that loses is how bright a slice is beside its neighbours. Linear rescaling of a slice, by Rescale Slope
and Intercept or by a maker's private elements, changes nothing, as percentiles follow it.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.errors import PixelDataError

LOW_PERCENT: Final = 0.5
HIGH_PERCENT: Final = 99.5
LOW: Final = -1000
HIGH: Final = 1000
BEYOND: Final = 250
"""Units beyond `LOW` and `HIGH` at which values are clipped: a clip of metal or a letter of lead says no more."""
DARKEST: Final = LOW - BEYOND


def normalise(values: NDArray[Any], padded: NDArray[np.bool_] | None, path: Path) -> NDArray[np.int16]:
    """Scale a slice linearly so that its 0.5th percentile is -1000 and its 99.5th 1000.

    Where more than 99 % of the pixels have one value, the darkest and the brightest take the percentiles' place.

    Args:
        values: (rows, cols), any number type.
        padded: (rows, cols), True where there are no data; such pixels are in no percentile. None for none.
        path: The file, for the message.

    Returns:
        (rows, cols) int16 within -1250..1250; padded pixels are -1250.

    Raises:
        PixelDataError: All pixels that hold data have one value, or none does.
    """
    shown = values if padded is None else values[~padded]
    if shown.size == 0:
        raise PixelDataError("the image is padding alone", where=path, remedy="leave it out")
    low, high = (float(end) for end in np.percentile(shown, (LOW_PERCENT, HIGH_PERCENT)))
    if not low < high:
        low, high = float(shown.min()), float(shown.max())
    if not low < high:
        raise PixelDataError(
            "the image shows nothing", where=path, received=f"the value {low:g} everywhere", remedy="leave it out"
        )
    scaled = values.astype(np.float64)  # changed in place: a radiograph has up to 26 million pixels
    scaled -= low
    scaled *= (HIGH - LOW) / (high - low)
    scaled += LOW
    units: NDArray[np.int16] = np.clip(np.rint(scaled, out=scaled), DARKEST, HIGH + BEYOND).astype(np.int16)
    if padded is not None:
        units[padded] = DARKEST
    return units
