"""Every shared layer against NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medfake.detectors import layers as graph
from medfake.training.keras_setup import import_keras

keras = import_keras(0)
Array = np.ndarray[Any, Any]
RNG = np.random.default_rng


def run(layer: Any, *inputs: Array) -> Any:
    outputs = layer(*inputs)
    return [np.asarray(one) for one in outputs] if isinstance(outputs, tuple) else np.asarray(outputs)


def test_the_window_maps_its_ends_to_black_and_white_and_clips_beyond() -> None:
    hu = np.array([-2000, -1350, -600, 150, 3000], np.float32).reshape(1, 1, 5, 1)
    hu = np.repeat(hu, 5, axis=1)
    image = run(graph.Window(-1350.0, 150.0, 5, "raw"), hu)
    np.testing.assert_allclose(image[0, 2, :, 0], [0, 0, 127.5, 255, 255], atol=1e-4)
    np.testing.assert_array_equal(image[..., 0], image[..., 2])


@pytest.mark.parametrize(
    ("contract", "preprocess"),
    [
        ("torch", keras.applications.densenet.preprocess_input),
        ("tf", keras.applications.xception.preprocess_input),
        ("caffe", keras.applications.vgg19.preprocess_input),
        ("raw", lambda image: image),
    ],
)
def test_each_contract_is_the_one_of_keras_applications(contract: str, preprocess: Callable[[Array], Array]) -> None:
    hu = RNG(2).uniform(-1500, 300, (2, 8, 8, 1)).astype(np.float32)
    grey = np.clip((hu + 1350) * 255 / 1500, 0, 255)
    expected = preprocess(np.repeat(grey, 3, axis=-1).copy())
    np.testing.assert_allclose(run(graph.Window(-1350.0, 150.0, 8, contract), hu), expected, atol=1e-3)


def test_the_window_resizes_to_what_the_backbone_takes() -> None:
    assert run(graph.Window(-1350.0, 150.0, 32, "raw"), np.zeros((2, 48, 64, 1), np.float32)).shape == (2, 32, 32, 3)


def test_calibration_starts_as_the_plain_sigmoid_and_follows_its_weights() -> None:
    logit = np.array([-2.0, 0.0, 3.0], np.float32)
    layer = graph.Calibration()
    np.testing.assert_allclose(run(layer, logit), 1 / (1 + np.exp(-logit)), atol=1e-6)
    layer.set_weights([np.float32(2.0), np.float32(-1.0)])
    np.testing.assert_allclose(run(layer, logit), 1 / (1 + np.exp(-(2 * logit - 1))), atol=1e-6)
    assert layer.trainable_weights == []
