"""RegNets against the networks that the paper used, their weights read from a file as it was published."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.detectors.backbone.weights import build_backbone, find_weights
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
def test_it_computes_what_the_reference_computes(name: str, reference_keras: Any, tmp_path: Path) -> None:
    build = getattr(reference_keras.applications.regnet, name)
    reference = build(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    rng = np.random.default_rng(1)
    reference.set_weights(scrambled(reference.get_weights(), rng))
    spec = detector_spec(name)
    path = tmp_path / spec.imagenet_file
    reference.save_weights(path)
    ours = build_backbone(spec, (SIZE, SIZE, 3), find_weights(spec, str(path)))
    images = rng.uniform(0, 255, (2, SIZE, SIZE, 3))
    expected = np.asarray(reference(images, training=False))
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(np.asarray(ours(images, training=False)), expected, rtol=1e-5)
