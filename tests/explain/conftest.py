"""Packages whose answers are known because one thing alone decides them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from medfake.explain.registry import ExplainedPackage
from medfake.package.card import ONNX_FILE

Write = Callable[..., ExplainedPackage]


def one_pixel_detector(y: int, x: int, per_hu: float) -> onnx.ModelProto:
    """P(tampered) depends on one pixel alone: log odds `per_hu` x HU."""
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [len(value)], value)
        for name, value in (("starts", [y, x]), ("ends", [y + 1, x + 1]), ("axes", [1, 2]))
    ]
    constants.append(helper.make_tensor("per_hu", TensorProto.FLOAT, [], [per_hu]))
    constants.append(helper.make_tensor("flat", TensorProto.INT64, [1], [-1]))
    nodes = [
        helper.make_node("Cast", ["hu"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["float", "starts", "ends", "axes"], ["pixel"]),
        helper.make_node("Reshape", ["pixel", "flat"], ["value"]),
        helper.make_node("Mul", ["value", "per_hu"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["p_tampered"]),
    ]
    hu = helper.make_tensor_value_info("hu", TensorProto.INT16, ["n", "rows", "cols"])
    p = helper.make_tensor_value_info("p_tampered", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(nodes, "pixel", [hu], [p], initializer=constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def write_package(make_package: Callable[..., Path]) -> Write:
    """A package around a graph."""

    def write(graph: onnx.ModelProto | None = None, detector: str = "RandomForest") -> ExplainedPackage:
        folder = make_package(detector, detector=detector)
        if graph is not None:
            onnx.save(graph, folder / ONNX_FILE)
        return ExplainedPackage.open(folder)

    return write


@pytest.fixture
def one_pixel(write_package: Write) -> Callable[..., ExplainedPackage]:
    """A package that reads one pixel, as a forest may."""
    return lambda y, x, per_hu=0.01: write_package(one_pixel_detector(y, x, per_hu))


@pytest.fixture
def noise() -> np.ndarray:
    """A slice that is not square, (120, 200) int16 HU."""
    return np.random.default_rng(1).normal(-850, 30, (120, 200)).astype(np.int16)
