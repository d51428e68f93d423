from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array, to_array
from onnx.reference import ReferenceEvaluator

from medfake.package.export import write_onnx
from medfake.package.large_weights import SMALLEST, fill, is_large
from medfake.package.scorer import open_session
from medfake.training.keras_setup import import_keras

WEIGHT = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def model() -> onnx.ModelProto:
    """X · (transposed and scaled weight) + the weight's sum."""
    nodes = [
        helper.make_node("Transpose", ["weight"], ["turned"], perm=[1, 0]),
        helper.make_node("Mul", ["turned", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["x", "scaled"], ["product"]),
        helper.make_node("ReduceSum", ["weight"], ["sum"], keepdims=0),
        helper.make_node("Add", ["product", "sum"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
    weight = helper.make_tensor_value_info("weight", TensorProto.FLOAT, WEIGHT.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    scale = from_array(np.full(4, 0.5, np.float32), "scale")
    graph = helper.make_graph(nodes, "graph", [x, weight], [y], initializer=[scale])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_weights_become_constants_and_what_follows_from_them_alone_is_worked_out(model: onnx.ModelProto) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)
    before = ReferenceEvaluator(model).run(None, {"x": x, "weight": WEIGHT})
    fill(model, {"weight": WEIGHT})
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in model.graph.input] == ["x"]
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Add"]
    stored = {one.name: to_array(one) for one in model.graph.initializer}
    assert stored.keys() == {"scaled", "sum"}
    np.testing.assert_array_equal(stored["scaled"], WEIGHT.T * 0.5)
    np.testing.assert_allclose(ReferenceEvaluator(model).run(None, {"x": x})[0], before[0], rtol=1e-6)


@pytest.mark.parametrize(("shape", "large"), [((64, 64), True), ((63, 65), False), ((2 * SMALLEST,), False)])
def test_kernels_of_many_values_are_kept_out_and_vectors_never(shape: tuple[int, ...], large: bool) -> None:
    assert is_large(import_keras(1).Variable(np.zeros(shape, np.float32))) is large


def test_a_network_whose_layers_are_used_twice_says_the_same_as_onnx(tmp_path: Path) -> None:
    keras = import_keras(1)
    layers = keras.layers
    one, other = layers.Input((16, 16, 32), name="one"), layers.Input((16, 16, 32), name="other")
    shared = layers.Conv2D(32, 3, padding="same", use_bias=False)
    apart = layers.DepthwiseConv2D(3, depth_multiplier=16)(shared(one))
    up = layers.Conv2DTranspose(16, 3, strides=2)(shared(other))
    dense = layers.Dense(64)(layers.BatchNormalization()(apart))
    pooled = [layers.GlobalAveragePooling2D()(maps) for maps in (dense, up)]
    network = keras.Model([one, other], {"score": layers.Dense(1)(layers.Concatenate()(pooled))})
    assert sum(is_large(variable) for variable in network.variables) == 4
    rng = np.random.default_rng(1)
    given = [rng.normal(size=(2, 16, 16, 32)).astype(np.float32) for _ in range(2)]
    write_onnx(network, tmp_path / "network.onnx", given)
    session = open_session(tmp_path / "network.onnx")
    assert [node.name for node in session.get_inputs()] == ["one", "other"]
    (said,) = session.run(["score"], dict(zip(("one", "other"), given, strict=True)))
    np.testing.assert_allclose(said, np.asarray(network(given)["score"]), atol=1e-5)
