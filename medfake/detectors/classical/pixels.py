"""Slices as rows of pixels."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.front import FLAT, Front, Table
from medfake.errors import TrainingError
from medfake.package.onnx_nodes import Nodes, as_model, whole
from medfake.package.scorer import INPUT

UNIT_HU: Final = np.float32(1000)
_BATCH: Final = 64  # slices converted at once


@dataclass(frozen=True)
class PixelFront(Front):
    """Pixels in 1000 HU, averaged over squares; a rest at the border is left out.

    Attributes:
        pool: Edge of the squares in px.
        size: Rows and columns of every slice.
    """

    pool: int
    size: tuple[int, int]

    def of(self, slices: NDArray[np.int16]) -> Table:
        """(slices, rows, cols) HU -> (slices, pixels) float32 in 1000 HU."""
        count, rows, cols = slices.shape
        pool = self.pool
        cut = slices[:, : rows // pool * pool, : cols // pool * pool].astype(np.float32)
        squares = cut.reshape(count, rows // pool, pool, cols // pool, pool)
        means: Table = squares.mean(axis=(2, 4), dtype=np.float32).reshape(count, -1)
        return means / UNIT_HU

    def table(self, dataset: Dataset, rows: pd.DataFrame) -> Table:
        """(len(rows), pixels) float32 in 1000 HU."""
        height, width = self.size
        table = np.empty((len(rows), height // self.pool * (width // self.pool)), np.float32)
        done = 0
        for slices in dataset.batches(rows, _BATCH):
            table[done : done + len(slices)] = self.of(slices)
            done += len(slices)
        return table

    def graph(self) -> Any:
        """`hu` (slices, rows, cols) int16 of one size -> `flat` (slices, pixels) float32."""
        nodes, pool = Nodes(), [self.pool, self.pool]
        image = nodes("Unsqueeze", nodes("Cast", INPUT, to=1), whole(1))
        scaled = nodes("Div", nodes("AveragePool", image, kernel_shape=pool, strides=pool), float(UNIT_HU))
        nodes.named(FLAT, nodes("Flatten", scaled, axis=1))
        return as_model("pixels", nodes, {FLAT: 2}, self.size)


def pixel_front(pool: int, dataset: Dataset, detector: str) -> PixelFront:
    """The front for a data set.

    Raises:
        TrainingError: Slices differ in size, so that no model on raw pixels can take them.
    """
    sizes = {(int(r), int(c)) for r, c in zip(dataset.manifest.rows, dataset.manifest.cols, strict=True)}
    if len(sizes) != 1:
        raise TrainingError(
            f"{detector} works on raw pixels and needs slices of one size", where=dataset.name, received=sorted(sizes),
            remedy="leave it out of train.detectors for this data set",
        )  # fmt: skip
    return PixelFront(pool, sizes.pop())
