"""CopyMove: blocks of a slice that stand twice, all moved by the same way (Fridrich, Soukal and Lukas 2003).

Blocks around every pixel of the lungs, of a slice without lungs around every pixel, are described by cosine
coefficients and sorted so that equal ones are neighbours; pairs of neighbours that are really alike vote for the way
from one to the other. Chance votes for many ways, a copy for one: the score is how many votes the best has. What was
turned, scaled or noised after it was copied is not found.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from medfake.config import Positive
from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.front import FLAT
from medfake.detectors.classical.graph import SITE_OUTPUTS
from medfake.detectors.classical.graph_front import GraphFront, GraphOptions, lung_mask, or_everywhere
from medfake.detectors.registry import detector
from medfake.package.onnx_nodes import Nodes, as_model, whole

BLOCK_PX: Final = 8
"""Edge of a block; small enough to lie within what is copied over a nodule."""
COEFFICIENTS: Final = 27
"""Of a block, without its mean: what is copied is often made as bright as what it covers."""

CHANCE_VOTES: Final = 8.0
"""That a way may have by chance: up to 6 in 106 real and genuine slices. How many depends on how smooth a scanner's
images are, and so do votes for other ways; neither says anything of a copy."""

_FINEST_SUM = 6  # of a coefficient's row and column
_AROUND_PX = 25  # on whose lung it depends whether a block is looked at
_LEAST_LUNG = 0.3  # there
_ROUNDING_HU = 2.0  # added to what coefficients usually are: blocks of a flat slice are all alike
_LEAST_STRUCTURE = 1.0  # of 27 on average; what is flatter is alike everywhere
_LISTS = 2  # each sorted by another projection
_SEED = 1  # of the projections


class CopyMoveOptions(GraphOptions):
    """Block matching within a slice.

    Attributes:
        blocks: Most blocks that are looked at in a slice, those of most structure.
        alike: Of two blocks at most so far apart, as a share of their length: 0 is equal.
        apart_px: Least way from one to the other; tissue is alike next to itself.
    """

    of_front = frozenset({"blocks", "alike", "apart_px"})

    blocks: int = Field(default=65536, ge=1024)
    alike: Positive = 0.05
    apart_px: int = Field(default=20, ge=BLOCK_PX)

    def columns(self, rows: int, cols: int) -> int:
        """One number of votes."""
        del rows, cols
        return 1

    def write_front(self, dataset: Dataset, learnt: pd.DataFrame, seed: int) -> GraphFront:
        """Nothing is learnt."""
        del dataset, learnt, seed
        return write_front(self)


@detector("CopyMove", family="classical", options=CopyMoveOptions, localises=True)
def build_copy_move(options: CopyMoveOptions, seed: int) -> Any:
    """Turns (slices, 1) float32, votes for the best way, into a probability."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    del options
    return make_pipeline(StandardScaler(), LogisticRegression(random_state=seed))


def write_front(options: CopyMoveOptions) -> GraphFront:
    """Write the graph from slices to votes.

    Returns:
        `hu` -> (slices, 1): log(1 + votes) of the best way, those left out that chance gives; and the middle of the
        blocks that voted for it, px: one of the two places, of which this does not see which is the copy.
    """
    nodes = Nodes()
    image, lung = lung_mask(nodes)
    codes, at, counts = _blocks(nodes, image, lung, options.blocks)
    pairs = [_neighbours(nodes, codes, at, counts, projection) for projection in _projections()]
    first, second, apart, both = (nodes("Concat", *some, axis=1) for some in zip(*pairs, strict=True))
    width = nodes("Sub", nodes("Slice", nodes("Shape", image), whole(3), whole(4)), whole(BLOCK_PX - 1))
    way, near = _ways(nodes, first, second, width)
    far = nodes("GreaterOrEqual", near, float(options.apart_px**2))
    alike = nodes("LessOrEqual", apart, float(options.alike**2))
    votes = nodes("Cast", nodes("And", nodes("And", far, alike), both), to=1)
    best, chosen = _best_way(nodes, way, votes, image)
    nodes.named(FLAT, nodes("Log", nodes("Add", nodes("Relu", nodes("Sub", best, CHANCE_VOTES)), 1.0)))
    for name, px in zip(SITE_OUTPUTS, _place(nodes, nodes("Min", first, second), width, chosen), strict=True):
        nodes.named(name, px)
    return GraphFront(as_model("copies", nodes, {FLAT: 2, **dict.fromkeys(SITE_OUTPUTS, 1)}))


def cosines() -> NDArray[np.float32]:
    """(27, 1, 8, 8) filters: a block's coefficients to the sixth diagonal (Ahmed et al. 1974), without the mean."""
    at, order = np.arange(BLOCK_PX), np.arange(_FINEST_SUM + 1)
    waves = np.cos(np.pi * (2 * at + 1) * order[:, None] / (2 * BLOCK_PX))
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    pairs = [(u, v) for u in order for v in order if 0 < u + v <= _FINEST_SUM]
    filters = np.stack([np.outer(waves[u], waves[v]) for u, v in pairs])[:, None]
    return filters.astype(np.float32)


def _projections() -> NDArray[np.float32]:
    """(lists, 27, 1) by which blocks are sorted."""
    drawn = np.random.default_rng(_SEED).standard_normal((_LISTS, COEFFICIENTS, 1))
    directions: NDArray[np.float32] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return directions


def _blocks(nodes: Nodes, image: str, lung: str, most: int) -> tuple[str, str, str]:
    """Of each slice its blocks of most structure: (slices, blocks, 27) codes, (slices, blocks) places, which count.

    They lie in the lungs, if the slice has any. A place is the index of the block's corner. Coefficients are divided by
    what they usually are there, or edges, which are alike everywhere, would outweigh noise, which never is.
    """
    half, rest = BLOCK_PX // 2, BLOCK_PX - BLOCK_PX // 2 - 1
    waves = nodes("Conv", image, cosines(), kernel_shape=[BLOCK_PX, BLOCK_PX])
    around = nodes("AveragePool", lung, kernel_shape=[_AROUND_PX, _AROUND_PX], pads=[_AROUND_PX // 2] * 4)
    middle = nodes("Slice", around, whole(half, half), whole(-rest, -rest), whole(2, 3))
    looked_at = or_everywhere(nodes, nodes("Cast", nodes("GreaterOrEqual", middle, _LEAST_LUNG), to=1))
    squares = nodes("ReduceSum", nodes("Mul", nodes("Mul", waves, waves), looked_at), whole(2, 3), keepdims=1)
    number = nodes("Max", nodes("ReduceSum", looked_at, whole(2, 3), keepdims=1), 1.0)
    usual = nodes("Sqrt", nodes("Div", squares, number))
    flat = nodes("Reshape", nodes("Div", waves, nodes("Add", usual, _ROUNDING_HU)), whole(0, COEFFICIENTS, -1))
    structure = nodes("ReduceSum", nodes("Mul", flat, flat), whole(1), keepdims=0)
    enough = nodes("Cast", nodes("Greater", structure, _LEAST_STRUCTURE), to=1)
    rank = nodes("Mul", nodes("Mul", structure, enough), nodes("Reshape", looked_at, whole(0, -1)))
    all_places = nodes("Slice", nodes("Shape", rank), whole(1), whole(2))
    ranked, at = nodes.several("TopK", 2, rank, nodes("Min", all_places, whole(most)), axis=1, sorted=0)
    codes = _gathered(nodes, nodes("Transpose", flat, perm=[0, 2, 1]), at)
    return codes, at, nodes("Greater", ranked, 0.0)


def _gathered(nodes: Nodes, table: str, at: str) -> str:
    """Entries of each slice's table."""
    return nodes("GatherND", table, nodes("Unsqueeze", at, whole(2)), batch_dims=1)


def _neighbours(
    nodes: Nodes, codes: str, at: str, counts: str, projection: NDArray[np.float32]
) -> tuple[str, str, str, str]:
    """Blocks next to each other in one list: their two places, how far apart they are, and whether both count."""
    key = nodes("Squeeze", nodes("MatMul", codes, projection), whole(2))
    length = nodes("Slice", nodes("Shape", key), whole(1), whole(2))
    order = nodes.several("TopK", 2, key, length, axis=1)[1]
    codes, at = _gathered(nodes, codes, order), _gathered(nodes, at, order)
    counts = nodes("Cast", _gathered(nodes, nodes("Cast", counts, to=1), order), to=9)
    one, other = _shifted(nodes, codes)
    off = nodes("Sub", one, other)
    distance = nodes("ReduceSum", nodes("Mul", off, off), whole(2), keepdims=0)
    size = nodes("ReduceSum", nodes("Mul", one, one), whole(2), keepdims=0)
    share = nodes("Div", distance, nodes("Max", size, 1e-6))
    return (*_shifted(nodes, at), share, nodes("And", *_shifted(nodes, counts)))


def _shifted(nodes: Nodes, value: str) -> tuple[str, str]:
    """All entries of a list but the last, and those next to them."""
    rest = np.iinfo(np.int64).max
    before = nodes("Slice", value, whole(0), whole(-1), whole(1))
    return before, nodes("Slice", value, whole(1), whole(rest), whole(1))


def _ways(nodes: Nodes, first: str, second: str, width: str) -> tuple[str, str]:
    """(slices, pairs) a number for each way there and back, and the square of its length in px."""
    down = nodes("Sub", nodes("Div", second, width), nodes("Div", first, width))
    across = nodes("Sub", nodes("Mod", second, width), nodes("Mod", first, width))
    way = nodes("Abs", nodes("Add", nodes("Mul", down, nodes("Mul", width, whole(2))), across))
    square = nodes("Add", nodes("Mul", down, down), nodes("Mul", across, across))
    return way, nodes("Cast", square, to=1)


def _best_way(nodes: Nodes, way: str, votes: str, image: str) -> tuple[str, str]:
    """(slices, 1) votes of the best way, and (slices, pairs) 1 for those that vote for it."""
    shape = nodes("Shape", image)
    area = nodes("Mul", nodes("Slice", shape, whole(2), whole(3)), nodes("Slice", shape, whole(3), whole(4)))
    slices = nodes("Slice", shape, whole(0), whole(1))
    bins = nodes("Concat", slices, nodes("Mul", area, whole(2)), axis=0)
    none = nodes("Expand", 0.0, bins)
    histogram = nodes("ScatterElements", none, way, votes, axis=1, reduction="add")
    best = nodes("ReduceMax", histogram, axes=[1], keepdims=1)
    winner = nodes("ArgMax", histogram, axis=1, keepdims=1)
    return best, nodes("Mul", nodes("Cast", nodes("Equal", way, winner), to=1), votes)


def _place(nodes: Nodes, corner: str, width: str, chosen: str) -> list[str]:
    """(slices,) mean row and column of the middles of chosen blocks, px; those of the corner where there is none."""
    number = nodes("Max", nodes("ReduceSum", chosen, whole(1), keepdims=0), 1.0)
    means = []
    for index in (nodes("Div", corner, width), nodes("Mod", corner, width)):
        weighed = nodes("Mul", nodes("Cast", index, to=1), chosen)
        mean = nodes("Div", nodes("ReduceSum", weighed, whole(1), keepdims=0), number)
        means.append(nodes("Add", mean, (BLOCK_PX - 1) / 2))
    return means
