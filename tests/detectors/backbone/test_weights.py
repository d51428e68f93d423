"""Where weights come from, with a two-layer backbone; no network anywhere."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.detectors.backbone.spec import BackboneSpec
from medfake.detectors.backbone.weights import DOWNLOAD_VARIABLE, Weights, build_backbone, find_weights
from medfake.detectors.registry import detector_spec
from medfake.errors import WeightsError
from medfake.files import sha256_file
from medfake.training.keras_setup import import_keras

SHAPE = (32, 32, 3)
LOCAL = Path(__file__).resolve().parents[3].parent / "shared" / "weights" / "mobilenet_2_5_224_tf_no_top.h5"


def make_spec(name: str, build: Callable[..., Any]) -> BackboneSpec:
    return BackboneSpec(name=name, build=build, contract="tf", feature_width=4, gradcam_layer="conv",
                        imagenet_file="weights_tiny_net_no_top.weights.h5")  # fmt: skip


def build(spec: BackboneSpec, shape: tuple[int, int, int], weights: str) -> tuple[Any, Weights]:
    found = find_weights(spec, weights)
    return build_backbone(spec, shape, found), found


@pytest.fixture
def tiny() -> BackboneSpec:
    keras = import_keras(0)

    def built(shape: tuple[int, int, int], weights: str | None) -> Any:
        model = keras.Sequential([keras.layers.Input(shape), keras.layers.Conv2D(4, 3, name="conv")])
        if weights is not None:
            model.load_weights(weights)
        return model

    return make_spec("TinyNet", built)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv(DOWNLOAD_VARIABLE, raising=False)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def save_other(spec: BackboneSpec, path: Path) -> Any:
    """Weights that no seed gives."""
    model, _ = build(spec, SHAPE, "none")
    model.set_weights([np.full(weight.shape, 0.25, np.float32) for weight in model.get_weights()])
    model.save_weights(path)
    return model


def test_none_is_random_and_says_so(tiny: BackboneSpec) -> None:
    _, weights = build(tiny, SHAPE, "none")
    assert (weights.kind, weights.sha256) == ("none", None)


def test_a_file_is_loaded_and_its_digest_kept(tiny: BackboneSpec, tmp_path: Path) -> None:
    path = tmp_path / "other.weights.h5"
    save_other(tiny, path)
    model, weights = build(tiny, SHAPE, str(path))
    assert all((weight == 0.25).all() for weight in model.get_weights())
    assert (weights.kind, weights.sha256) == ("file", sha256_file(path))


def test_a_missing_file_is_named_and_nothing_random_takes_its_place(tiny: BackboneSpec, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        build(tiny, SHAPE, str(tmp_path / "absent.h5"))
    assert "absent.h5" in str(caught.value)
    assert "detectors.TinyNet.weights" in str(caught.value)


def test_a_folder_is_no_weights_file(tiny: BackboneSpec, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="missing"):
        build(tiny, SHAPE, str(tmp_path))


@pytest.mark.parametrize("name", ["garbage.weights.h5", "garbage.txt"])
def test_a_file_that_is_no_weights_is_named(tiny: BackboneSpec, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"garbage" * 50)
    with pytest.raises(WeightsError, match=name):
        build(tiny, SHAPE, str(tmp_path / name))


def test_imagenet_weights_that_are_not_here_are_not_fetched(cache: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        build(detector_spec("MobileNetV3Large"), SHAPE, "imagenet")
    assert str(cache) in str(caught.value)
    assert f"{DOWNLOAD_VARIABLE}=1" in str(caught.value)
    assert list(cache.iterdir()) == []


def test_imagenet_weights_are_taken_from_the_cache(tiny: BackboneSpec, cache: Path) -> None:
    path = cache / "weights_tiny_net_no_top.weights.h5"
    save_other(tiny, path)
    model, weights = build(tiny, SHAPE, "imagenet")
    assert all((weight == 0.25).all() for weight in model.get_weights())
    assert (weights.kind, weights.sha256) == ("imagenet", sha256_file(path))


def test_a_file_that_has_an_address_is_told_with_it(cache: Path) -> None:
    with pytest.raises(WeightsError, match=r"keras-applications/regnet/regnetx040_notop\.h5"):
        find_weights(detector_spec("RegNetX040"), "imagenet")


def test_what_cannot_be_fetched_ends_in_words(tiny: BackboneSpec, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(shape: tuple[int, int, int], weights: str | None) -> Any:
        raise Exception("URL fetch failure")  # noqa: TRY002  # as Keras raises it

    monkeypatch.setenv(DOWNLOAD_VARIABLE, "1")
    with pytest.raises(WeightsError, match="could not be fetched") as caught:
        find_weights(replace(tiny, build=unreachable), "imagenet")
    assert "URL fetch failure" in str(caught.value)


def test_another_networks_imagenet_file_is_not_taken(tiny: BackboneSpec, cache: Path) -> None:
    save_other(tiny, cache / "weights_other_net_no_top.weights.h5")
    with pytest.raises(WeightsError, match="weights_tiny_net_no_top"):
        build(tiny, SHAPE, "imagenet")


def test_a_backbone_without_imagenet_weights_says_so(tiny: BackboneSpec, cache: Path) -> None:
    with pytest.raises(WeightsError, match="no ImageNet weights for this backbone"):
        build(replace(tiny, imagenet_file=""), SHAPE, "imagenet")


@pytest.mark.skipif(not LOCAL.is_file(), reason="no local ImageNet file beside the project")
def test_a_real_imagenet_file_gives_the_network_that_keras_gives(tmp_path: Path) -> None:
    keras = import_keras(0)

    def built(shape: tuple[int, int, int], weights: str | None) -> Any:
        return keras.applications.MobileNet(input_shape=shape, alpha=0.25, include_top=False, weights=weights)

    path = Path(shutil.copy(LOCAL, tmp_path))
    model, weights = build(make_spec("MobileNet", built), SHAPE, str(path))
    reference = keras.applications.MobileNet(input_shape=SHAPE, alpha=0.25, include_top=False, weights=str(path))
    image = np.random.default_rng(0).uniform(-1, 1, (1, *SHAPE)).astype(np.float32)
    np.testing.assert_array_equal(model(image), reference(image))
    assert weights.sha256 == sha256_file(LOCAL)
