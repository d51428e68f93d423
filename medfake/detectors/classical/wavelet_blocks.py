"""How neighbouring wavelet coefficients of the blocks of a slice go together, as an ONNX graph.

Passive forgery detection before deep learning bares the noise with a wavelet transform and judges statistics of it by a
support vector machine (Thakur et al. 2018, named by Solaiyappan and Wen, section 1). The statistics here are
co-occurrences of quantised coefficients, signs and directions put together as in the Spatial Rich Model (Fridrich and
Kodovsky 2012), and what Haralick et al. (1973) make of co-occurrences.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake import lungs
from medfake.detectors.classical.graph_front import lung_mask, or_everywhere
from medfake.package.onnx_nodes import Nodes, whole

BANDS: Final = 3
"""Details of the Haar transform (2 x 2 px): down, across, and both."""
LEVELS: Final = 5
"""Of a quantised coefficient, -2..2: beyond is an edge."""
ALIKE: Final = 9
"""Kinds of pairs of levels, signs and order left aside."""
STATISTICS: Final = BANDS * (ALIKE + 5)
"""Of a block: of each band the shares of nine kinds of pairs, contrast, homogeneity, correlation, energy, entropy."""

_HIGHEST = LEVELS // 2
_AROUND_BLOCKS = 5  # on whose lung it depends whether a block counts
_LOUDEST = 200.0  # HU of a coefficient that is still taken for noise; one edge of metal would outweigh a slice
_ROUNDING_HU = 0.5  # added to the noise that coefficients are divided by: a slice without noise has that of rounding
_LEAST_DEVIATION = 1e-3
_FURTHEST = 8.0  # deviations; a block beyond is strange enough
_REST = np.iinfo(np.int64).max


def add_blocks(nodes: Nodes, block_px: int) -> tuple[str, str]:
    """Add statistics of overlapping blocks, each against the other blocks of its slice.

    Coefficients are divided by the mean size of their band in the slice, so that it does not matter how noisy a scanner
    is, and rounded. A block counts where there is lung around it; in a slice without any, all do.

    Args:
        nodes: Of a graph that takes `hu`.
        block_px: Edge of a block, a multiple of 4; the next one begins half a block further.

    Returns:
        Names of (slices, 42, down, across) float32 in deviations of the slice, within -8..8, and of (slices, 1, down,
        across) 1 where a block counts, else 0.
    """
    image, lung = lung_mask(nodes)
    edge = block_px // 2  # coefficients
    blocks = {"kernel_shape": [edge, edge], "strides": [edge // 2, edge // 2]}
    counts = _counted(nodes, lung, block_px)
    details = nodes("Conv", image, haar_details(), strides=[2, 2], kernel_shape=[2, 2])
    size = nodes("Min", nodes("Abs", details), _LOUDEST)
    noise = _mean(nodes, nodes("AveragePool", size, **blocks), counts)
    scaled = nodes("Div", details, nodes("Add", noise, _ROUNDING_HU))
    levels = nodes("Clip", nodes("Round", scaled), float(-_HIGHEST), float(_HIGHEST))
    statistics = _haralick(nodes, _cooccurrences(nodes, levels, edge))
    off = nodes("Sub", statistics, _mean(nodes, statistics, counts))
    deviation = nodes("Sqrt", _mean(nodes, nodes("Mul", off, off), counts))
    against = nodes("Div", off, nodes("Add", deviation, _LEAST_DEVIATION))
    return nodes("Clip", against, -_FURTHEST, _FURTHEST), counts


def haar_details() -> NDArray[np.float32]:
    """(3, 1, 2, 2) filters of unit norm (Haar 1910)."""
    low, high = np.array([1.0, 1.0]), np.array([1.0, -1.0])
    filters = np.stack([np.outer(high, low), np.outer(low, high), np.outer(high, high)]) / 2
    return filters[:, None].astype(np.float32)


def _counted(nodes: Nodes, lung: str, block_px: int) -> str:
    share = nodes("AveragePool", lung, kernel_shape=[block_px, block_px], strides=[block_px // 2, block_px // 2])
    edge = _AROUND_BLOCKS
    around = nodes("AveragePool", share, kernel_shape=[edge, edge], pads=[edge // 2] * 4)
    enough = nodes("Cast", nodes("GreaterOrEqual", around, lungs.LEAST_LUNG_IN_PLACE), to=1)
    return or_everywhere(nodes, enough)


def _mean(nodes: Nodes, values: str, counts: str) -> str:
    """(slices, channels, 1, 1) over blocks that count."""
    total = nodes("ReduceSum", nodes("Mul", values, counts), whole(2, 3), keepdims=1)
    return nodes("Div", total, nodes("ReduceSum", counts, whole(2, 3), keepdims=1))


def _cooccurrences(nodes: Nodes, levels: str, edge: int) -> str:
    """(slices, 3 bands x 25 pairs, down, across) shares of pairs of levels of neighbours, down and across together."""
    each = np.arange(-_HIGHEST, _HIGHEST + 1, dtype=np.float32).reshape(1, 1, LEVELS, 1, 1)
    one_hot = nodes("Cast", nodes("Equal", nodes("Unsqueeze", levels, whole(2)), each), to=1)
    shares = []
    for axis, lacking in ((3, [0, 0, 1, 0]), (4, [0, 0, 0, 1])):  # the last coefficient lacks a neighbour
        first = nodes("Slice", one_hot, whole(0), whole(-1), whole(axis))
        second = nodes("Slice", one_hot, whole(1), whole(_REST), whole(axis))
        pairs = nodes("Mul", nodes("Unsqueeze", first, whole(3)), nodes("Unsqueeze", second, whole(2)))
        ends = nodes("Slice", nodes("Shape", pairs), whole(4), whole(6))
        flat = nodes("Reshape", pairs, nodes("Concat", whole(0, BANDS * LEVELS**2), ends, axis=0))
        shares.append(nodes(
            "AveragePool", flat, kernel_shape=[edge, edge], strides=[edge // 2, edge // 2], pads=lacking,
            count_include_pad=0,
        ))  # fmt: skip
    return nodes("Mul", nodes("Add", *shares), 0.5)


def _haralick(nodes: Nodes, pairs: str) -> str:
    """(slices, 42, down, across) statistics of the blocks' co-occurrences."""
    grid = nodes("Slice", nodes("Shape", pairs), whole(2), whole(4))
    table = nodes("Reshape", pairs, whole(0, BANDS, LEVELS**2, -1))
    shares, contrast, homogeneity, product, power = nodes.several(
        "Split", 5, nodes("MatMul", _sums(), table), whole(ALIKE, 1, 1, 1, 1), axis=2
    )
    correlation = nodes("Div", product, nodes("Add", power, _LEAST_DEVIATION))
    energy = nodes("ReduceSum", nodes("Mul", table, table), whole(2), keepdims=1)
    logs = nodes("Log", nodes("Add", table, 1e-6))
    entropy = nodes("Neg", nodes("ReduceSum", nodes("Mul", table, logs), whole(2), keepdims=1))
    every = nodes("Concat", shares, contrast, homogeneity, correlation, energy, entropy, axis=2)
    return nodes("Reshape", every, nodes("Concat", whole(0, STATISTICS), grid, axis=0))


def _sums() -> NDArray[np.float32]:
    """(13, 25) on shares of pairs: the nine kinds, contrast, homogeneity, mean product and mean square.

    The mean of details is 0, so that product over square is their correlation.
    """
    values = np.arange(-_HIGHEST, _HIGHEST + 1)
    first, second = (one.ravel() for one in np.meshgrid(values, values, indexing="ij"))
    low, high = np.sort(np.abs([first, second]), axis=0)
    _, kind = np.unique(np.stack([low, high, np.sign(first * second)]), axis=1, return_inverse=True)
    kinds = (kind.ravel() == np.arange(ALIKE)[:, None]).astype(float)
    contrast = (first - second) ** 2
    rows = [*kinds, contrast, 1 / (1 + contrast), first * second, (first**2 + second**2) / 2]
    return np.stack(rows).astype(np.float32)
