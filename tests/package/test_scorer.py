"""Scoring real ONNX graphs made on the spot: P = sigmoid(mean HU / 1000)."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from medfake.errors import ManifestError, MedfakeError
from medfake.package.scorer import BATCH, Scorer

WriteGraph = Callable[..., Path]
SHAPE = (96, 100)


@pytest.fixture
def write_graph(tmp_path: Path) -> WriteGraph:
    def write(
        entry: str = "hu", output: str = "p_tampered", size: tuple[object, object] = ("r", "c"), localises: bool = False
    ) -> Path:
        nodes = [
            helper.make_node("Cast", [entry], ["float"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("Constant", [], ["scale"], value_float=1000.0),
            helper.make_node("Div", ["mean", "scale"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], [output]),
        ]
        names = [output]
        if localises:
            nodes += [helper.make_node("Identity", ["mean"], [name]) for name in ("site_x", "site_y", "site_p")]
            names += ["site_x", "site_y", "site_p"]
        graph = helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info(entry, TensorProto.INT16, ["n", *size])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in names],
        )
        path = tmp_path / "detector.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
        return path

    return write


def slices(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(-1000, 1000, (count, *SHAPE)).astype(np.int16)


@pytest.mark.parametrize("count", [1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_every_slice_is_scored_in_its_place_whatever_the_batch(write_graph: WriteGraph, count: int) -> None:
    hu = slices(count)
    expected = 1 / (1 + np.exp(-hu.mean(axis=(1, 2)) / 1000))
    scores = Scorer(write_graph()).score(hu)
    assert scores.p_tampered.dtype == np.float32
    np.testing.assert_allclose(scores.p_tampered, expected, atol=1e-6)


def test_no_slices_give_no_scores(write_graph: WriteGraph) -> None:
    assert Scorer(write_graph()).score(np.empty((0, *SHAPE), np.int16)).p_tampered.shape == (0,)


def test_a_detector_without_places_gives_none(write_graph: WriteGraph) -> None:
    scores = Scorer(write_graph()).score(slices(2))
    assert (scores.site_y, scores.site_x, scores.site_p) == (None, None, None)


def test_a_detector_with_places_gives_them_for_every_slice(write_graph: WriteGraph) -> None:
    hu = slices(BATCH + 1)
    scores = Scorer(write_graph(localises=True)).score(hu)
    assert scores.site_y is not None
    np.testing.assert_allclose(scores.site_y, hu.mean(axis=(1, 2)), rtol=1e-4, atol=1e-2)


def test_the_number_of_threads_changes_no_score(write_graph: WriteGraph) -> None:
    path, hu = write_graph(), slices(3)
    one, two = Scorer(path, threads=1).score(hu), Scorer(path, threads=2).score(hu)
    np.testing.assert_array_equal(one.p_tampered, two.p_tampered)


@pytest.mark.parametrize(
    ("wrong", "received"),
    [
        (np.zeros((2, 96, 100), np.int32), r"\(2, 96, 100\) int32"),
        (np.zeros((2, 96, 100), np.float32), r"\(2, 96, 100\) float32"),
        (np.zeros((96, 100), np.int16), r"\(96, 100\) int16"),
        (np.zeros((1, 2, 96, 100), np.int16), r"\(1, 2, 96, 100\) int16"),
    ],
)
def test_other_arrays_are_refused_in_words(write_graph: WriteGraph, wrong: np.ndarray, received: str) -> None:
    with pytest.raises(MedfakeError, match=received):
        Scorer(write_graph()).score(wrong)


def test_a_slice_of_a_size_that_the_graph_does_not_take_is_refused_in_words(write_graph: WriteGraph) -> None:
    with pytest.raises(MedfakeError):
        Scorer(write_graph(size=(32, 32))).score(slices(1))


def test_a_graph_says_whether_it_takes_slices_of_one_size_alone(write_graph: WriteGraph) -> None:
    assert Scorer(write_graph(size=(32, 48))).fixed_size == (32, 48)
    assert Scorer(write_graph()).fixed_size is None


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="dvc repro"):
        Scorer(tmp_path / "detector.onnx")


@pytest.mark.parametrize("content", [b"", b"not a graph"], ids=["empty", "text"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "detector.onnx").write_bytes(content)
    with pytest.raises(ManifestError, match=r"detector\.onnx"):
        Scorer(tmp_path / "detector.onnx")


@pytest.mark.parametrize("names", [("image", "p_tampered"), ("hu", "probability")])
def test_a_graph_that_is_no_detector_is_refused(write_graph: WriteGraph, names: tuple[str, str]) -> None:
    with pytest.raises(ManifestError, match="not a medfake detector"):
        Scorer(write_graph(*names))


def test_scoring_loads_no_tensorflow(write_graph: WriteGraph) -> None:
    code = (
        "import sys, numpy; from pathlib import Path; from medfake.package.scorer import Scorer\n"
        "Scorer(Path(sys.argv[1])).score(numpy.zeros((1, 96, 96), numpy.int16))\n"
        "print([name for name in ('tensorflow', 'keras', 'sklearn') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(write_graph())]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
