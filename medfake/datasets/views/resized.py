"""The whole slice with fewer pixels, each the mean of those that it stands for."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from medfake.config import ViewParams
from medfake.datasets.views.registry import Cut, Place, view
from medfake.dicom.normalised import DARKEST
from medfake.dicom.reader import AIR_HU
from medfake.vocabulary import Units

_EMPTY = {Units.HU: AIR_HU, Units.NORMALISED: DARKEST}


class ResizedView(ViewParams, extra="forbid"):
    """The whole slice as a square of so many pixels."""

    size: int = Field(default=128, ge=16, description="edge in px")


@view("resized", ResizedView, whole=True)
class Resized:
    """The whole slice, area-averaged to a square: no pixel of the slice counts more than another, and none is skipped.

    What is no square is padded on its shorter sides first, with air or the darkest value of its modality, so that
    nothing is stretched. A slice with fewer pixels than the square has nothing for this view: pixels are not made up.
    """

    def __init__(self, params: ResizedView) -> None:
        self.size = params.size

    def places(self, kept: pd.DataFrame, _sites: pd.DataFrame, _seed: int) -> pd.DataFrame:
        """Every row, once."""
        return kept.assign(view_y=np.nan, view_x=np.nan)

    def shape(self, _rows: int, _cols: int) -> tuple[int, int]:
        """The same for every slice."""
        return self.size, self.size

    def cut(self, hu: NDArray[np.int16], place: Place) -> Cut | None:
        """The averaged slice, which a slice of the wanted size is already; None for a smaller one."""
        edge = max(hu.shape)
        if edge < self.size:
            return None
        missing = [edge - length for length in hu.shape]
        empty = _EMPTY[place.modality.units]
        square = np.pad(hu, [(more // 2, more - more // 2) for more in missing], constant_values=empty)
        mean = _shares(edge, self.size)
        scale = self.size / edge
        first_centre = 0.5 / scale - 0.5  # stored pixel 0 is the mean of an area that has its centre here
        origin_y, origin_x = (first_centre - more // 2 for more in missing)
        pixels = np.rint(mean @ square.astype(np.float64) @ mean.T).astype(np.int16)
        return Cut(pixels, origin_y, origin_x, scale)


def _shares(taken: int, stored: int) -> NDArray[np.float64]:
    """(stored, taken): which share of each stored pixel's area a taken pixel covers, along one axis."""
    ends = np.arange(stored + 1) * (taken / stored)
    left = np.arange(taken)
    covered = np.minimum(ends[1:, None], left + 1) - np.maximum(ends[:-1, None], left)
    shares: NDArray[np.float64] = np.clip(covered, 0.0, None) * (stored / taken)
    return shares
