"""Weights in the layout of Keras 2, written by hand; the real networks are compared in test_regnet.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from medfake.detectors.backbone.keras2_file import is_keras2_file, load_keras2_weights
from medfake.errors import WeightsError
from medfake.training.keras_setup import import_keras

Layers = dict[str, dict[str, np.ndarray[Any, Any]]]
Write = Callable[..., Path]


def block() -> Any:
    """A convolution beside a shortcut of the same shape."""
    keras = import_keras(0)
    layers = keras.layers
    image = layers.Input((4, 4, 2))
    inner = layers.BatchNormalization(name="out_norm")(layers.Conv2D(2, 1, use_bias=False, name="out_conv")(image))
    short = layers.BatchNormalization(name="shortcut_norm")(layers.Conv2D(2, 1, use_bias=False, name="shortcut")(image))
    return keras.Model(image, layers.ReLU(name="exit")(inner + short))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file with the layers of `block`; `order` of their names, `change` of one layer's weights."""

    def make(order: tuple[str, ...] = ("conv", "skip", "conv_bn", "skip_bn"), **change: Any) -> Path:
        conv = {"kernel:0": np.full((1, 1, 2, 2), 0.5)}
        norm = {
            f"{word}:0": np.full(2, at) for at, word in enumerate(("gamma", "beta", "moving_mean", "moving_variance"))
        }
        stored: Layers = {"input": {}, "conv": conv, "skip": {"kernel:0": np.full((1, 1, 2, 2), 2.0)}}
        stored |= {"conv_bn": norm, "skip_bn": {name: value + 10 for name, value in norm.items()}, "relu": {}}
        stored |= change
        path = tmp_path / "net_notop.h5"
        with h5py.File(path, "w") as file:
            names = ["input", *order, "relu"]
            file.attrs["layer_names"] = [name.encode() for name in names]
            for name in names:
                group = file.create_group(name)
                group.attrs["weight_names"] = [f"{name}/{word}".encode() for word in stored[name]]
                for word, value in stored[name].items():
                    group[f"{name}/{word}"] = value
        return path

    return make


def test_every_layer_gets_its_weights(write: Write) -> None:
    model = block()
    load_keras2_weights(model, write())
    assert (model.get_layer("out_conv").get_weights()[0] == 0.5).all()
    assert (model.get_layer("shortcut").get_weights()[0] == 2.0).all()
    assert [weight[0] for weight in model.get_layer("shortcut_norm").get_weights()] == [10, 11, 12, 13]


def test_layers_of_equal_shape_in_another_order_are_refused(write: Write) -> None:
    path = write(("conv", "skip", "skip_bn", "conv_bn"))
    with pytest.raises(WeightsError, match="does not fit") as caught:
        load_keras2_weights(block(), path)
    assert "skip_bn" in str(caught.value.received)


@pytest.mark.parametrize(
    "change",
    [
        {"conv": {"kernel:0": np.zeros((1, 1, 2, 3))}},
        {"conv": {"bias:0": np.zeros((1, 1, 2, 2))}},
        {"conv": {"kernel:0": np.zeros((1, 1, 2, 2)), "bias:0": np.zeros(2)}},
    ],
)
def test_a_layer_with_other_weights_is_named(write: Write, change: Layers) -> None:
    with pytest.raises(WeightsError) as caught:
        load_keras2_weights(block(), write(**change))
    assert "where out_conv has" in str(caught.value.received)


def test_a_file_with_other_layers_is_refused(write: Write) -> None:
    with pytest.raises(WeightsError) as caught:
        load_keras2_weights(block(), write(("conv", "skip", "conv_bn")))
    assert caught.value.received == "3 layers with weights, not 4"


@pytest.mark.parametrize("content", [b"garbage" * 50, None])
def test_what_is_no_such_file_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.h5"
    if content is None:
        h5py.File(path, "w").close()
    else:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match="none of Keras 2"):
        load_keras2_weights(block(), path)


@pytest.mark.parametrize(("name", "ours"), [("a_notop.h5", True), ("a.weights.h5", False), ("a.keras", False)])
def test_the_layout_is_told_by_the_name(name: str, ours: bool) -> None:
    assert is_keras2_file(Path(name)) is ours
