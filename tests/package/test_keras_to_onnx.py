from pathlib import Path

import numpy as np
import onnx
import pytest

from medfake.package.keras_to_onnx import SMALLEST, is_large, write_onnx
from medfake.package.scorer import open_session
from medfake.training.keras_setup import import_keras


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
    stored = onnx.load(tmp_path / "network.onnx")
    assert {one.domain for one in stored.opset_import} == {""}
    session = open_session(tmp_path / "network.onnx")
    assert [node.name for node in session.get_inputs()] == ["one", "other"]
    (said,) = session.run(["score"], dict(zip(("one", "other"), given, strict=True)))
    np.testing.assert_allclose(said, np.asarray(network(given)["score"]), atol=1e-5)


def test_constants_that_half_precision_holds_are_stored_so_and_others_stay(tmp_path: Path) -> None:
    keras = import_keras(1)
    layers = keras.layers
    held, rounded, too_large = layers.Dense(64), layers.Dense(64), layers.Dense(64)
    network = keras.Sequential([layers.Input((64,)), held, rounded, too_large])
    rng = np.random.default_rng(2)
    held.kernel.assign(rng.integers(-8, 8, (64, 64)) / 64)
    too_large.kernel.assign(np.full((64, 64), 2.0**17))
    given = rng.normal(size=(3, 64)).astype(np.float32)
    write_onnx(network, tmp_path / "network.onnx", given)
    constants = onnx.load(tmp_path / "network.onnx").graph.initializer
    kinds = [one.data_type for one in constants if np.prod(one.dims) >= SMALLEST]
    assert sorted(kinds) == sorted([onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT])
    session = open_session(tmp_path / "network.onnx")
    (said,) = session.run(None, {session.get_inputs()[0].name: given})
    np.testing.assert_allclose(said, np.asarray(network(given)), rtol=1e-5)
