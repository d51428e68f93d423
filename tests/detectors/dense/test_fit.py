"""ResidualStatistics, trained for a few epochs: what holds whatever it learns."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.dense.fit import _calibrate, learn
from medfake.detectors.dense.network import judges_of_round
from medfake.detectors.dense.statistics import open_statistics
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.errors import TrainingError
from medfake.metrics.predict import predict
from medfake.package.aggregation import AggregationGraph
from medfake.package.card import AGGREGATION_FILE, KERAS_FILE, ONNX_FILE
from medfake.package.scan_scorer import open_graphs, scored_scan
from medfake.package.scorer import Scorer
from medfake.tamper.bank import Bank
from medfake.training.run_state import RunState
from medfake.training.trained import Trained
from tests.detectors.dense.conftest import PATIENTS, WriteBank
from tests.fixtures.chests import SIZE, draw_chest

SHORT = {
    "rounds": 2, "members": 2, "epochs": 3, "places": 1024, "widths": [16],
    "hard_from": 1, "hard_every": 2, "hard_slices": 20,
}  # fmt: skip
Told = list[tuple[int, dict[str, float]]]


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def dataset(make_dataset: Callable[..., Dataset]) -> Dataset:
    return make_dataset({"train": 4, "val": 8, "test": 4})


def context(bank: Bank, dataset: Dataset, features: Path, told: Told, **options: object) -> TrainingContext:
    checked = validate_options("ResidualStatistics", {"bank": str(bank.folder), **SHORT, **options})
    return TrainingContext(
        spec=detector_spec("ResidualStatistics"), options=checked, dataset=dataset, seed=1, features=features,
        state=RunState(features / "state", {}), on_epoch=lambda at, figures: told.append((at, dict(figures))),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(bank: Bank, dataset: Dataset, features: Path) -> tuple[Trained, Told]:
    told: Told = []
    return fit(context(bank, dataset, features, told)), told


@pytest.fixture(scope="module")
def package(trained: tuple[Trained, Told], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    assert trained[0].save(folder).max_abs_difference <= 1e-4
    return folder


def test_it_tells_both_losses_of_every_epoch_and_learns(trained: tuple[Trained, Told]) -> None:
    _, told = trained
    assert [at for at, _ in told] == list(range(1, 7))
    assert all(set(figures) == {"train_loss", "val_loss"} for _, figures in told)
    assert told[-1][1]["val_loss"] < 0.6, "a smoothed square in noise is easy"


def test_judges_are_stored_in_half_precision_and_say_what_they_said(package: Path) -> None:
    constants = onnx.load(package / ONNX_FILE).graph.initializer
    large = [one.data_type for one in constants if np.prod(one.dims) >= 4096]
    assert large == [onnx.TensorProto.FLOAT16] * 4, "two rounds of two judges; that they agree is asserted where saved"


def test_the_package_scores_slices_and_scans(package: Path) -> None:
    assert {one.name for one in package.iterdir()} == {ONNX_FILE, KERAS_FILE, AGGREGATION_FILE}
    hu = np.rint(draw_chest(np.random.default_rng(4))).astype(np.int16)[None]
    scores = Scorer(package / ONNX_FILE).score(hu)
    assert 0 <= scores.p_tampered[0] <= 1
    assert scores.place_logit is not None
    assert scores.place_logit.shape == (1, 25, 25)
    AggregationGraph(package / AGGREGATION_FILE)


def test_a_data_set_is_scored_scan_by_scan_as_it_is_served(package: Path, dataset: Dataset) -> None:
    scorer, aggregation = open_graphs(package)
    assert aggregation is not None
    dataset = replace(dataset, manifest=dataset.manifest.assign(generator="", distance_mm=np.nan))
    told = predict(dataset, package, ("val", "test"), "ResidualStatistics", 1).rows
    assert len(told) == len(dataset.split("val")) + len(dataset.split("test"))
    for (split, scan_id), own in told.groupby(["split", "scan_id"]):
        every = dataset.split(split)
        rows = every[every.scan_id == scan_id].sort_values("z_mm")
        mm = float(rows.spacing_mm.iloc[0])
        scan = scored_scan(scorer, [(dataset.slices(rows), rows.z_mm.to_numpy())], (mm, mm), copies=True)
        said, rank = aggregation(scan), own.sort_values("z_mm")
        assert list(rank.slice_id) == list(rows.slice_id)
        np.testing.assert_allclose(rank.p_tampered, said.slice_p, atol=1e-6)
        assert rank.scan_p.to_numpy() == pytest.approx(said.p_tampered, abs=1e-6)
        assert list(rank.pred_site_y) == list(scan.scores.site_y)


def test_patients_of_val_validate_and_those_of_test_are_left_out(
    bank: Bank, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def record(source: object, *_: object) -> None:
        seen.append(set(source.statistics.places.patient_id))  # type: ignore[attr-defined]
        raise InterruptedError

    monkeypatch.setattr("medfake.detectors.dense.fit.PlaceBatches.epoch", record)
    with pytest.raises(InterruptedError):
        fit(context(bank, dataset, tmp_path, []))
    assert seen == [{f"train-{number}" for number in range(6)}]


def test_a_family_that_is_left_out_is_not_learnt_from(bank: Bank, dataset: Dataset, tmp_path: Path) -> None:
    told: Told = []
    one = context(bank, dataset, tmp_path, told, epochs=1, without=["blend"])
    places = open_statistics(bank)
    learn(one, places, {"val-0", "val-1"}, {"test-0"})
    for nothing_left in (["blend", "cube"], ["blend", "injection"]):
        with pytest.raises(TrainingError, match="5 patients"):
            learn(context(bank, dataset, tmp_path, told, without=nothing_left), places, {"val-0"}, {"test-0"})


def test_judges_of_one_seed_are_the_same_whatever_was_trained_before(
    bank: Bank, dataset: Dataset, tmp_path: Path
) -> None:
    places = open_statistics(bank)
    first, second = (
        learn(context(bank, dataset, tmp_path / name, [], epochs=1, places=64), places, (), {"test-0"})[0]
        for name in ("first", "second")
    )
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_rounds_differ_and_one_that_was_cut_short_goes_on_without_those_before_it(
    bank: Bank, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunState, "due", lambda _: True)
    places, without_chance = open_statistics(bank), {"noise": 0.0, "dropout": 0.0}

    def learnt(folder: Path, stop_at: int | None) -> tuple[list[list[np.ndarray]], list[int]]:
        """Weights of both rounds, and the epochs that were told."""
        told: list[int] = []

        def on_epoch(at: int, _: object) -> None:
            told.append(at)
            if at == stop_at:
                raise KeyboardInterrupt

        one = replace(context(bank, dataset, folder, [], **without_chance), on_epoch=on_epoch)
        try:
            judges, _, _ = learn(one, places, {"val-0", "val-1"}, {"test-0"})
            return [judges_of_round(judges, number).get_weights() for number in range(2)], told
        except KeyboardInterrupt:
            return [], told

    whole, _ = learnt(tmp_path / "whole", None)
    _, before = learnt(tmp_path / "cut", 5)
    resumed, after = learnt(tmp_path / "cut", None)
    assert (before, after) == ([1, 2, 3, 4, 5], [5, 6])  # what was not saved is done again
    for one, other in zip(chain(*whole), chain(*resumed), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert all(np.abs(one - other).max() > 0.01 for one, other in zip(*whole, strict=True) if one.ndim == 2)


def test_slices_without_lung_calibrate_nothing(bank: Bank, dataset: Dataset, tmp_path: Path) -> None:
    one, features = context(bank, dataset, tmp_path, []), open_statistics(bank).features.astype(np.float32)
    _, detector, aggregation = one.spec.build(features.mean(axis=0), features.std(axis=0), one.options)
    without = _calibrate(detector, aggregation, dataset)
    rng = np.random.default_rng(9)
    np.save(dataset.folder / "shard-bare.npy", rng.normal(40, 10, (4, SIZE, SIZE)).astype(np.int16))
    bare = dataset.split("val").iloc[::2].assign(z_mm=400.0, shard="shard-bare.npy", row=range(4))
    bare["slice_id"] = bare.slice_id + "-bare"
    more = replace(dataset, manifest=pd.concat([dataset.manifest, bare], ignore_index=True))
    detector.get_layer("calibration").set_weights([np.float32(1), np.float32(0)])
    aggregation.get_layer("calibration").set_weights([np.float32(1), np.float32(0)])
    assert _calibrate(detector, aggregation, more) == pytest.approx(without, rel=1e-5)


def test_what_shows_lung_must_be_of_both_classes_to_calibrate_on(bank: Bank, dataset: Dataset, tmp_path: Path) -> None:
    one, features = context(bank, dataset, tmp_path, []), open_statistics(bank).features.astype(np.float32)
    _, detector, aggregation = one.spec.build(features.mean(axis=0), features.std(axis=0), one.options)
    real = replace(dataset, manifest=dataset.manifest[dataset.manifest.label == 0])
    with pytest.raises(TrainingError, match="one class alone") as caught:
        _calibrate(detector, aggregation, real)
    assert caught.value.received == "0 tampered of 4"


@pytest.mark.parametrize(
    ("patients", "enough"),
    [(("train-0", *PATIENTS[2:6], "val-0"), True), ((*PATIENTS[2:6], "val-0"), False), (PATIENTS[:6], False)],
)
def test_too_few_patients_are_refused(
    patients: tuple[str, ...], enough: bool, write_bank: WriteBank, dataset: Dataset, tmp_path: Path
) -> None:
    one = context(write_bank(patients), dataset, tmp_path, [], epochs=1, places=64)
    if enough:
        fit(one)
        return
    with pytest.raises(TrainingError, match="needs manipulated and untouched places of 5 patients") as caught:
        fit(one)
    assert "banks.<name>.reals" in str(caught.value)


def test_a_bank_teaches_nothing_about_other_modalities(bank: Bank, dataset: Dataset, tmp_path: Path) -> None:
    of_mr = replace(dataset, facts={**dataset.facts, "modality": "MR"})
    with pytest.raises(TrainingError, match="judges no other modality than CT: banks hold nothing else"):
        fit(context(bank, of_mr, tmp_path, []))
