"""The smallest network: as many weights as counted, maps where the registry says, and the published file fits it."""

from pathlib import Path

import numpy as np
import pytest

from medfake.detectors.backbone.spec import BackboneSpec, backbone_specs
from medfake.detectors.backbone.weights import build_backbone, find_weights

LOCAL = Path(__file__).resolve().parents[3].parent / "shared/weights/mobilenet_2_5_224_tf_no_top.h5"


@pytest.fixture
def spec() -> BackboneSpec:
    (found,) = backbone_specs("MobileNetQuarter")
    return found


def test_weights_width_and_map_layer_are_what_the_registry_says(spec: BackboneSpec) -> None:
    network = spec.build((64, 64, 3), None)
    assert network.count_params() == spec.parameters
    assert network.output_shape[-1] == spec.feature_width
    assert len(network.get_layer(spec.gradcam_layer).output.shape) == 4


@pytest.mark.skipif(not LOCAL.is_file(), reason="the weights file is not here")
def test_the_published_file_fits(spec: BackboneSpec) -> None:
    network = build_backbone(spec, (64, 64, 3), find_weights(spec, str(LOCAL)))
    assert np.abs(network.get_layer("conv1").get_weights()[0]).max() > 0.5  # random ones are smaller
