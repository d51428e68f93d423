"""Grad-CAM on networks whose reason is known: one bright square, and nothing else."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.detectors.backbone.graph import build_detector, build_extractor, build_head
from medfake.detectors.backbone.last_maps import cut_backbone
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.backbone.spec import BackboneSpec
from medfake.detectors.families import family_of
from medfake.detectors.registry import DETECTORS, detector_spec
from medfake.errors import ManifestError
from medfake.explain.grad_cam import grad_cam
from medfake.explain.registry import ExplainedPackage, ShownSlice
from medfake.log_odds import sigmoid
from medfake.package.card import KERAS_FILE
from medfake.training.keras_setup import import_keras

SPACING = (0.7, 0.7)
SIZE = 64
SQUARE = (slice(24, 32), slice(120, 130))  # of slices of 96 x 160 px, which the network sees as 64 x 64


def tiny(shape: tuple[int, int, int], _: str | None) -> Any:
    """Maps of 16 x 16: how bright a cell is, and how dark."""
    import keras
    from keras import layers

    image = layers.Input(shape)
    cells = layers.AveragePooling2D(4)(image)
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0] = 1, -1
    bias = np.array([-128.0, 128.0], np.float32)
    maps = layers.Conv2D(2, 1, activation="relu", name="maps")(cells)
    model = keras.Model(image, layers.Rescaling(1 / 16)(maps), name="tiny")
    model.get_layer("maps").set_weights([kernel, bias])
    return model


SPEC = BackboneSpec(name="Tiny", build=tiny, contract="raw", feature_width=2, gradcam_layer="maps")


def detector(weights: list[list[float]], bias: list[float]) -> Any:
    """The whole graph: brightness and darkness, averaged, decide linearly."""
    keras = import_keras(1)
    options = BackboneOptions(weights="none", input_size=SIZE)
    extractor, _ = build_extractor(tiny((SIZE, SIZE, 3), None), options, SPEC.contract)
    head = build_head(2, (), classes=0 if len(bias) == 1 else len(bias))
    head.set_weights([np.array(weights, np.float32), np.array(bias, np.float32)])
    model = build_detector(extractor, head)
    assert isinstance(model, keras.Model)
    return model


@pytest.fixture
def store(make_package: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Callable[..., ExplainedPackage]:
    """A package of the detector that is registered for the time of a test."""
    len(DETECTORS)  # looks through its folder first
    monkeypatch.setitem(DETECTORS._things, SPEC.name, SPEC)

    def write(model: Any) -> ExplainedPackage:
        folder = make_package("tiny", detector=SPEC.name)
        model.save(folder / KERAS_FILE)
        return ExplainedPackage.open(folder)

    return write


def with_square() -> np.ndarray:
    hu = np.full((96, 160), -1000, np.int16)
    hu[SQUARE] = 100
    return hu


@pytest.mark.parametrize("bias", [0.0, 200.0])  # with 200 P has rounded to 1, and a probability has no gradient
def test_the_peak_lies_on_the_square_that_decides_at_native_resolution(
    store: Callable[..., ExplainedPackage], bias: float
) -> None:
    package = store(detector([[1.0], [0.0]], [bias]))
    heat = grad_cam(package)(ShownSlice(with_square(), SPACING))
    assert heat.values.shape == (96, 160)
    y, x = heat.peak
    assert abs(y - 27.5) <= 3  # half a cell of 6 rows and 10 columns
    assert abs(x - 124.5) <= 5
    assert heat.values[60:, :80].max() == 0


def test_what_speaks_against_tampering_is_cut_off(store: Callable[..., ExplainedPackage]) -> None:
    package = store(detector([[-1.0], [0.0]], [0.0]))
    assert grad_cam(package)(ShownSlice(with_square(), SPACING)).peak is None


@pytest.mark.parametrize(
    ("weights", "found"),
    [([[0.0, 1.0], [0.0, 0.0]], True), ([[1.0, 0.0], [0.0, 0.0]], False), ([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]], True)],
)
def test_of_a_softmax_every_class_but_the_first_is_tampered(
    store: Callable[..., ExplainedPackage], weights: list[list[float]], found: bool
) -> None:
    package = store(detector(weights, [0.0] * len(weights[0])))
    assert (grad_cam(package)(ShownSlice(with_square(), SPACING)).peak is not None) is found


def test_a_shortcut_past_the_registered_layer_counts_in_the_end() -> None:
    import_keras(1)
    from keras import Model, layers

    image = layers.Input((SIZE, SIZE, 3))
    cells = layers.AveragePooling2D(4)(image)
    backbone = Model(image, layers.Conv2D(2, 1)(cells) + layers.Conv2D(2, 1, name="maps")(cells), name="shortcut")
    extractor, _ = build_extractor(backbone, BackboneOptions(weights="none", input_size=SIZE), "tf")
    model = build_detector(extractor, build_head(2, ()))
    slices = with_square()[None]
    parts = cut_backbone(model, "maps")
    said = sigmoid(np.asarray(parts.logit(parts.front(slices), slices)))
    np.testing.assert_allclose(said, np.asarray(model(slices)["p_tampered"]), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_log_odds_are_those_of_every_class_but_the_first(classes: int) -> None:
    rng = np.random.default_rng(1)
    model = detector(rng.normal(0, 0.1, (2, classes)).tolist(), rng.normal(0, 1, classes).tolist())
    slices = rng.integers(-1000, 100, (2, 96, 160)).astype(np.int16)
    parts = cut_backbone(model, "maps")
    said = sigmoid(np.asarray(parts.logit(parts.front(slices), slices)))
    np.testing.assert_allclose(said, np.asarray(model(slices)["p_tampered"]), atol=1e-5)


def test_a_network_without_the_registered_layer_is_refused() -> None:
    with pytest.raises(ManifestError, match="not built of a backbone with the layer that is registered"):
        cut_backbone(detector([[1.0], [0.0]], [0.0]), "no such layer")


def test_both_parts_say_what_the_whole_says(tmp_path: Path) -> None:
    import_keras(1)
    spec: Any = detector_spec("CustomCNN")  # tests of the networks' contract ask the same of each
    options = BackboneOptions(weights="none", input_size=SIZE)
    extractor, _ = build_extractor(spec.build((SIZE, SIZE, 3), None), options, spec.contract)
    model = build_detector(extractor, build_head(spec.feature_width, (8,)))
    model.save(tmp_path / KERAS_FILE)
    slices = np.random.default_rng(1).integers(-1000, 100, (2, 96, 128)).astype(np.int16)
    parts = family_of(spec).last_maps(spec, tmp_path)
    said = sigmoid(np.asarray(parts.logit(parts.front(slices), slices)))
    np.testing.assert_allclose(said, np.asarray(model(slices)["p_tampered"]), atol=1e-5)


def test_both_parts_of_the_forensic_network_say_what_the_whole_says(tmp_path: Path) -> None:
    import_keras(1)
    spec = detector_spec("ResidualCNN")
    _, model = spec.build(2)
    model.get_layer("calibration").set_weights([np.float32(0.5), np.float32(0.1)])
    model.save(tmp_path / KERAS_FILE)
    slices = np.random.default_rng(1).normal(-850, 60, (1, 176, 208)).astype(np.int16)
    parts = family_of(spec).last_maps(spec, tmp_path)
    maps = parts.front(slices)
    assert maps.shape[1:3] == (44, 52)  # cells of 4 px
    said = sigmoid(np.asarray(parts.logit(maps, slices)))
    np.testing.assert_allclose(said, np.asarray(model(slices)["p_tampered"]), atol=1e-5)


def test_a_package_without_its_keras_form_is_told_what_to_type(tmp_path: Path) -> None:
    spec = detector_spec("CustomCNN")
    with pytest.raises(ManifestError, match="the network of this package cannot be loaded") as caught:
        family_of(spec).last_maps(spec, tmp_path / "models" / "chest" / "CustomCNN" / "seed-1")
    assert caught.value.remedy == "dvc repro -s -f train@chest-CustomCNN-1"


ON_JAX = """
import numpy as np
from medfake.detectors.backbone.graph import build_detector, build_extractor, build_head
from medfake.detectors.backbone.last_maps import cut_backbone
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.registry import detector_spec
from medfake.training.gradients import gradient_of_sum
from medfake.training.keras_setup import import_keras
keras = import_keras(1)
assert keras.backend.backend() == "jax"
at = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
assert (gradient_of_sum(lambda x: keras.ops.square(x)[:, 0], at) == [[2.0, 0.0], [6.0, 0.0]]).all()
spec = detector_spec("CustomCNN")
extractor, _ = build_extractor(spec.build((64, 64, 3), None), BackboneOptions(weights="none", input_size=64), "tf")
model = build_detector(extractor, build_head(spec.feature_width, (8,)))
slices = np.random.default_rng(1).integers(-1000, 100, (2, 96, 128)).astype(np.int16)
parts = cut_backbone(model, spec.gradcam_layer)
maps = np.asarray(parts.front(slices))
said = 1 / (1 + np.exp(-np.asarray(parts.logit(maps, slices))))
assert np.abs(said - np.asarray(model(slices)["p_tampered"])).max() < 1e-5
gradient = gradient_of_sum(lambda values: parts.logit(values, slices), maps)
assert gradient.shape == maps.shape
assert gradient.any()
"""


def test_gradients_are_of_the_sum_and_0_where_nothing_depends() -> None:
    from keras import ops

    from medfake.training.gradients import gradient_of_sum

    at = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    assert (gradient_of_sum(lambda x: ops.square(x)[:, 0], at) == [[2.0, 0.0], [6.0, 0.0]]).all()
    assert (gradient_of_sum(lambda x: ops.zeros((2,)), at) == 0).all()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_networks_are_cut_and_differentiated_on_jax_too() -> None:
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", ON_JAX], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
