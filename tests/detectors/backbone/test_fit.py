"""The two phases with a backbone of two layers: seconds instead of minutes, the same code."""

import csv
import io
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

from medfake.datasets.dataset import Dataset
from medfake.detectors.backbone.fit import BackboneContext, _require_same, train_two_phase
from medfake.detectors.backbone.options import BackboneOptions, FineTune
from medfake.detectors.backbone.spec import BackboneSpec
from medfake.detectors.context import TrainingContext
from medfake.detectors.families import family_of
from medfake.detectors.grid_search import GRID_FILE
from medfake.errors import ExportMismatchError, TrainingError, WeightsError
from medfake.package.card import KERAS_FILE, ONNX_FILE
from medfake.package.scorer import Scorer
from medfake.training.adversarial import Adversarial
from medfake.training.keras_setup import import_keras
from medfake.training.phase import train_phase
from medfake.training.run_state import RunState
from medfake.training.trained import Trained

Told = list[tuple[int, dict[str, float]]]
BASE = BackboneOptions(
    weights="none", input_size=32, head=(8,), epochs=3, learning_rate=1e-2, fine_tune=FineTune(epochs=0)
)
TUNED = BASE.model_copy(update={"fine_tune": FineTune(epochs=2, learning_rate=0.05)})


class Tiny:
    """A spec whose builder remembers the weights it gave out."""

    def __init__(self) -> None:
        self.start: dict[str, np.ndarray[Any, Any]] = {}
        self.spec = BackboneSpec(name="Tiny", build=self.build, contract="tf", feature_width=4, gradcam_layer="conv")

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


def run(spec: BackboneSpec, options: BackboneOptions, dataset: Dataset, seed: int, on_epoch: Any) -> Trained:
    folder = Path(tempfile.mkdtemp())
    return train_two_phase(context(spec, options, dataset, folder / "features", folder / "state", on_epoch, seed=seed))


def context(
    spec: BackboneSpec, options: BackboneOptions, dataset: Dataset, features: Path, state: Path, on_epoch: Any,
    *, seed: int = 1,
) -> BackboneContext:  # fmt: skip
    return TrainingContext(
        spec=spec, options=options, dataset=dataset, seed=seed, features=features, state=RunState(state, {}),
        on_epoch=on_epoch,
    )  # fmt: skip


def train(tiny: Tiny, options: BackboneOptions, dataset: Dataset, seed: int = 1) -> tuple[Trained, Told]:
    told: Told = []
    return run(tiny.spec, options, dataset, seed, lambda at, figures: told.append((at, dict(figures)))), told


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


def test_a_network_from_scratch_trains_its_normalisation(dataset: Dataset, tmp_path: Any) -> None:
    tiny = Tiny()
    options = BASE.model_copy(update={"epochs": 0, "fine_tune": FineTune(epochs=3, learning_rate=1e-2)})
    trained, _ = train(tiny, options, dataset)
    now = weights_of(stored(trained, tmp_path).get_layer("tiny"))
    for name in ("conv/kernel", "norm/gamma", "norm/moving_mean", "norm/moving_variance"):
        assert (now[name] != tiny.start[name]).any()


def test_networks_from_scratch_begin_with_weights_of_their_seed(dataset: Dataset) -> None:
    starts = []
    for seed in (1, 1, 2):
        tiny = Tiny()
        train(tiny, TUNED.model_copy(update={"epochs": 0}), dataset, seed)
        starts.append(tiny.start["conv/kernel"])
    np.testing.assert_array_equal(starts[0], starts[1])
    assert (starts[0] != starts[2]).any()


def test_frozen_random_weights_are_the_same_for_all_seeds(dataset: Dataset) -> None:
    starts = []
    for seed in (1, 2):
        tiny = Tiny()
        train(tiny, BASE.model_copy(update={"epochs": 0}), dataset, seed)
        starts.append(tiny.start["conv/kernel"])
    np.testing.assert_array_equal(*starts)


@pytest.mark.parametrize(("epochs", "shared"), [(0, True), (1, False)])
def test_only_frozen_backbones_share_features(dataset: Dataset, tmp_path: Path, epochs: int, shared: bool) -> None:
    options = BASE.model_copy(update={"fine_tune": FineTune(epochs=epochs)})
    spec, family = Tiny().spec, family_of(Tiny().spec)
    assert (family.features_key(options) is not None) is shared
    said = family.prepare(spec, options, dataset, tmp_path / "features")
    assert ("trained from scratch" in said) is not shared
    assert any((tmp_path / "features").iterdir()) is shared
    train_two_phase(context(spec, options, dataset, tmp_path / "features", tmp_path / "state", lambda *_: None))
    assert any((tmp_path / "features").iterdir()) is shared


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
        run(Tiny().spec, BASE, dataset, 1, interrupt)


def test_missing_weights_stop_before_anything_is_trained(dataset: Dataset, tmp_path: Any) -> None:
    told: Told = []
    options = BASE.model_copy(update={"weights": str(tmp_path / "absent.h5")})
    with pytest.raises(WeightsError, match=r"absent\.h5"):
        run(Tiny().spec, options, dataset, 1, lambda *_: told.append((0, {})))
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


class StoppedError(Exception):
    """Stands for a kill: nothing after it runs."""


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_training_that_was_cut_short_ends_with_the_same_figures(
    dataset: Dataset, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunState, "due", lambda _: True)
    whole: Told = []
    arguments = (Tiny().spec, TUNED, dataset, tmp_path / "f")
    trained = train_two_phase(context(*arguments, tmp_path / "a", lambda *told: whole.append(told)))
    (tmp_path / "whole").mkdir()
    trained.save(tmp_path / "whole")
    told: Told = []

    def stopped(epoch: int, figures: Any) -> None:
        told.append((epoch, figures))
        if epoch == at:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_two_phase(context(*arguments, tmp_path / "b", stopped))
    resumed = train_two_phase(context(*arguments, tmp_path / "b", lambda *one: told.append(one)))
    assert dict(told) == dict(whole)
    assert [epoch for epoch, _ in told].count(max(1, at - 1)) == (2 if at == 1 else 1)  # it did not begin anew
    (tmp_path / "resumed").mkdir()
    resumed.save(tmp_path / "resumed")
    slices = dataset.slices(dataset.split("test"))
    said = [Scorer(tmp_path / name / ONNX_FILE).score(slices).p_tampered for name in ("whole", "resumed")]
    np.testing.assert_array_equal(*said)


ATTACKED = TUNED.model_copy(update={"adversarial": Adversarial(epsilon_hu=20, steps=2)})


def test_attacks_change_what_the_second_phase_learns_and_nothing_else(dataset: Dataset, tmp_path: Path) -> None:
    _, plain = train(Tiny(), TUNED, dataset)
    _, attacked = train(Tiny(), ATTACKED, dataset)
    assert attacked[:3] == plain[:3]
    assert all(one != other for one, other in zip(attacked[3:], plain[3:], strict=True))


def test_an_attacked_training_that_was_cut_short_ends_with_the_same_figures(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunState, "due", lambda _: True)
    _, whole = train(Tiny(), ATTACKED, dataset)
    told: Told = []

    def stopped(epoch: int, figures: Any) -> None:
        told.append((epoch, dict(figures)))
        if epoch == 5:
            raise StoppedError

    arguments = (Tiny().spec, ATTACKED, dataset, tmp_path / "f", tmp_path / "state")
    with pytest.raises(StoppedError):
        train_two_phase(context(*arguments, stopped))
    train_two_phase(context(*arguments, lambda epoch, figures: told.append((epoch, dict(figures)))))
    assert told == [*whole, whole[-1]]


def test_half_precision_of_a_wide_range_is_attacked_too(dataset: Dataset) -> None:
    _, told = train(Tiny(), ATTACKED.model_copy(update={"precision": "mixed_bfloat16"}), dataset)
    assert all(np.isfinite(figures["train_loss"]) for _, figures in told)


def test_a_softmax_of_two_says_what_its_second_output_says(dataset: Dataset, tmp_path: Path) -> None:
    trained, told = train(Tiny(), TUNED.model_copy(update={"output": "softmax", "head": (10,)}), dataset)
    model = stored(trained, tmp_path)
    slices = dataset.slices(dataset.split("test"))
    assert set(model(slices)) == {"p_tampered", "embedding"}
    scores = Scorer(tmp_path / ONNX_FILE).score(slices)
    np.testing.assert_allclose(scores.p_tampered, np.asarray(model(slices)["p_tampered"]), atol=1e-4)
    assert len(told) == 5


@pytest.mark.parametrize("options", [BASE, TUNED])
def test_three_classes_add_up_to_tampered(dataset: Dataset, tmp_path: Path, options: BackboneOptions) -> None:
    three = replace(dataset, facts={**dataset.facts, "classes": 3})
    trained, _ = train(Tiny(), options.model_copy(update={"output": "softmax"}), three)
    trained.save(tmp_path)
    scores = Scorer(tmp_path / ONNX_FILE).score(dataset.slices(dataset.split("test")))
    assert scores.p_classes is not None
    assert scores.p_classes.shape == (len(scores.p_tampered), 3)
    np.testing.assert_allclose(scores.p_classes.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(scores.p_classes[:, 1:].sum(axis=1), scores.p_tampered, atol=1e-5)


def test_a_sigmoid_is_refused_for_three_classes(dataset: Dataset) -> None:
    with pytest.raises(TrainingError, match="three classes"):
        train(Tiny(), BASE, replace(dataset, facts={**dataset.facts, "classes": 3}))


@pytest.mark.parametrize(
    ("precision", "computed", "optimizer"),
    [("mixed", "bfloat16", "Adam"), ("mixed_float16", "float16", "LossScaleOptimizer")],
)
def test_half_precision_trains_and_stores_single(
    precision: str, computed: str, optimizer: str, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learners: list[Any] = []

    def seen(model: Any, *rest: Any) -> None:
        learners.append(model)
        train_phase(model, *rest)

    monkeypatch.setattr("medfake.detectors.backbone.fit.train_phase", seen)
    trained, told = train(Tiny(), TUNED.model_copy(update={"precision": precision}), dataset)
    head, whole = learners
    assert type(whole.optimizer).__name__ == optimizer
    assert {layer.compute_dtype for layer in whole.get_layer("tiny").layers} == {computed}
    assert {layer.compute_dtype for layer in (*head.layers, *whole.get_layer("head").layers)} == {"float32"}
    for name in ("Hounsfield", "Window"):
        assert [one.compute_dtype for one in whole.layers if type(one).__name__ == name] == ["float32"]
    model = stored(trained, tmp_path)
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert all(np.isfinite(figures["val_loss"]) for _, figures in told)
    assert {layer.compute_dtype for layer in model.get_layer("tiny").layers} == {"float32"}


def test_too_little_memory_is_told_with_what_to_lower(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("medfake.detectors.backbone.fit.train_phase", exhausted)
    with pytest.raises(TrainingError, match="out of memory") as caught:
        train(Tiny(), BASE, dataset)
    assert "batch_size to 4" in str(caught.value.remedy)


def test_a_grid_is_searched_on_frozen_features_and_the_chosen_options_are_trained(
    make_dataset: Callable[..., Dataset],
) -> None:
    bright = make_dataset({"train": 24, "val": 8, "test": 2}, seed=3, size=96)
    pixels = np.load(bright.folder / "shard-000.npy")
    pixels[bright.manifest.row[bright.manifest.label == 1]] += 400
    np.save(bright.folder / "shard-000.npy", pixels)
    grid = {"head": [[8]], "learning_rate": [1e-9, 0.05]}
    searched = BackboneOptions.model_validate({**BASE.model_dump(), "epochs": 15, "folds": 2, "grid": grid})
    trained, told = train(Tiny(), searched, bright)
    assert trained.chosen == {"head": [8], "learning_rate": 0.05}  # of 1e-9 nothing is learnt
    assert told == train(Tiny(), searched.model_copy(update={"grid": {}, "learning_rate": 0.05}), bright)[1]
    rows = list(csv.DictReader(io.StringIO(trained.tables[GRID_FILE])))
    assert [row["chosen"] for row in rows] == ["no", "yes"]
    assert {"fold_1", "fold_2", "deviation"} <= rows[0].keys()


def test_a_grid_of_three_classes_is_searched_too(dataset: Dataset) -> None:
    three = replace(dataset, facts={**dataset.facts, "classes": 3})
    grid: dict[str, object] = {"output": "softmax", "epochs": 1, "folds": 2, "grid": {"learning_rate": [1e-3, 1e-2]}}
    trained, _ = train(Tiny(), BackboneOptions.model_validate(BASE.model_dump() | grid), three)
    assert trained.chosen["learning_rate"] in (1e-3, 1e-2)
