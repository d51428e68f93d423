"""Stored networks cut in two behind their last maps, as Grad-CAM needs them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LastMaps:
    """A network in two parts; together they say what the whole says.

    Attributes:
        front: (slices, rows, cols) int16 HU -> maps, (slices, down, across, channels) float32.
        logit: Those maps and the slices -> (slices,) log odds of "tampered", differentiable in the maps.
        first_px: Row and column of the centre of the first cell of the maps; None for maps whose cells fill the slice,
            whatever its size is.
        step_px: Between centres of neighbouring cells, down and across; None as `first_px`.
    """

    front: Callable[[NDArray[np.int16]], Any]
    logit: Callable[[Any, NDArray[np.int16]], Any]
    first_px: tuple[float, float] | None = None
    step_px: tuple[float, float] | None = None
