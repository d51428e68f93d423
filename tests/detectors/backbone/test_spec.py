"""What the registry says of backbones, against networks that are built small or not at all."""

import numpy as np

from medfake.detectors.backbone.graph import build_head
from medfake.detectors.backbone.spec import BackboneSpec, backbone_specs
from medfake.reports.published import read_table
from medfake.training.keras_setup import import_keras

BACKBONES = {spec.name: spec for spec in backbone_specs()}


def test_the_head_is_two_dense_layers_and_a_sigmoid() -> None:
    import_keras(0)
    head = build_head(960, (512, 256))
    assert head.count_params() == 960 * 512 + 512 + 512 * 256 + 256 + 256 + 1
    assert head.layers[-1].activation.__name__ == "sigmoid"


def test_parameters_with_head_are_those_of_the_backbone_and_its_dense_layers() -> None:
    counted = BackboneSpec(
        name="Tiny", build=build_head, contract="tf", feature_width=960, gradcam_layer="conv", parameters=1000
    )
    assert counted.parameters_with_head((512, 256)) == 1000 + 960 * 512 + 512 + 512 * 256 + 256 + 256 + 1


def test_parameters_that_nobody_counted_are_not_made_up() -> None:
    uncounted = BackboneSpec(name="Tiny", build=build_head, contract="tf", feature_width=4, gradcam_layer="conv")
    assert uncounted.parameters_with_head() is None


def test_every_network_of_the_papers_table_3_is_there() -> None:
    assert {row["model"] for row in read_table("alsabbagh_table3")} <= set(BACKBONES)


def test_the_other_networks_of_keras_can_be_had_by_their_names() -> None:
    import_keras(0)
    for name in ("EfficientNetB0", "EfficientNetV2B0", "MobileNet", "MobileNetV3Small", "VGG16", "ConvNeXtSmall"):
        spec = BACKBONES[name]
        network = spec.build((32, 32, 3), None)
        assert network.output_shape[-1] == spec.feature_width
        assert network.count_params() == spec.parameters
        assert len(network.get_layer(spec.gradcam_layer).output.shape) == 4


def test_resnet18_has_the_weights_of_its_paper() -> None:
    import_keras(0)
    network = BACKBONES["ResNet18"].build((64, 64, 3), None)
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == 11_176_512
