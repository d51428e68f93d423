"""The lungs and what lies between them; the negative space around is cut away."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from medfake.config import ViewParams
from medfake.datasets.views.registry import Cut, Place, view
from medfake.lungs import lungs_in_slice
from medfake.vocabulary import Modality

LEAST_LUNG = 0.01  # share of the slice; with less there is nothing to look at


class DelocalizedView(ViewParams, extra="forbid"):
    """The lungs alone, the space around them cut away (Solaiyappan and Wen, section 2)."""

    rows: int = Field(default=266, ge=16, description="px")
    cols: int = Field(default=340, ge=16, description="px")


@view("delocalized", DelocalizedView, modalities=(Modality.CT,))
class Delocalized:
    """Solaiyappan and Wen, section 3.2.1: slices cut down to the lungs, 266 x 340 px.

    The cut is centred on the lungs' bounding box and keeps the slice's pixels as they are; only lungs that do not fit
    are scaled down. Where the cut reaches beyond the slice there is air. Both classes are treated alike.
    """

    def __init__(self, params: DelocalizedView) -> None:
        self.rows, self.cols = params.rows, params.cols

    def places(self, kept: pd.DataFrame, _sites: pd.DataFrame, _seed: int) -> pd.DataFrame:
        """Every row, once; the pixels decide where."""
        return kept.assign(view_y=np.nan, view_x=np.nan)

    def shape(self, _rows: int, _cols: int) -> tuple[int, int]:
        """The same for every slice."""
        return self.rows, self.cols

    def cut(self, hu: NDArray[np.int16], place: Place) -> Cut | None:
        """The lungs; None for a slice with hardly any."""
        from scipy import ndimage

        lungs = lungs_in_slice(hu, place.spacing_mm)
        if lungs.mean() < LEAST_LUNG:
            return None
        found_y, found_x = np.nonzero(lungs)
        top, bottom, left, right = found_y.min(), found_y.max() + 1, found_x.min(), found_x.max() + 1
        scale = min(1.0, self.rows / (bottom - top), self.cols / (right - left))
        origin_y = round((top + bottom) / 2 - self.rows / 2 / scale)
        origin_x = round((left + right) / 2 - self.cols / 2 / scale)
        y, x = (np.arange(count) / scale + origin for count, origin in ((self.rows, origin_y), (self.cols, origin_x)))
        if scale == 1.0:
            pixels = np.full((self.rows, self.cols), -1024, np.int16)
            inside_y, inside_x = ((at >= 0) & (at < edge) for at, edge in zip((y, x), hu.shape, strict=True))
            pixels[np.ix_(inside_y, inside_x)] = hu[np.ix_(y[inside_y].astype(int), x[inside_x].astype(int))]
        else:
            grid = np.stack(np.meshgrid(y, x, indexing="ij"))
            taken = ndimage.map_coordinates(hu.astype(np.float32), grid, order=1, cval=-1024.0)
            pixels = np.rint(taken).astype(np.int16)
        return Cut(pixels, float(origin_y), float(origin_x), float(scale))
