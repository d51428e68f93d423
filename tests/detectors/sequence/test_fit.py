"""Sequence detectors, trained for a few steps: what holds whatever they learn."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Run
from medfake.detectors.cost import SplitSizes
from medfake.detectors.families import family_of
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.errors import ManifestError, TrainingError
from medfake.metrics.predict import predict
from medfake.package.card import AGGREGATION_FILE, KERAS_FILE, ONNX_FILE
from medfake.package.scan_scorer import open_graphs, scored_scan
from medfake.package.scan_scores import ScoredScan
from medfake.package.shipped import builtin_package
from medfake.training.run_state import RunState
from medfake.training.trained import Trained
from tests.detectors.sequence.conftest import SHORT, STEP_MM, MakeContext, Told, in_scans

SPACING_MM = (0.7, 0.7)


@pytest.fixture(scope="module")
def trained(scans: Dataset, make_context: MakeContext) -> tuple[Trained, Told]:
    told: Told = []
    return fit(make_context(scans, told)), told


@pytest.fixture(scope="module")
def package(trained: tuple[Trained, Told], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    agreement = trained[0].save(folder)
    assert agreement.max_abs_difference <= 1e-4
    assert agreement.slices > 0
    return folder


def score(package: Path, dataset: Dataset, z_mm: list[float], **changed: Any) -> tuple[ScoredScan, Any]:
    """Test slices as one scan, and what the package says of it."""
    scorer, aggregation = open_graphs(package, threads=1)
    assert aggregation is not None
    slices = dataset.slices(dataset.split("test").iloc[: len(z_mm)])
    scan = scored_scan(scorer, [(slices, np.array(z_mm))], SPACING_MM, copies=False)
    scan = replace(scan, **changed)
    return scan, aggregation(scan)


def test_it_tells_the_losses_of_the_trunk_and_then_of_the_sequences(trained: tuple[Trained, Told]) -> None:
    assert [at for at, _ in trained[1]] == [1, 2, 3, 4]
    assert all(set(figures) == {"train_loss", "val_loss"} for _, figures in trained[1])


def test_the_package_has_a_graph_of_slices_and_one_of_scans(package: Path) -> None:
    assert {one.name for one in package.iterdir()} == {ONNX_FILE, KERAS_FILE, AGGREGATION_FILE}


def test_a_data_set_is_scored_scan_by_scan_as_it_is_served(package: Path, scans: Dataset) -> None:
    told = predict(scans, package, ("test",), "SliceGRU", 1).rows
    scorer, aggregation = open_graphs(package)
    assert aggregation is not None
    for _, own in told.groupby("scan_id"):
        rows = scans.manifest[scans.manifest.slice_id.isin(own.slice_id)].sort_values("z_mm")
        scan = scored_scan(scorer, [(scans.slices(rows), rows.z_mm.to_numpy())], SPACING_MM, copies=True)
        np.testing.assert_allclose(own.sort_values("z_mm").p_tampered, aggregation(scan).slice_p, atol=1e-6)


def test_one_slice_is_a_sequence_of_one(package: Path, scans: Dataset) -> None:
    _, said = score(package, scans, [0.0])
    assert said.slice_p.shape == (1,)
    assert said.p_tampered == pytest.approx(float(said.slice_p[0]))


def test_slices_in_descending_order_get_the_answers_that_they_have_in_ascending_order(
    package: Path, scans: Dataset
) -> None:
    scan, ascending = score(package, scans, [0.0, 2.5, 5.0, 7.5])
    scorer, aggregation = open_graphs(package, threads=1)
    assert aggregation is not None
    turned = scans.slices(scans.split("test").iloc[:4])[::-1]
    backwards = aggregation(scored_scan(scorer, [(turned, scan.z_mm[::-1])], SPACING_MM, copies=False))
    np.testing.assert_allclose(backwards.slice_p[::-1], ascending.slice_p, atol=1e-6)
    assert backwards.p_tampered == pytest.approx(ascending.p_tampered)
    assert [3 - site.slice_index for site in backwards.sites] == [site.slice_index for site in ascending.sites]


def test_positions_that_repeat_get_an_answer(package: Path, scans: Dataset) -> None:
    assert np.isfinite(score(package, scans, [0.0, 0.0, 2.5, 2.5])[1].slice_p).all()


def test_a_gap_of_100_mm_is_not_bridged(package: Path, scans: Dataset) -> None:
    _, apart = score(package, scans, [0.0, 2.5, 102.5, 105.0])
    _, alone = score(package, scans, [0.0, 2.5])
    np.testing.assert_allclose(apart.slice_p[:2], alone.slice_p, atol=1e-6)


def test_a_slice_without_a_number_is_passed_over(package: Path, scans: Dataset) -> None:
    scan, _ = score(package, scans, [0.0, 2.5, 5.0, 7.5])
    assert scan.scores.place_logit is not None
    broken = scan.scores.place_logit.copy()
    broken[1] = np.nan
    usable = np.array([True, False, True, True])
    scores = replace(scan.scores, place_logit=broken)
    _, said = score(package, scans, [0.0, 2.5, 5.0, 7.5], scores=scores, usable=usable)
    assert np.flatnonzero(np.isnan(said.slice_p)).tolist() == [1]
    assert 0 <= said.p_tampered <= 1
    assert 1 not in [site.slice_index for site in said.sites]


def test_a_training_that_was_cut_short_after_its_trunk_begins_sequences_anew(
    trained: tuple[Trained, Told], scans: Dataset, make_context: MakeContext, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(RunState, "due", lambda _: True)
    state, told = tmp_path / "state", list[tuple[int, dict[str, float]]]()

    def stop(at: int, figures: Any) -> None:
        told.append((at, dict(figures)))
        if at == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fit(replace(make_context(scans, state=state), on_epoch=stop))
    resumed = fit(make_context(scans, told, state=state))
    assert [at for at, _ in told] == [1, 2, 3, 3, 4]
    assert dict(told) == dict(trained[1])
    assert resumed.calibration == trained[0].calibration


@pytest.mark.parametrize(("step_mm", "refused"), [(12.0, False), (12.5, True)])
def test_a_data_set_without_neighbours_is_refused_before_anything_is_trained(
    step_mm: float, refused: bool, scans: Dataset, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr("medfake.detectors.sequence.fit.trunk_of", reached)
    apart = in_scans(scans, step_mm)
    if not refused:
        with pytest.raises(InterruptedError):
            fit(make_context(apart))
        return
    with pytest.raises(TrainingError, match="nothing can be learnt along z") as caught:
        fit(make_context(apart))
    assert "16 slices of 4 scans" in str(caught.value)


def test_neighbours_that_the_data_set_lacks_are_read_from_its_scans(scans: Dataset, make_context: MakeContext) -> None:
    """Every slice is kept twice as far apart as its scan has them."""
    asked: list[str] = []

    def around(rows: Any) -> Any:
        asked.extend(rows.split.unique())
        for scan_id, own in rows.groupby("scan_id"):
            volume = np.repeat(scans.slices(own), 2, axis=0)
            z_mm = np.repeat(own.z_mm.to_numpy(), 2) + np.tile([0.0, STEP_MM / 2], len(own))
            yield Run(str(scan_id), volume, z_mm, np.arange(len(z_mm)))

    twice = replace(scans, manifest=scans.manifest.assign(z_index=scans.manifest.z_index * 2))
    told: Told = []
    assert fit(make_context(twice, told, around=around)).parameters
    assert set(asked) == {"train", "val"}
    assert len(told) == 4


@pytest.mark.parametrize("detector", ["SliceGRU", "SliceWindow"])
def test_a_package_with_maps_may_be_the_trunk(
    detector: str, scans: Dataset, make_context: MakeContext, tmp_path: Path
) -> None:
    trunk, told = builtin_package(), list[tuple[int, dict[str, float]]]()
    trained = fit(make_context(scans, told, detector, package=str(trunk)))
    assert trained.weights["kind"] == "package"
    assert [at for at, _ in told] == ([1, 2] if detector == "SliceGRU" else [])
    trained.save(tmp_path)
    assert (tmp_path / ONNX_FILE).read_bytes() == (trunk / ONNX_FILE).read_bytes()
    assert 0 <= score(tmp_path, scans, [0.0, 2.5])[1].p_tampered <= 1


def test_parts_of_slices_are_refused_before_anything_is_trained(scans: Dataset, make_context: MakeContext) -> None:
    cut = replace(scans, facts={**scans.facts, "view": {"name": "delocalized"}})
    with pytest.raises(TrainingError, match="needs whole slices") as caught:
        fit(make_context(cut))
    assert caught.value.received == "view delocalized"


def test_a_package_without_maps_is_refused(scans: Dataset, make_context: MakeContext, make_package: Any) -> None:
    with pytest.raises(TrainingError, match="gives no maps of places"):
        fit(make_context(scans, package=str(make_package())))


@pytest.mark.parametrize("facts", [{"modality": "MR"}, {"task": "nodules"}])
def test_a_package_that_learnt_something_else_is_refused(
    scans: Dataset, make_context: MakeContext, facts: dict[str, str]
) -> None:
    other = replace(scans, facts={**scans.facts, **facts})
    with pytest.raises(TrainingError, match="learnt something else than the data set teaches"):
        fit(make_context(other, package=str(builtin_package())))


def test_a_package_that_is_not_there_is_refused(scans: Dataset, make_context: MakeContext, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no model package here"):
        fit(make_context(scans, package=str(tmp_path / "nowhere")))


def test_a_plan_knows_what_a_training_takes() -> None:
    spec = detector_spec("SliceGRU")
    options = validate_options("SliceGRU", {**SHORT, "package": str(builtin_package())})
    cost = family_of(spec).estimate(spec, options)(SplitSizes(train=100, val=10, test=10))
    assert cost.training_s is not None
    assert cost.training_s > 10
    assert family_of(spec).weights_sha256(spec, options) is not None
