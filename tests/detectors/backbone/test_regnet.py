"""RegNets against the networks that the paper used, weights copied layer by layer."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from medfake.detectors.registry import detector_spec
from medfake.training.keras_setup import import_keras

pytestmark = pytest.mark.slow
SIZE = 64


def scrambled(weights: list[np.ndarray[Any, Any]], rng: np.random.Generator) -> list[np.ndarray[Any, Any]]:
    """Moving statistics and biases that no initialiser gives."""
    return [one if one.ndim > 1 else one + rng.uniform(0.05, 0.3, one.shape) for one in weights]


@pytest.fixture
def reference_keras() -> Iterator[Any]:
    """tf_keras, both in double precision: what differs then is no rounding."""
    reference = pytest.importorskip("tf_keras", reason="tf_keras is not installed: it is the reference")
    keras = import_keras(1)
    reference.backend.set_floatx("float64")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield reference
    keras.config.set_dtype_policy("float32")
    keras.config.set_floatx("float32")
    reference.backend.set_floatx("float32")


@pytest.mark.parametrize("name", ["RegNetX040", "RegNetY040"])
def test_it_computes_what_the_reference_computes(name: str, reference_keras: Any) -> None:
    build = getattr(reference_keras.applications.regnet, name)
    reference = build(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    ours = detector_spec(name).build((SIZE, SIZE, 3), None)
    rng = np.random.default_rng(1)
    weights = scrambled(reference.get_weights(), rng)
    reference.set_weights(weights)
    ours.set_weights(weights)
    images = rng.uniform(0, 255, (2, SIZE, SIZE, 3))
    expected = np.asarray(reference(images, training=False))
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(np.asarray(ours(images, training=False)), expected, rtol=1e-5)
