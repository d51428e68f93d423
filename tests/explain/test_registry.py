"""Which explanation a package gets, and what it is told where one does not fit."""

from collections.abc import Callable

import pytest

from medfake.errors import ConfigError, MedfakeError
from medfake.explain.registry import EXPLANATIONS, ExplainedPackage, choose_explanation
from medfake.package.card import KERAS_FILE
from tests.fixtures.place_detectors import place_detector

Write = Callable[..., ExplainedPackage]


def test_there_are_these() -> None:
    assert set(EXPLANATIONS) == {"grad-cam", "occlusion", "own-map"}


def test_a_detector_with_a_map_of_its_own_is_explained_by_it(write_package: Write) -> None:
    assert choose_explanation(write_package(place_detector(), "ResidualStatistics")).name == "own-map"


def test_a_network_of_convolutions_is_explained_by_grad_cam_where_its_keras_form_is_there(write_package: Write) -> None:
    package = write_package(detector="MobileNetV2")
    assert choose_explanation(package).name == "occlusion"
    (package.folder / KERAS_FILE).touch()
    assert choose_explanation(package).name == "grad-cam"


@pytest.mark.parametrize("detector", ["RandomForest", "ANameOfAnotherPackage"])
def test_whatever_else_is_explained_by_occlusion(write_package: Write, detector: str) -> None:
    assert choose_explanation(write_package(detector=detector)).name == "occlusion"


def test_a_detector_without_convolution_is_refused_grad_cam_and_told_what_to_type(write_package: Write) -> None:
    with pytest.raises(MedfakeError, match="RandomForest cannot be explained by grad-cam: it is no net") as e:
        choose_explanation(write_package(), "grad-cam")
    assert e.value.remedy is not None
    assert e.value.remedy.startswith("--method occlusion")


def test_a_detector_without_a_map_is_refused_its_own(write_package: Write) -> None:
    with pytest.raises(MedfakeError, match="its graph gives no map of places"):
        choose_explanation(write_package(), "own-map")


def test_an_unknown_method_is_told_with_a_near_match(write_package: Write) -> None:
    with pytest.raises(ConfigError, match="no explanation has this name") as caught:
        choose_explanation(write_package(), "gradcam")
    assert "did you mean 'grad-cam'?" in str(caught.value)
