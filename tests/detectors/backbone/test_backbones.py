"""What every registered backbone must hold; new ones are found by themselves."""

from typing import Any

import numpy as np
import pytest

from medfake.detectors.backbone.graph import build_detector, build_extractor, build_head
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.registry import DetectorSpec, detector_names, detector_spec, parameters_of, parameters_with_head
from medfake.reports.published import read_table
from medfake.training.keras_setup import import_keras

BACKBONES = [name for name in detector_names() if detector_spec(name).family == "backbone"]
OF_PAPERS = [name for name in BACKBONES if detector_spec(name).paper]
QUICK = ["CustomCNN", "MobileNetV2", "MobileNetV3Large", "ResNet18"]
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in OF_PAPERS if name not in QUICK]
SIZE = 96


def published_millions() -> dict[str, float]:
    return {row["model"]: float(row["parameters_millions"]) for row in read_table("alsabbagh_table3")}


@pytest.fixture(scope="module", params=[*QUICK, *SLOW])
def built(request: pytest.FixtureRequest) -> tuple[DetectorSpec, Any, Any]:
    import_keras(0)
    spec = detector_spec(request.param)
    options = BackboneOptions(weights="none", input_size=SIZE)
    backbone = spec.build((SIZE, SIZE, 3), None)
    head = build_head(int(spec.feature_width or 0), options.head)
    extractor, _ = build_extractor(backbone, options, str(spec.contract))
    model = build_detector(extractor, head)
    return spec, backbone, (model, head, extractor)


def test_it_has_the_published_number_of_parameters(built: tuple[DetectorSpec, Any, Any]) -> None:
    spec, _, (model, _, _) = built
    known = published_millions()
    if spec.name not in known:
        pytest.skip("not in the paper's table 3")
    assert model.count_params() / 1e6 == pytest.approx(known[spec.name], abs=0.05)


def test_its_width_is_what_the_registry_says(built: tuple[DetectorSpec, Any, Any]) -> None:
    spec, backbone, _ = built
    assert backbone.output_shape[-1] == spec.feature_width


def test_its_map_layer_exists_and_has_maps(built: tuple[DetectorSpec, Any, Any]) -> None:
    spec, backbone, _ = built
    assert len(backbone.get_layer(spec.gradcam_layer).output.shape) == 4


def test_the_whole_is_the_head_on_the_pooled_features(built: tuple[DetectorSpec, Any, Any]) -> None:
    _, _, (model, head, extractor) = built
    slices = np.random.default_rng(0).integers(-1000, 400, (2, 80, 96)).astype(np.int16)
    p_tampered = np.asarray(model(slices)["p_tampered"])
    assert p_tampered.shape == (2,)
    np.testing.assert_allclose(p_tampered, np.asarray(head(extractor(slices))).reshape(-1), atol=1e-5)


def test_the_head_is_two_dense_layers_and_a_sigmoid() -> None:
    import_keras(0)
    head = build_head(960, (512, 256))
    assert head.count_params() == 960 * 512 + 512 + 512 * 256 + 256 + 256 + 1
    assert head.layers[-1].activation.__name__ == "sigmoid"


def test_its_weights_are_as_many_as_counted_once(built: tuple[DetectorSpec, Any, Any]) -> None:
    spec, backbone, (model, _, _) = built
    assert backbone.count_params() == parameters_of(spec.name)
    assert model.count_params() == parameters_with_head(spec.name)


def test_every_network_of_the_papers_table_3_is_there() -> None:
    assert set(published_millions()) <= set(BACKBONES)


def test_the_other_networks_of_keras_can_be_had_by_their_names() -> None:
    import_keras(0)
    for name in ("EfficientNetB0", "EfficientNetV2B0", "MobileNet", "MobileNetV3Small", "VGG16", "ConvNeXtSmall"):
        spec = detector_spec(name)
        network = spec.build((32, 32, 3), None)
        assert network.output_shape[-1] == spec.feature_width
        assert len(network.get_layer(spec.gradcam_layer).output.shape) == 4


def test_resnet18_has_the_weights_of_its_paper() -> None:
    import_keras(0)
    network = detector_spec("ResNet18").build((64, 64, 3), None)
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == 11_176_512
