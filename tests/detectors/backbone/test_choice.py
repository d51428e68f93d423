import pytest

from medfake.detectors.backbone.choice import LARGEST, choose_backbones, line_of
from medfake.detectors.backbone.spec import backbone_specs


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("DenseNet121", "DenseNet"),
        ("EfficientNetB4", "EfficientNet"),
        ("EfficientNetV2S", "EfficientNetV2"),
        ("EfficientNetV2B3", "EfficientNetV2"),
        ("ConvNeXtXLarge", "ConvNeXt"),
        ("MobileNetV3Large", "MobileNetV3"),
        ("MobileNetV2", "MobileNetV2"),
        ("ResNet50", "ResNet"),
        ("ResNet50V2", "ResNetV2"),
        ("RegNetX040", "RegNetX"),
        ("RegNetY040", "RegNetY"),
        ("VGG19", "VGG"),
        ("Xception", "Xception"),
        ("InceptionV3", "InceptionV3"),
    ],
)
def test_a_line_is_the_name_without_its_size(name: str, line: str) -> None:
    assert line_of(name) == line


def test_the_largest_that_fits_is_picked() -> None:
    chosen = {one.line: [spec.name for spec in one.chosen] for one in choose_backbones()}
    assert chosen["ConvNeXt"] == ["ConvNeXtTiny"]
    assert chosen["ResNetV2"] == ["ResNet50V2"]
    assert chosen["InceptionResNetV2"] == []
    assert chosen["DenseNet"] == ["DenseNet121", "DenseNet169", "DenseNet201"]


@pytest.mark.parametrize(("beside", "picked"), [(0, ["EfficientNetB5"]), (-1, ["EfficientNetB4"])])
def test_a_network_of_just_the_limit_fits(beside: int, picked: list[str]) -> None:
    specs = backbone_specs("EfficientNetB*")
    weights = next(spec.parameters_with_head() for spec in specs if spec.name == "EfficientNetB5")
    assert weights is not None
    assert weights < LARGEST
    (choice,) = choose_backbones(specs, weights + beside)
    assert [spec.name for spec in choice.chosen] == picked


def test_networks_without_imagenet_weights_do_not_stand() -> None:
    names = [spec.name for one in choose_backbones() for spec in (*one.chosen, *one.passed_over)]
    assert not {"CustomCNN", "ResNet18"} & set(names)
