"""The derivative of a network by its pixels, where the answer is known."""

import importlib.util
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from medfake.errors import TrainingError
from medfake.training.input_gradient import InputGradient
from medfake.training.keras_setup import import_keras

keras = import_keras(0)


def mean_of_squares(**outputs: Any) -> Any:
    """A network that says the mean of (HU / 100) squared."""
    from keras import layers, ops

    from medfake.detectors.layers import Hounsfield

    hu = layers.Input((None, None), dtype="int16", name="hu")
    real = Hounsfield()(hu)
    said = ops.mean(ops.square(real / 100.0), axis=(1, 2, 3))
    return keras.Model(hu, {"p_tampered": said, **outputs} if outputs else said)


HU = np.array([[[-300, 0], [100, 200]], [[50, 50], [50, 50]]], np.int16)


def test_it_is_the_derivative_of_the_loss_by_each_pixel() -> None:
    gradient = InputGradient(mean_of_squares(), lambda labels, said: keras.ops.sum(labels * said))
    found = gradient(HU, np.array([1.0, -2.0], np.float32))
    expected = 2 * HU / 100**2 / 4 * np.array([1, -2])[:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32


def test_weights_are_those_of_the_network_as_it_stands() -> None:
    from keras import layers

    from medfake.detectors.layers import Hounsfield

    hu = layers.Input((2, 2), dtype="int16")
    dense = layers.Dense(1, use_bias=False, kernel_initializer="ones")
    gradient = InputGradient(keras.Model(hu, dense(layers.Flatten()(Hounsfield()(hu)))), lambda _, said: said)
    labels = np.zeros((2, 1), np.float32)
    assert (gradient(HU, labels) == 1).all()
    dense.set_weights([np.full((4, 1), 3.0)])
    assert (gradient(HU, labels) == 3).all()


def test_what_does_not_depend_on_pixels_has_no_gradient() -> None:
    gradient = InputGradient(mean_of_squares(), lambda labels, said: keras.ops.sum(labels) + 0.0 * keras.ops.sum(said))
    assert (gradient(HU, np.ones(2, np.float32)) == 0).all()
    gradient = InputGradient(mean_of_squares(), lambda labels, _: keras.ops.sum(labels))
    assert (gradient(HU, np.ones(2, np.float32)) == 0).all()


def test_a_network_that_hides_where_hu_enter_is_refused() -> None:
    from keras import layers

    hidden = mean_of_squares()
    hu = layers.Input((None, None), dtype="int16")
    with pytest.raises(TrainingError, match="cannot be derived by its pixels"):
        InputGradient(keras.Model(hu, hidden(hu)), lambda _, said: said)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_it_is_the_same_on_jax() -> None:
    script = (
        "from tests.training import test_input_gradient as here\n"
        "assert here.keras.backend.backend() == 'jax'\n"
        "here.test_it_is_the_derivative_of_the_loss_by_each_pixel()\n"
        "here.test_weights_are_those_of_the_network_as_it_stands()\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
