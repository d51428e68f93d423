"""One-class detectors, whatever they learn: what they see, what they store, what they refuse."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from medfake.datasets.dataset import Dataset
from medfake.detectors.anomaly.options import RealScansOptions
from medfake.detectors.anomaly.real_slices import real_rows
from medfake.detectors.fit import fit
from medfake.errors import ManifestError, TrainingError
from medfake.package.aggregation import AggregationGraph
from medfake.package.card import AGGREGATION_FILE, KERAS_FILE, ONNX_FILE
from medfake.package.scan_scorer import open_graphs, scored_scan
from medfake.package.scorer import Scorer
from medfake.tamper.bank import Bank
from medfake.training.trained import Trained
from tests.detectors.anomaly.conftest import SHORT, context_of
from tests.detectors.dense.conftest import PATIENTS, WriteBank, bank, write_bank  # noqa: F401  # fixtures
from tests.fixtures.chests import LUNGS, SIZE, draw_chest

NAMES = sorted(SHORT)


@pytest.fixture(scope="module", params=NAMES)
def trained(request: pytest.FixtureRequest, chests: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return fit(context_of(request.param, chests, tmp_path_factory.mktemp("features")))


@pytest.fixture(scope="module")
def package(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    assert trained.save(folder).max_abs_difference <= 1e-4
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_no_other_modality_is_learnt_from(name: str, chests: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="judges no other modality than CT"):
        fit(context_of(name, replace(chests, facts={**chests.facts, "modality": "X-ray"}), tmp_path))


def test_a_package_scores_slices_places_and_scans(package: Path) -> None:
    assert {one.name for one in package.iterdir()} == {ONNX_FILE, KERAS_FILE, AGGREGATION_FILE}
    hu = np.rint(draw_chest(np.random.default_rng(4))).astype(np.int16)[None]
    scores = Scorer(package / ONNX_FILE).score(hu)
    assert 0 <= scores.p_tampered[0] <= 1
    assert scores.place_logit is not None
    assert scores.place_logit.shape == (1, 25, 25)
    scorer, aggregation = open_graphs(package)
    assert isinstance(aggregation, AggregationGraph)
    scan = scored_scan(scorer, [(np.repeat(hu, 3, axis=0), np.arange(3.0))], (0.7, 0.7), copies=True)
    assert 0 <= aggregation(scan).p_tampered <= 1


def test_a_stored_network_says_what_its_graph_says(package: Path) -> None:
    from medfake.detectors.stored_network import load_network

    hu = np.rint(draw_chest(np.random.default_rng(5))).astype(np.int16)[None]
    said, scored = load_network(package)(hu, training=False), Scorer(package / ONNX_FILE).score(hu)
    np.testing.assert_allclose(np.asarray(said["place_logit"]), scored.place_logit, atol=1e-3)
    np.testing.assert_allclose(np.asarray(said["p_tampered"]), scored.p_tampered, atol=1e-4)


def test_it_says_that_it_saw_real_scans_alone_and_how_it_is_calibrated(trained: Trained) -> None:
    learnt, calibrated = trained.learning
    assert learnt == "learnt from real scans only: 6 slices of 6 patients, no manipulated pixel"
    assert calibrated.startswith("calibrated on 4 real validation slices alone: P = 0.5 where 5% of real slices")
    assert trained.calibration["a"] > 0, "a farther place is never less suspicious"


def test_a_slightly_smoothed_square_is_the_strongest_place(package: Path) -> None:
    hu = draw_chest(np.random.default_rng(8))
    y, x = SIZE // 2, LUNGS[0]
    square = np.s_[y - 20 : y + 20, x - 20 : x + 20]
    hu[square] = gaussian_filter(hu[square], 0.45)  # more, and what has the square in its ring looks as odd
    scores = Scorer(package / ONNX_FILE).score(np.rint(hu).astype(np.int16)[None])
    assert scores.site_y is not None
    assert scores.site_x is not None
    assert np.hypot(scores.site_y[0] - y, scores.site_x[0] - x) <= 24


@pytest.mark.parametrize("name", NAMES)
def test_what_was_done_to_manipulated_slices_changes_no_number(
    name: str, make_real: Callable[..., Dataset], tmp_path: Path
) -> None:
    found = []
    for turn in range(2):
        dataset = make_real({"train": 4, "val": 4})
        if turn:
            rows = dataset.manifest[dataset.manifest.label == 1]
            pixels = np.load(dataset.folder / "shard-000.npy")
            pixels[rows.row] = np.random.default_rng(9).permutation(pixels[rows.row].ravel()).reshape(-1, SIZE, SIZE)
            np.save(dataset.folder / "shard-000.npy", pixels)
            shuffled = rows.sample(frac=1, random_state=3)
            columns = ["manipulation", "distance_mm", "site_y", "site_x"]
            dataset.manifest.loc[rows.index, columns] = shuffled[columns].to_numpy()
            dataset = replace(dataset, digest="f" * 64)
        trained = fit(context_of(name, dataset, tmp_path / str(turn)))
        found.append(dict(trained.calibration))
        if name == "PaDiM":
            trained.save(tmp_path)
            constants = onnx.load(tmp_path / ONNX_FILE).graph.initializer
            found[-1]["graph"] = sorted(hashlib.sha256(one.raw_data).hexdigest() for one in constants)
    assert found[0] == found[1]


def test_slices_of_manipulated_scans_are_not_real_whatever_their_label(
    make_dataset: Callable[..., Dataset], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="real slices of 3 patients") as caught:
        fit(context_of("PaDiM", make_dataset({"train": 24, "val": 8}), tmp_path))  # one real slice in each fake scan
    assert caught.value.received == "0 real slices of 0 patients to learn from"


@pytest.mark.parametrize(("patients", "enough"), [(3, True), (2, False), (1, False)])
def test_real_slices_of_too_few_patients_are_refused(
    patients: int, enough: bool, make_real: Callable[..., Dataset], tmp_path: Path
) -> None:
    one = context_of("PaDiM", make_real({"train": patients, "val": 3}), tmp_path)
    if enough:
        fit(one)
        return
    with pytest.raises(TrainingError, match="name a bank") as caught:
        fit(one)
    assert f"of {patients} patients" in str(caught.value.received)


@pytest.mark.parametrize(("slices", "enough"), [(3, True), (2, False), (0, False)])
def test_too_few_real_validation_slices_are_refused(
    slices: int, enough: bool, make_real: Callable[..., Dataset], tmp_path: Path
) -> None:
    dataset = make_real({"train": 4, "val": 3})
    real = dataset.manifest[(dataset.manifest.split == "val") & (dataset.manifest.label == 0)]
    one = context_of("PaDiM", replace(dataset, manifest=dataset.manifest.drop(real.index[slices:])), tmp_path)
    if enough:
        fit(one)
        return
    with pytest.raises(TrainingError, match="at least 3 real validation") as caught:
        fit(one)
    assert caught.value.received == f"{slices} of them in the val split"


@pytest.mark.parametrize("name", ["PaDiM", "DenoiserResidual"])
def test_slices_without_lung_are_refused(name: str, make_real: Callable[..., Dataset], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="lung"):
        fit(context_of(name, make_real({"train": 4, "val": 4}, lungs=False), tmp_path))


def test_slices_that_are_too_small_are_refused(make_real: Callable[..., Dataset], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="lung"):
        fit(context_of("PaDiM", make_real({"train": 4, "val": 4}, size=32), tmp_path))


def test_untouched_slices_of_a_bank_are_learnt_from_but_for_patients_of_other_splits(
    bank: Bank,  # noqa: F811
    chests: Dataset,
    tmp_path: Path,
) -> None:
    def said(dataset: Dataset) -> str:
        return fit(context_of("PaDiM", dataset, tmp_path, bank=str(bank.folder))).learning[0]

    assert set(PATIENTS) & set(chests.manifest.patient_id[chests.manifest.split != "train"]) == set(PATIENTS[6:])
    assert "12 slices of 9 patients" in said(chests), "three patients have names in common"
    elsewhere = chests.manifest.patient_id.where(chests.manifest.split == "train", "somebody else")
    assert "15 slices of 12 patients" in said(replace(chests, manifest=chests.manifest.assign(patient_id=elsewhere)))


def test_what_is_no_bank_is_refused(chests: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="bank of manipulated slices"):
        fit(context_of("PaDiM", chests, tmp_path, bank=str(tmp_path / "none")))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "slices.parquet").write_bytes(b"another")
    with pytest.raises(ManifestError, match="not whole"):
        fit(context_of("PaDiM", chests, tmp_path, bank=str(tmp_path / "other")))


def test_real_slices_are_rarely_called_tampered(trained: Trained, package: Path) -> None:
    rng = np.random.default_rng(7)
    real = np.stack([np.rint(draw_chest(rng)).astype(np.int16) for _ in range(12)])
    p = Scorer(package / ONNX_FILE).score(real).p_tampered
    assert (p >= 0.5).mean() <= 0.25, "5 % are expected, from four slices"


def test_options_say_what_they_take() -> None:
    with pytest.raises(ValueError, match="false_alarms"):
        RealScansOptions(false_alarms=0)
    with pytest.raises(ValueError, match="least_variance"):
        RealScansOptions(least_variance=1)


def test_slices_of_a_scan_whose_manipulated_ones_were_not_kept_are_not_learnt_from(chests: Dataset) -> None:
    first = real_rows(chests, "train").iloc[0]
    site = {"scan_id": first.scan_id, "kind": "FM", "z_mm": 90.0, "y": 10.0, "x": 10.0}
    tampered = replace(chests, sites=pd.concat([chests.sites, pd.DataFrame([site])], ignore_index=True))
    assert set(real_rows(chests, "train").slice_id) - set(real_rows(tampered, "train").slice_id) == {first.slice_id}
    annotated = replace(tampered, sites=tampered.sites.replace({"kind": {"FM": "TM"}}))
    assert len(real_rows(annotated, "train")) == len(real_rows(chests, "train"))
