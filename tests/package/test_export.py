from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from medfake.errors import ExportMismatchError
from medfake.package.card import LARGEST_DIFFERENCE, ONNX_FILE
from medfake.package.export import require_agreement

SLICES = np.repeat(np.array([-8, 7, 23], np.int16), 96 * 96).reshape(3, 96, 96)
TRUTH = 1 / (1 + np.exp(-SLICES.mean(axis=(1, 2)) / 10))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package whose graph says sigmoid(mean HU / 10)."""
    nodes = [
        helper.make_node("Cast", ["hu"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Constant", [], ["scale"], value_float=10.0),
        helper.make_node("Div", ["mean", "scale"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["p_tampered"]),
    ]
    hu = helper.make_tensor_value_info("hu", TensorProto.INT16, ["n", "r", "c"])
    p = helper.make_tensor_value_info("p_tampered", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(nodes, "graph", [hu], [p])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / ONNX_FILE)
    return tmp_path


@pytest.mark.parametrize("factor", [0.0, 0.9, -0.9])
def test_a_difference_within_the_bound_is_measured(folder: Path, factor: float) -> None:
    shifted = TRUTH + np.array([0, factor * LARGEST_DIFFERENCE, 0])
    agreement = require_agreement(folder, SLICES, shifted)
    assert agreement.slices == 3
    assert agreement.max_abs_difference == pytest.approx(abs(factor) * LARGEST_DIFFERENCE, abs=1e-6)


@pytest.mark.parametrize("wrong", [1.1 * LARGEST_DIFFERENCE, -1.1 * LARGEST_DIFFERENCE, np.nan])
def test_one_slice_that_differs_is_enough_to_refuse(folder: Path, wrong: float) -> None:
    shifted = TRUTH + np.array([0, 0, wrong])
    with pytest.raises(ExportMismatchError, match="3 slices"):
        require_agreement(folder, SLICES, shifted)
