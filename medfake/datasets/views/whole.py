"""The slice as it was taken."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.config import ViewParams
from medfake.datasets.views.registry import Cut, Place, view


@view("whole", whole=True)
class Whole:
    """Nothing is cut away."""

    def __init__(self, _: ViewParams) -> None:
        pass

    def places(self, kept: pd.DataFrame, _sites: pd.DataFrame, _seed: int) -> pd.DataFrame:
        """Every row, once."""
        return kept.assign(view_y=np.nan, view_x=np.nan)

    def shape(self, rows: int, cols: int) -> tuple[int, int]:
        """As it is."""
        return rows, cols

    def cut(self, hu: NDArray[np.int16], _: Place) -> Cut:
        """As it is."""
        return Cut(hu)
