"""The two phases with a backbone of two layers: seconds instead of minutes, the same code."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

from medfake.datasets.dataset import Dataset
from medfake.detectors.card import KERAS_FILE, ONNX_FILE
from medfake.detectors.options import BackboneOptions, FineTune
from medfake.detectors.registry import DetectorSpec
from medfake.detectors.scorer import Scorer
from medfake.errors import ExportMismatchError, WeightsError
from medfake.training.keras_setup import import_keras
from medfake.training.trained import Trained
from medfake.training.two_phase import _require_same, train_two_phase

Told = list[tuple[int, dict[str, float]]]
BASE = BackboneOptions(
    weights="none", input_size=32, head=(8,), epochs=3, learning_rate=1e-2, fine_tune=FineTune(epochs=0)
)
TUNED = BASE.model_copy(update={"fine_tune": FineTune(epochs=2, learning_rate=0.05)})


class Tiny:
    """A spec whose builder remembers the weights it gave out."""

    def __init__(self) -> None:
        self.start: dict[str, np.ndarray[Any, Any]] = {}
        self.spec = DetectorSpec(
            "Tiny", "backbone", BackboneOptions, self.build, contract="tf", feature_width=4, gradcam_layer="conv"
        )

    def build(self, shape: tuple[int, int, int], _: str | None) -> Any:
        from keras import Model, layers

        image = layers.Input(shape)
        maps = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 5, strides=4, name="conv")(image))
        model = Model(image, layers.ReLU()(maps), name="tiny")
        model.get_layer("norm").moving_mean.assign([0.1, -0.2, 0.3, 0.0])
        self.start = weights_of(model)
        return model


def weights_of(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {f"{layer.name}/{weight.name}": weight.numpy() for layer in model.layers for weight in layer.weights}


def train(tiny: Tiny, options: BackboneOptions, dataset: Dataset, seed: int = 1) -> tuple[Trained, Told]:
    told: Told = []
    return train_two_phase(
        tiny.spec, options, dataset, seed, lambda at, figures: told.append((at, dict(figures)))
    ), told


def weights_file(folder: Any) -> str:
    """A file for the builder, which does not read it."""
    path = folder / "tiny.h5"
    path.write_bytes(b"weights")
    return str(path)


def stored(trained: Trained, folder: Any) -> Any:
    import keras

    trained.save(folder)
    return keras.saving.load_model(folder / KERAS_FILE)


def test_a_frozen_backbone_keeps_its_weights_and_the_head_learns(dataset: Dataset, tmp_path: Any) -> None:
    tiny = Tiny()
    trained, told = train(tiny, BASE.model_copy(update={"weights": weights_file(tmp_path)}), dataset)
    kept = weights_of(stored(trained, tmp_path).get_layer("tiny"))
    assert kept.keys() == tiny.start.keys()
    for name, value in kept.items():
        np.testing.assert_array_equal(value, tiny.start[name])
    assert [at for at, _ in told] == [1, 2, 3]
    assert trained.weights["kind"] == "file"


def test_fine_tuning_moves_the_filters_but_not_the_moving_means(dataset: Dataset, tmp_path: Any) -> None:
    tiny = Tiny()
    phases = {"epochs": 0, "fine_tune": FineTune(epochs=3, learning_rate=1e-2)}
    options = BASE.model_copy(update={**phases, "weights": weights_file(tmp_path)})
    trained, told = train(tiny, options, dataset)
    assert [at for at, _ in told] == [1, 2, 3]
    now = weights_of(stored(trained, tmp_path).get_layer("tiny"))
    assert (now["conv/kernel"] != tiny.start["conv/kernel"]).any()
    for name in ("norm/moving_mean", "norm/moving_variance"):
        np.testing.assert_array_equal(now[name], tiny.start[name])


def test_the_second_phase_counts_on(dataset: Dataset) -> None:
    assert [at for at, _ in train(Tiny(), TUNED, dataset)[1]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("options", [BASE, TUNED])
def test_the_weights_with_the_lowest_validation_loss_are_kept(
    dataset: Dataset, tmp_path: Any, options: BackboneOptions
) -> None:
    trained, told = train(Tiny(), options.model_copy(update={"learning_rate": 0.3}), dataset)
    trained.save(tmp_path)
    val = dataset.split("val")
    p = Scorer(tmp_path / ONNX_FILE).score(dataset.slices(val)).p_tampered.astype(float)
    loss = log_loss(val.label, np.clip(p, 1e-7, 1 - 1e-7))
    assert loss <= min(figures["val_loss"] for _, figures in told) + 1e-4


def test_the_stored_form_scores_whole_slices_as_the_graph_does(dataset: Dataset, tmp_path: Any) -> None:
    trained, _ = train(Tiny(), BASE, dataset)
    model = stored(trained, tmp_path)
    slices = dataset.slices(dataset.split("test"))
    scores = Scorer(tmp_path / ONNX_FILE).score(slices)
    np.testing.assert_allclose(scores.p_tampered, np.asarray(model(slices)["p_tampered"]), atol=1e-4)
    assert scores.site_y is None
    assert trained.parameters == model.count_params()


def test_the_same_seed_trains_the_same_detector_and_another_another(dataset: Dataset) -> None:
    short = BASE.model_copy(update={"epochs": 1, "fine_tune": FineTune(epochs=1, learning_rate=1e-2)})
    told = [train(Tiny(), short, dataset, seed)[1] for seed in (1, 1, 2)]
    assert told[0] == told[1]
    assert told[0] != told[2]


def test_ctrl_c_comes_through(dataset: Dataset) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_two_phase(Tiny().spec, BASE, dataset, 1, interrupt)


def test_missing_weights_stop_before_anything_is_trained(dataset: Dataset, tmp_path: Any) -> None:
    told: Told = []
    options = BASE.model_copy(update={"weights": str(tmp_path / "absent.h5")})
    with pytest.raises(WeightsError, match=r"absent\.h5"):
        train_two_phase(Tiny().spec, options, dataset, 1, lambda *_: told.append((0, {})))
    assert told == []


def test_a_whole_that_is_not_the_head_on_its_features_is_refused(dataset: Dataset) -> None:
    keras = import_keras(0)
    head = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    features = np.ones((2, 4), np.float32)
    value = np.asarray(head(features)).reshape(-1)

    def whole(slices: Any, training: bool = False) -> dict[str, Any]:
        assert len(slices) == 2
        return {"p_tampered": value + shift}

    shift = 0.9e-4
    _require_same(whole, head, dataset.slices(dataset.split("val").iloc[:2]), features)
    shift = 1.1e-4
    with pytest.raises(ExportMismatchError, match=r"head\(features\)"):
        _require_same(whole, head, dataset.slices(dataset.split("val").iloc[:2]), features)
