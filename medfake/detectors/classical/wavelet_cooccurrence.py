"""WaveletCooccurrenceSVM: a support vector machine finds blocks whose wavelet coefficients go together otherwise.

The machine is a plane in the statistics of `wavelet_blocks`, learnt from blocks around sites and blocks far from any;
what it says of the blocks of a slice makes the slice's score, and its strongest block the place.
"""

from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from medfake.config import Positive
from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.front import FLAT
from medfake.detectors.classical.graph import SITE_OUTPUTS
from medfake.detectors.classical.graph_front import GraphFront, GraphOptions, run_graph
from medfake.detectors.classical.wavelet_blocks import STATISTICS, add_blocks
from medfake.detectors.grid_search import Fold
from medfake.detectors.registry import detector
from medfake.errors import TrainingError
from medfake.package.onnx_nodes import Nodes, as_model, whole

STRONGEST: Final = 4
"""Blocks of a slice whose mean is its score."""

_NEAR_MM = 10.0  # of a site: a block there shows what was manipulated
_FAR_MM = 40.0  # a cube reaches 16 mm, a block 15 mm
_UNTOUCHED_BLOCKS = 60  # of a slice, drawn at random
_ITERATIONS = 20_000


class WaveletCooccurrenceOptions(GraphOptions):
    """Co-occurrences of wavelet coefficients of blocks, and a linear support vector machine that judges blocks.

    Attributes:
        block_px: Edge of a block; the next one begins half a block further.
        c: Inverse strength of the machine's regularisation.
    """

    of_front = frozenset({"block_px", "c"})

    block_px: int = Field(default=32, ge=16, le=48, multiple_of=4)
    c: Positive = 0.01

    def columns(self, rows: int, cols: int) -> int:
        """One number that sums up the blocks."""
        del rows, cols
        return 1

    def write_front(self, dataset: Dataset, learnt: pd.DataFrame, seed: int) -> GraphFront:
        """Learn the plane, and write it behind the statistics of blocks.

        Of the slices themselves planes speak that were learnt from other patients: they score those that a plane has
        seen too well, and a probability would be learnt that is too sure of the slices of others.
        """
        blocks, labels, owners = Blocks(self.block_px).drawn(dataset, learnt, np.random.default_rng(seed))
        front = write_front(self.block_px, *fit_plane(blocks, labels, self.c, dataset.name))
        for fold in self._folds(learnt, seed):
            seen = np.isin(owners, fold.learnt)
            if len(np.unique(labels[seen])) < 2:  # the others show no site: nobody but the plane itself can speak
                continue
            plane = fit_plane(blocks[seen], labels[seen], self.c, dataset.name)
            held_out = learnt.iloc[fold.held_out]
            said = write_front(self.block_px, *plane).table(dataset, held_out)
            front.known.update(zip(zip(held_out.shard, held_out.row.astype(int), strict=True), said, strict=True))
        return front

    def _folds(self, rows: pd.DataFrame, seed: int) -> list[Fold]:
        """Of patients, whichever classes they show; none where there is but one."""
        from sklearn.model_selection import GroupKFold

        count = min(self.folds, rows.patient_id.nunique())
        splitter = GroupKFold(count, shuffle=True, random_state=seed) if count > 1 else None
        return [Fold(*both) for both in splitter.split(rows, groups=rows.patient_id)] if splitter else []


@detector("WaveletCooccurrenceSVM", family="classical", options=WaveletCooccurrenceOptions, localises=True)
def build_wavelet_cooccurrence_svm(options: WaveletCooccurrenceOptions, seed: int) -> Any:
    """Turns (slices, 1) float32, what the machine says of the strongest blocks, into a probability."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    del options
    return make_pipeline(StandardScaler(), LogisticRegression(random_state=seed))


def write_front(block_px: int, plane: NDArray[np.float32], offset: float) -> GraphFront:
    """Write the graph from slices to one number and the strongest block.

    Args:
        block_px: Edge of a block.
        plane: (42,) of the machine.
        offset: Of the machine.

    Returns:
        `hu` -> (slices, 1): the machine's distance of the four strongest blocks that count, on average; and the middle
        of the strongest, px.
    """
    nodes = Nodes()
    statistics, counts = add_blocks(nodes, block_px)
    across = nodes("Slice", nodes("Shape", counts), whole(3), whole(4))
    flat = nodes("Reshape", statistics, whole(0, STATISTICS, -1))
    distance = nodes("Squeeze", nodes("MatMul", plane.reshape(1, 1, -1), flat), whole(1))
    distance = nodes("Add", distance, offset)
    counting = nodes("Reshape", counts, whole(0, -1))
    number = nodes("ReduceSum", counting, whole(1), keepdims=1)
    mean = nodes("Div", nodes("ReduceSum", nodes("Mul", distance, counting), whole(1), keepdims=1), number)
    off = nodes("Mul", nodes("Sub", distance, mean), counting)
    strongest, at = nodes.several("TopK", 2, nodes("Add", off, mean), whole(STRONGEST), axis=1)
    nodes.named(FLAT, nodes("ReduceMean", strongest, axes=[1], keepdims=1))
    block = nodes("Squeeze", nodes("Slice", at, whole(0), whole(1), whole(1)), whole(1))
    for name, index in zip(SITE_OUTPUTS, (nodes("Div", block, across), nodes("Mod", block, across)), strict=True):
        steps = nodes("Mul", nodes("Cast", index, to=1), float(block_px // 2))
        nodes.named(name, nodes("Add", steps, float(block_px // 2)))
    return GraphFront(as_model("wavelets", nodes, {FLAT: 2, **dict.fromkeys(SITE_OUTPUTS, 1)}))


def fit_plane(
    blocks: NDArray[np.float32], labels: NDArray[np.int_], c: float, name: str
) -> tuple[NDArray[np.float32], float]:
    """Learn from blocks around sites, and from others, far from any site.

    Args:
        blocks: (blocks, 42) statistics.
        labels: (blocks,) 1 around sites.
        c: Inverse strength of the regularisation.
        name: Of the data set, for errors.

    Returns:
        (42,) float32 plane and its offset: what is manipulated lies on the positive side.

    Raises:
        TrainingError: No slice shows a site, or none an untouched block.
    """
    from sklearn.svm import LinearSVC

    if len(np.unique(labels)) < 2:
        raise TrainingError(
            "there are no blocks to learn from", where=name,
            received=f"{int(labels.sum())} around sites, {int((labels == 0).sum())} far from any",
            remedy="check the labels' places; slices that were generated whole have none, and are no work for it",
        )  # fmt: skip
    machine = LinearSVC(C=c, class_weight="balanced", dual=False, max_iter=_ITERATIONS)
    machine.fit(blocks, labels)
    return machine.coef_[0].astype(np.float32), float(machine.intercept_[0])


class Blocks:
    """Statistics of blocks, before any machine has judged them."""

    def __init__(self, block_px: int) -> None:
        self.block_px = block_px

    @cached_property
    def graph(self) -> Any:
        """Gets statistics and counts of slices."""
        nodes = Nodes()
        statistics, counts = add_blocks(nodes, self.block_px)
        nodes.named("statistics", statistics)
        nodes.named("counts", counts)
        return run_graph(as_model("blocks", nodes, {"statistics": 4, "counts": 4}))

    def drawn(
        self, dataset: Dataset, rows: pd.DataFrame, rng: Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int_], NDArray[np.int_]]:
        """(blocks, 42) of slices, 1 for those around sites, and which row each is of."""
        parts, labels, owners = [np.empty((0, STATISTICS), np.float32)], [np.empty(0, int)], [np.empty(0, int)]
        for number, (row, hu) in enumerate(zip(rows.itertuples(), dataset.mapped(rows), strict=True)):
            statistics, counts = self.graph(["statistics", "counts"], np.ascontiguousarray(hu)[None])
            sites = dataset.sites[dataset.sites.scan_id == row.scan_id] if row.label else dataset.sites.iloc[:0]
            near, far = self._apart(row, sites, counts.shape[2:])
            counting = counts[0, 0] > 0
            untouched = np.flatnonzero(far & counting)
            chosen = np.concatenate([
                np.flatnonzero(near & counting), rng.permutation(untouched)[:_UNTOUCHED_BLOCKS]
            ])  # fmt: skip
            parts.append(statistics[0].reshape(STATISTICS, -1)[:, chosen].T)
            labels.append((near & counting).ravel()[chosen].astype(int))
            owners.append(np.full(len(chosen), number))
        return np.concatenate(parts), np.concatenate(labels), np.concatenate(owners)

    def _apart(
        self, row: Any, sites: pd.DataFrame, grid: tuple[int, int]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(down, across) which blocks show the slice's site, and which none of its scan."""
        middles = [(np.arange(number) + 1) * (self.block_px // 2) for number in grid]
        near = self._within(middles, row.site_y, row.site_x, _NEAR_MM / row.spacing_mm)
        near &= bool(row.label) and row.distance_mm <= _NEAR_MM
        places = [(row.site_y, row.site_x), *zip(sites.y, sites.x, strict=True)] if row.label else []
        far = np.full(grid, not row.label or bool(np.isfinite(places).all(axis=1).any()))  # else tampered all over
        for y, x in places:
            far &= ~self._within(middles, y, x, _FAR_MM / row.spacing_mm)
        return near, far

    @staticmethod
    def _within(middles: list[NDArray[np.int_]], y: float, x: float, px: float) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = np.hypot(middles[0][:, None] - y, middles[1] - x) <= px
        return inside
