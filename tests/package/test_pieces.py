"""Scans cut along z: every answer once, and all that a graph looks at beside it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from medfake.package.pieces import PIECE, REACH_MM, pieces_of, reach_of, write_reach
from medfake.package.scorer import open_session

EVEN = np.arange(500) * 1.25


@pytest.mark.parametrize("reach_mm", [0.5, 8.0, 12.0, 1e4])
@pytest.mark.parametrize("z_mm", [EVEN, np.sort(np.random.default_rng(1).uniform(0, 300, 500)), np.zeros(500)])
def test_every_slice_is_kept_once_with_all_that_is_within_reach(z_mm: NDArray[np.float64], reach_mm: float) -> None:
    kept: list[int] = []
    for piece in pieces_of(z_mm, reach_mm):
        read = np.arange(len(z_mm))[piece.read]
        own = read[piece.kept]
        near = np.abs(z_mm[:, None] - z_mm[own]).min(axis=1) <= reach_mm
        assert set(np.flatnonzero(near)) <= set(read)
        kept.extend(own)
    assert kept == list(range(len(z_mm)))


@pytest.mark.parametrize(("count", "pieces"), [(1, 1), (PIECE, 1), (PIECE + 1, 2)])
def test_only_a_scan_longer_than_a_piece_is_cut(count: int, pieces: int) -> None:
    assert len(list(pieces_of(EVEN[:count], 12.0))) == pieces


def test_a_graph_that_says_nothing_is_given_the_whole_scan() -> None:
    assert [(one.read, one.kept) for one in pieces_of(EVEN, None)] == [(slice(0, 500), slice(0, 500))]


def test_a_piece_is_not_much_longer_than_what_is_kept_of_it() -> None:
    longest = max(piece.read.stop - piece.read.start for piece in pieces_of(EVEN, 12.0))
    assert longest == PIECE + 2 * 9


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """z_mm as it is."""
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n"]) for name in ("z_mm", "slice_p")]
    node = onnx.helper.make_node("Identity", ["z_mm"], ["slice_p"])
    made = onnx.helper.make_graph([node], "nothing", ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(made, opset_imports=opset, ir_version=8), tmp_path / "graph.onnx")
    return tmp_path / "graph.onnx"


def test_what_is_written_into_a_graph_is_read_from_it(graph: Path) -> None:
    assert reach_of(open_session(graph)) is None
    write_reach(graph, 12.5)
    assert reach_of(open_session(graph)) == 12.5


@pytest.mark.parametrize("said", ["", "far", "-1", "0", "nan", "inf"])
def test_what_makes_no_sense_is_as_nothing(said: str, graph: Path) -> None:
    changed = onnx.load(graph)
    onnx.helper.set_model_props(changed, {REACH_MM: said})
    onnx.save(changed, graph)
    assert reach_of(open_session(graph)) is None
