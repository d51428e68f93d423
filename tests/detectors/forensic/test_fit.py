"""The forensic detector, trained for a few steps: what holds whatever it learns."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.fit import fit
from medfake.detectors.forensic.fit import _calibrate
from medfake.detectors.forensic.residual_cnn import build_residual_cnn
from medfake.detectors.registry import detector_spec, validate_options
from medfake.detectors.stored_network import load_network
from medfake.package.card import KERAS_FILE, ONNX_FILE
from medfake.package.scorer import Scorer
from medfake.training.keras_setup import import_keras
from medfake.training.precision import computing_in
from medfake.training.run_state import RunState
from medfake.training.trained import OnEpoch, Trained

MakeDataset = Callable[..., Dataset]
Told = list[tuple[int, dict[str, float]]]
SHORT = {"presentations": 64, "batch_size": 8, "validate_every": 32}


def run(dataset: Dataset, seed: int, on_epoch: OnEpoch, state: RunState | None = None, **options: object) -> Trained:
    nowhere = Path(tempfile.mkdtemp())
    checked = validate_options("ResidualCNN", {**SHORT, **options})
    context = TrainingContext(
        spec=detector_spec("ResidualCNN"), options=checked, dataset=dataset, seed=seed, features=nowhere,
        state=state or RunState(nowhere / "state", {}), on_epoch=on_epoch,
    )  # fmt: skip
    return fit(context)


def train(dataset: Dataset, seed: int = 1, **options: object) -> tuple[Trained, Told]:
    told: Told = []
    return run(dataset, seed, lambda at, figures: told.append((at, dict(figures))), **options), told


@pytest.fixture(scope="module")
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset({"train": 12, "val": 4, "test": 4})


@pytest.fixture(scope="module")
def trained(dataset: Dataset) -> tuple[Trained, Told]:
    return train(dataset)


@pytest.fixture(scope="module")
def package(trained: tuple[Trained, Told], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    agreement = trained[0].save(folder)
    assert agreement.max_abs_difference <= 1e-4
    return folder


def test_it_tells_train_and_validation_loss_at_every_look(trained: tuple[Trained, Told]) -> None:
    _, told = trained
    assert [at for at, _ in told] == [1, 2]
    assert all(set(figures) == {"train_loss", "val_loss"} for _, figures in told)


def test_half_precision_trains_convolutions_and_stores_single(dataset: Dataset, tmp_path: Path) -> None:
    trained, told = train(dataset, precision="mixed_bfloat16")
    assert all(np.isfinite(list(figures.values())).all() for _, figures in told)
    assert trained.save(tmp_path).max_abs_difference <= 1e-4
    model = load_network(tmp_path)
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}


def test_residuals_and_the_judge_are_in_single_precision_whatever_convolutions_are_in() -> None:
    with computing_in("mixed_bfloat16"):
        patch_model, _ = build_residual_cnn(4)
    types = {type(layer).__name__: layer.compute_dtype for layer in patch_model._flatten_layers()}
    assert {types[name] for name in ("Hounsfield", "NoiseScaledResiduals", "CentreAgainstRing")} == {"float32"}
    trunk, judge = (patch_model.get_layer(name) for name in ("trunk", "judge"))
    assert [one.compute_dtype for one in trunk.layers if "Conv2D" in type(one).__name__] == ["bfloat16"] * 3
    assert [one.compute_dtype for one in judge.layers if "Conv2D" in type(one).__name__] == ["float32"] * 2


def test_both_forms_are_stored(package: Path) -> None:
    assert {path.name for path in package.iterdir()} == {KERAS_FILE, ONNX_FILE}


def test_the_calibration_told_is_the_one_in_the_graph(trained: tuple[Trained, Told], package: Path) -> None:
    import keras

    model: Any = keras.saving.load_model(package / KERAS_FILE)
    a, b = (float(weight) for weight in model.get_layer("calibration").get_weights())
    assert (a, b) == pytest.approx((trained[0].calibration["a"], trained[0].calibration["b"]), rel=1e-6)
    assert a > 0


def test_test_slices_get_probabilities_and_places(dataset: Dataset, package: Path) -> None:
    scores = Scorer(package / ONNX_FILE).score(dataset.slices(dataset.split("test")))
    assert ((scores.p_tampered >= 0) & (scores.p_tampered <= 1)).all()
    assert scores.site_y is not None
    assert scores.site_x is not None
    assert set((scores.site_y - 48) % 16) | set((scores.site_x - 48) % 16) == {0}


def test_the_same_seed_trains_the_same_detector(trained: tuple[Trained, Told], dataset: Dataset) -> None:
    again, told = train(dataset)
    assert told == trained[1]
    assert again.calibration == trained[0].calibration


def test_ctrl_c_comes_through(dataset: Dataset) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(dataset, 1, interrupt)


def test_every_look_has_a_number_of_its_own(dataset: Dataset) -> None:
    _, told = train(dataset, presentations=80, validate_every=64)
    assert [at for at, _ in told] == [1, 2]


class StoppedError(Exception):
    """Stands for a kill: nothing after it runs."""


def test_a_training_that_was_cut_short_ends_with_the_same_figures(
    trained: tuple[Trained, Told], dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunState, "due", lambda _: True)
    told: Told = []

    def stopped(at: int, losses: Any) -> None:
        told.append((at, dict(losses)))
        if at == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(dataset, 1, stopped, RunState(tmp_path / "state", {}))
    resumed = run(dataset, 1, lambda at, losses: told.append((at, dict(losses))), RunState(tmp_path / "state", {}))
    assert [at for at, _ in told] == [1, 2, 2]  # it did not begin anew
    assert dict(told) == dict(trained[1])
    assert resumed.calibration == trained[0].calibration


ATTACKS = {"epsilon_hu": 4, "share": 0.5}


def test_attacks_change_what_is_learnt_the_same_way_for_the_same_seed(
    trained: tuple[Trained, Told], dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, told = train(dataset, adversarial=ATTACKS)
    assert [at for at, _ in told] == [1, 2]
    assert all(one != other for (_, one), (_, other) in zip(told, trained[1], strict=True))
    monkeypatch.setattr(RunState, "due", lambda _: True)
    again: Told = []

    def stopped(at: int, losses: Any) -> None:
        again.append((at, dict(losses)))
        raise StoppedError

    with pytest.raises(StoppedError):
        run(dataset, 1, stopped, RunState(tmp_path / "state", {}), adversarial=ATTACKS)
    state = RunState(tmp_path / "state", {})
    run(dataset, 1, lambda at, losses: again.append((at, dict(losses))), state, adversarial=ATTACKS)
    assert dict(again) == dict(told)


def test_a_temperature_takes_the_place_of_platts_numbers_in_the_graph(dataset: Dataset) -> None:
    import_keras(1)
    slice_model = build_residual_cnn(4)[1]
    found = _calibrate(slice_model, dataset, "temperature")
    a, b = (float(weight) for weight in slice_model.get_layer("calibration").get_weights())
    assert (a, b) == (pytest.approx(1 / found["temperature"], rel=1e-6), 0.0)
