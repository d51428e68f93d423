"""Random backbones whose features must vary with the slice."""

from typing import Any

import numpy as np
import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.backbone.graph import build_extractor
from medfake.detectors.backbone.normalisation import measure_normalisation, require_spread
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.registry import detector_spec
from medfake.errors import TrainingError
from medfake.training.keras_setup import import_keras


def deep_extractor() -> tuple[Any, Any, Any]:
    import_keras(1)
    spec = detector_spec("MobileNetV3Large")
    backbone = spec.build((64, 64, 3), None)
    options = BackboneOptions(weights="none", input_size=64)
    features, images = build_extractor(backbone, options, "raw")
    return backbone, features, images


def test_features_of_a_deep_random_backbone_fade_until_its_statistics_are_measured(dataset: Dataset) -> None:
    backbone, features, images = deep_extractor()
    slices = dataset.slices(dataset.split("val"))
    before = features.predict_on_batch(slices)
    with pytest.raises(TrainingError, match="same features for every slice"):
        require_spread(before, "MobileNetV3Large")
    measure_normalisation(images, backbone, dataset)
    after = features.predict_on_batch(slices)
    require_spread(after, "MobileNetV3Large")
    assert after.std(axis=0).max() > 1e-2


def test_momenta_are_as_before(dataset: Dataset) -> None:
    backbone, _, images = deep_extractor()
    momenta = [layer.momentum for layer in backbone.layers if hasattr(layer, "momentum")]
    measure_normalisation(images, backbone, dataset)
    assert [layer.momentum for layer in backbone.layers if hasattr(layer, "momentum")] == momenta


def test_features_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TrainingError):
        require_spread(np.full((3, 2), np.nan, np.float32), "any")
