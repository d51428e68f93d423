"""What stands between int16 slices and the table that a classical model is fitted on, and how a graph says the same."""

from abc import ABC, abstractmethod
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset

FLAT: Final = "flat"
"""Output of a front's graph: (slices, columns) float32."""

Table = NDArray[np.float32]


class Front(ABC):
    """Slices as rows of a table."""

    @abstractmethod
    def of(self, slices: NDArray[np.int16]) -> Table:
        """(slices, rows, cols) int16 HU -> (slices, columns) float32."""

    @abstractmethod
    def table(self, dataset: Dataset, rows: pd.DataFrame) -> Table:
        """The same of rows of the manifest, read batch by batch, so that no more than the result is held in memory."""

    @abstractmethod
    def graph(self) -> Any:
        """onnx.ModelProto that says the same: `hu` -> `flat`, and site_y and site_x where it names places."""
