import subprocess
import sys

import pytest

from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.backbone.spec import BackboneSpec, backbone_specs
from medfake.detectors.registry import detector_names, detector_spec, validate_options
from medfake.errors import ConfigError, UnknownDetectorError

BACKBONES = [spec.name for spec in backbone_specs()]


def test_reading_the_registry_loads_no_training_library() -> None:
    code = (
        "import sys; from medfake.detectors.registry import detector_names, validate_options\n"
        "[validate_options(name, {}) for name in detector_names()]\n"
        "heavy = ('tensorflow', 'keras', 'sklearn', 'onnxruntime', 'pydicom', 'scipy', 'joblib')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_names_are_sorted_and_match_a_pattern() -> None:
    assert detector_names() == sorted(detector_names())
    assert {"MobileNetV3Large", "RandomForest", "ResidualCNN"} <= set(detector_names())
    assert detector_names("Res*CNN") == ["ResidualCNN"]
    assert detector_names("nothing*") == []


def test_a_near_miss_names_the_detector_that_was_meant() -> None:
    with pytest.raises(UnknownDetectorError) as caught:
        detector_spec("ResidualCCN")
    assert "did you mean 'ResidualCNN'?" in str(caught.value)
    assert "ResidualCCN" in str(caught.value)


def test_a_far_miss_lists_all_names_and_guesses_none() -> None:
    with pytest.raises(UnknownDetectorError) as caught:
        detector_spec("qqq")
    assert "did you mean" not in str(caught.value)
    assert all(name in str(caught.value) for name in detector_names())


def test_a_misspelt_option_is_named_by_its_full_key_with_the_near_one() -> None:
    with pytest.raises(ConfigError) as caught:
        validate_options("ResidualCNN", {"lerning_rate": 0.1})
    assert "unknown key detectors.ResidualCNN.lerning_rate = 0.1" in str(caught.value)
    assert "did you mean 'learning_rate'?" in str(caught.value)


def test_a_misspelt_nested_option_is_named_by_its_full_key() -> None:
    with pytest.raises(ConfigError, match=r"detectors\.MobileNetV3Large\.fine_tune\.epoch = 3, did you mean 'epochs'"):
        validate_options("MobileNetV3Large", {"fine_tune": {"epoch": 3}})


def test_a_wrong_type_is_named_with_its_value() -> None:
    with pytest.raises(ConfigError, match=r"detectors\.MobileNetV3Large\.epochs = '80'"):
        validate_options("MobileNetV3Large", {"epochs": "80"})


@pytest.mark.parametrize(
    ("name", "key", "allowed", "refused"),
    [
        ("MobileNetV3Large", "input_size", 32, 31),
        ("MobileNetV3Large", "epochs", 0, -1),
        ("MobileNetV3Large", "batch_size", 1, 0),
        ("ResidualCNN", "presentations", 64, 63),
        ("ResidualCNN", "label_smoothing", 0.49, 0.5),
        ("ResidualCNN", "label_smoothing", 0.0, -0.01),
        ("ResidualCNN", "learning_rate", 1e-9, 0.0),
        ("ResidualCNN", "top_places", 1, 0),
        ("SliceGRU", "reach", 32, 33),
        ("SliceGRU", "reach_mm", 12.0, 12.1),
        ("SliceGRU", "bridge_mm", 0.1, 0.0),
        ("SliceGRU", "alone", 1.0, 1.1),
        ("SliceFeatureGRU", "noise", 0.0, -0.1),
        ("RandomForest", "pool", 1, 0),
        ("RandomForest", "max_depth", 1, 0),
        ("RandomForest", "max_depth", None, -3),
        ("RandomForest", "max_features", 0.5, "cube"),
    ],
)
def test_options_have_bounds(name: str, key: str, allowed: object, refused: object) -> None:
    assert getattr(validate_options(name, {key: allowed}), key) == allowed
    with pytest.raises(ConfigError, match=rf"detectors\.{name}\.{key}"):
        validate_options(name, {key: refused})


def test_lists_of_yaml_serve_as_windows_and_heads() -> None:
    options = validate_options("MobileNetV3Large", {"window_hu": [-1000, 400], "head": [10]})
    assert isinstance(options, BackboneOptions)
    assert (options.window_hu, options.head) == ((-1000.0, 400.0), (10,))


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_trains_as_the_paper_printed_unless_told_otherwise(name: str) -> None:
    options = validate_options(name, {})
    assert isinstance(options, BackboneOptions)
    assert (options.input_size, options.batch_size, options.epochs, options.learning_rate) == (512, 8, 80, 1e-4)
    assert (options.fine_tune.epochs, options.fine_tune.learning_rate) == (20, 1e-5)
    assert options.head == (512, 256)
    assert options.weights == "imagenet"


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_states_its_input_range_width_and_map_layer(name: str) -> None:
    spec = detector_spec(name)
    assert isinstance(spec, BackboneSpec)
    assert spec.contract in ("raw", "torch", "tf", "caffe")
    assert spec.feature_width
    assert spec.gradcam_layer
    assert not spec.localises


def test_detectors_with_maps_name_places() -> None:
    localising = [name for name in detector_names() if detector_spec(name).localises]
    assert localising == sorted([
        "CopyMove", "DenoiserResidual", "PaDiM", "PatchCore", "ResidualCNN", "ResidualStatistics", "SliceFeatureGRU",
        "SliceGRU", "SliceWindow", "WaveletCooccurrenceSVM",
    ])  # fmt: skip
