"""Occlusion (Zeiler and Fergus 2014): what a detector says of a slice with one square after the other covered.

A square is covered with the mean of what surrounds it, so that neither its level nor a dark hole is what changes the
answer. It needs the ONNX graph alone and works for every package.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.config import OcclusionParams
from medfake.explain.heat_map import HeatMap
from medfake.explain.registry import Explain, ExplainedPackage, ShownSlice, explanation
from medfake.log_odds import logit
from medfake.package.scorer import RUN, Scorer
from medfake.training.calibration import EDGE

NAME: Final = "occlusion"


@dataclass(frozen=True)
class Squares:
    """Where squares lie; together they cover the whole slice.

    Attributes:
        edge: Rows and columns of a square, px.
        tops: First rows, ascending.
        lefts: First columns, ascending.
    """

    edge: tuple[int, int]
    tops: NDArray[np.intp]
    lefts: NDArray[np.intp]

    @property
    def count(self) -> int:
        """Covered copies that there will be."""
        return len(self.tops) * len(self.lefts)

    def __iter__(self) -> Iterator[tuple[slice, slice]]:
        for top in self.tops.tolist():
            for left in self.lefts.tolist():
                yield slice(top, top + self.edge[0]), slice(left, left + self.edge[1])


def squares_of(shape: tuple[int, int], spacing_mm: tuple[float, float], options: OcclusionParams) -> Squares:
    """Squares of the size that is wanted, or larger and farther apart where those would be too many.

    Args:
        shape: Rows and columns of the slice.
        spacing_mm: Between rows, between columns.
        options: Edge, step, and how many there may be.
    """
    wider = 1.0
    while True:
        step_mm = options.stride_mm * wider
        edge_mm = max(options.patch_mm, step_mm)
        step, edge = (
            tuple(min(size, max(1, round(mm / px_mm))) for size, px_mm in zip(shape, spacing_mm, strict=True))
            for mm in (step_mm, edge_mm)
        )
        tops, lefts = (_starts(*of_axis) for of_axis in zip(shape, edge, step, strict=True))
        found = Squares((edge[0], edge[1]), tops, lefts)
        if found.count <= options.copies:
            return found
        wider *= max(1.02, math.sqrt(found.count / options.copies))


def _starts(size: int, edge: int, step: int) -> NDArray[np.intp]:
    """Every `step` px, and one that ends where the slice does."""
    return np.unique([*range(0, size - edge, step), size - edge]).astype(np.intp)


@explanation(NAME, says="how far its log odds of tampering fall where a square is covered", rank=30)
def occlusion(package: ExplainedPackage) -> Explain:
    """Each pixel has the mean of what covering the squares that hold it did."""

    def explain(shown: ShownSlice) -> HeatMap:
        squares = squares_of((shown.hu.shape[0], shown.hu.shape[1]), shown.spacing_mm, package.occlusion)
        return HeatMap(_falls(package.scorer.scorer, shown.hu, squares))

    return explain


def _falls(scorer: Scorer, hu: NDArray[np.int16], squares: Squares) -> NDArray[np.float64]:
    """(rows, cols) mean fall of the log odds."""
    before = logit(scorer.score(hu[None]).p_tampered, EDGE)[0]
    filled = _surroundings(hu, squares.edge)
    changed = [one for one in squares if (hu[one] != _fill(filled, one)).any()]  # air on air changes nothing
    scored = scorer.score_each(_copies(hu, filled, changed))
    p = [float(one) for scores in scored for one in scores.p_tampered]
    total, covers = np.zeros(hu.shape), np.zeros(hu.shape)
    for one, after in zip(changed, logit(np.array(p), EDGE), strict=True):
        total[one] += before - after
    for one in squares:
        covers[one] += 1
    falls: NDArray[np.float64] = total / covers
    return falls


def _copies(
    hu: NDArray[np.int16], filled: NDArray[np.int16], squares: list[tuple[slice, slice]]
) -> Iterator[NDArray[np.int16]]:
    """Covered copies, a few at a time, so that memory holds no more."""
    for start in range(0, len(squares), RUN):
        some = squares[start : start + RUN]
        batch = np.repeat(hu[None], len(some), axis=0)
        for copy, one in zip(batch, some, strict=True):
            copy[one] = _fill(filled, one)
        yield batch


def _fill(filled: NDArray[np.int16], square: tuple[slice, slice]) -> np.int16:
    """Mean of what surrounds a square."""
    down, across = square
    return np.int16(filled[(down.start + down.stop) // 2, (across.start + across.stop) // 2])


def _surroundings(hu: NDArray[np.int16], edge: tuple[int, int]) -> NDArray[np.int16]:
    """Mean of the ring between a square around each pixel and one of twice its edge; mirrored beyond the border."""
    from scipy import ndimage

    values = hu.astype(np.float64)
    inner, outer = edge, (2 * edge[0], 2 * edge[1])
    whole, hole = (ndimage.uniform_filter(values, size) * math.prod(size) for size in (outer, inner))
    ring = (whole - hole) / (math.prod(outer) - math.prod(inner))
    means: NDArray[np.int16] = np.clip(np.rint(ring), hu.min(), hu.max()).astype(np.int16)
    return means
