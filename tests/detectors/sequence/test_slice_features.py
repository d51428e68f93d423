"""One vector a slice: what it is, what is learnt from it along z, and what a scan of it is given to say."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.dense import grid
from medfake.detectors.fit import fit
from medfake.detectors.forensic.pooled import with_embedding
from medfake.detectors.forensic.residual_cnn import build_residual_cnn
from medfake.detectors.registry import detector_spec, validate_options
from medfake.detectors.sequence.fit import save_package, slice_p_of
from medfake.detectors.sequence.grid import NOWHERE_MM
from medfake.detectors.sequence.maps import MappedScan
from medfake.detectors.sequence.options import SliceFeatureGRUOptions
from medfake.detectors.sequence.slice_features.learn import slice_windows
from medfake.detectors.sequence.slice_features.network import (
    build_of_slice_windows,
    build_parts,
    build_slice_aggregation,
)
from medfake.detectors.stored_network import load_network
from medfake.errors import ManifestError, TrainingError
from medfake.metrics.predict import predict
from medfake.package.aggregation import AggregationGraph
from medfake.package.card import AGGREGATION_FILE, KERAS_FILE, ONNX_FILE, Agreement
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.pieces import PIECE, write_reach
from medfake.package.scan_scorer import open_graphs, scored_scan
from medfake.package.scan_scores import ScoredScan
from medfake.package.scorer import Scorer, Scores, open_session
from medfake.package.shipped import builtin_package
from medfake.training.keras_setup import load_keras
from tests.detectors.sequence.conftest import MakeContext

NAME = "SliceFeatureGRU"
WIDTH, REACH = 5, 2
LONG = 2 * PIECE + 7
CNN = {"weights": "none", "input_size": 64, "head": [8], "epochs": 1, "fine_tune": {"epochs": 0}}
OPTIONS = SliceFeatureGRUOptions(units=3, reach=REACH, reach_mm=12.0, bridge_mm=10.0)
SPACING_MM = (0.7, 0.7)
Given = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def parts() -> tuple[Any, Any]:
    """Units whose weights are anything but zero."""
    along, standardised = build_parts(WIDTH, OPTIONS)
    rng = np.random.default_rng(1)
    along.set_weights([rng.normal(0, 0.7, one.shape).astype(np.float32) for one in along.get_weights()])
    standardised.set_weights([np.linspace(-1, 1, WIDTH), np.linspace(0.5, 2, WIDTH)])
    return along, standardised


@pytest.fixture(scope="module")
def aggregation(parts: tuple[Any, Any]) -> Any:
    return build_slice_aggregation(*parts, REACH)


def slices(number: int, step_mm: float = 2.5) -> Given:
    rng = np.random.default_rng(2)
    features = rng.normal(0, 1, (number, WIDTH)).astype(np.float32)
    return features, np.ones(number, np.float32), (np.arange(number) * step_mm).astype(np.float32)


def slice_p(aggregation: Any, given: Given) -> np.ndarray[Any, Any]:
    return np.asarray(aggregation(list(given), training=False)["slice_p"])


def test_windows_say_what_the_scan_says(parts: tuple[Any, Any], aggregation: Any) -> None:
    features, counts, z_mm = given = slices(7)
    counts[3] = 0
    steps = np.concatenate([
        np.pad(features, ((REACH, REACH), (0, 0))), np.pad(counts, REACH)[:, None],
        np.pad(z_mm, REACH, constant_values=NOWHERE_MM)[:, None],
    ], axis=1)  # fmt: skip
    windows = np.stack([steps[at : at + 2 * REACH + 1] for at in range(7)])
    logits = np.asarray(build_of_slice_windows(*parts, OPTIONS)(windows, training=False))[:, 0]
    here = counts > 0
    np.testing.assert_allclose(1 / (1 + np.exp(-logits[here])), slice_p(aggregation, given)[here], atol=1e-6)


@pytest.mark.parametrize(("gap_mm", "same"), [(9.9, False), (10.1, True), (100.0, True)])
def test_nothing_is_carried_over_a_wide_gap(gap_mm: float, same: bool, aggregation: Any) -> None:
    features, counts, z_mm = slices(2)
    z_mm[1] = gap_mm
    alone = slice_p(aggregation, (features[:1], counts[:1], z_mm[:1]))
    assert np.allclose(alone[0], slice_p(aggregation, (features, counts, z_mm))[0], atol=1e-6) is same


def test_a_slice_that_does_not_count_is_as_one_that_is_not_there_and_untouched(parts: tuple[Any, Any]) -> None:
    wide, given = build_slice_aggregation(*parts, 6), slices(6, step_mm=2.0)
    given[1][2] = 0
    shorter = tuple(np.delete(one, 2, axis=0) for one in given)
    said = slice_p(wide, given)
    np.testing.assert_allclose(np.delete(said, 2), slice_p(wide, shorter), atol=1e-6)  # type: ignore[arg-type]
    assert said[2] == pytest.approx(1 / (1 + np.exp(-grid.NOWHERE)))


@pytest.mark.parametrize("number", [1, 5, 40])
def test_the_stored_graph_says_what_keras_says_and_the_scan_is_its_strongest_slice(
    number: int, aggregation: Any, tmp_path: Path
) -> None:
    given = slices(number)
    write_onnx(aggregation, tmp_path / "graph.onnx", list(given))
    named = dict(zip(("embedding", "slice_counts", "z_mm"), given, strict=True))
    of_slices, of_scan = open_session(tmp_path / "graph.onnx", threads=1).run(["slice_p", "scan_p"], named)
    np.testing.assert_allclose(of_slices, slice_p(aggregation, given), atol=1e-5)
    assert float(of_scan[0]) == pytest.approx(float(of_slices.max()))


def test_an_archive_holds_all_of_it(aggregation: Any, tmp_path: Path) -> None:
    """Networks of other backends than TensorFlow are stored so on their way to ONNX."""
    aggregation.save(tmp_path / "network.keras")
    again = load_keras().saving.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(slice_p(again, slices(6)), slice_p(aggregation, slices(6)), atol=1e-6)


def mapped(labels: list[int], distance_mm: list[float], shows_lung: list[bool]) -> MappedScan:
    count = len(labels)
    embedding = np.repeat(np.arange(1.0, count + 1, dtype=np.float32)[:, None], WIDTH, axis=1)
    scores = Scores(p_tampered=np.full(count, 0.5, np.float32), embedding=embedding)
    scored = ScoredScan(scores, np.arange(count) * 2.0, np.ones(count, bool), np.array(shows_lung), SPACING_MM)
    return MappedScan(pd.DataFrame({"label": labels, "distance_mm": distance_mm}), scored, np.arange(count))


def test_every_slice_that_counts_is_a_sequence_but_for_the_rim_of_a_manipulation() -> None:
    windows = slice_windows([mapped([0, 1, 1, 0], [np.nan, 10.1, 10.0, np.nan], [True, True, True, False])], OPTIONS)
    assert windows.labels.tolist() == [0, 1]
    assert windows.steps[:, REACH, 0].tolist() == [1.0, 3.0]
    assert windows.steps[0, :, -2].tolist() == [0, 0, 1, 1, 1]


def test_a_slice_that_is_manipulated_as_a_whole_has_no_rim() -> None:
    windows = slice_windows([mapped([0, 1], [np.nan, np.nan], [True, True])], OPTIONS)
    assert windows.labels.tolist() == [0, 1]


@pytest.fixture(scope="module")
def package(scans: Dataset, make_context: MakeContext, tmp_path_factory: pytest.TempPathFactory) -> Path:
    told: list[tuple[int, dict[str, float]]] = []
    trained = fit(make_context(scans, told, NAME))
    assert [at for at, _ in told] == [1, 2, 3, 4]
    folder = tmp_path_factory.mktemp("features")
    assert trained.save(folder).max_abs_difference <= 1e-4
    return folder


def test_its_package_has_an_embedding_and_places_but_no_maps(package: Path, scans: Dataset) -> None:
    assert {one.name for one in package.iterdir()} == {ONNX_FILE, KERAS_FILE, AGGREGATION_FILE}
    scores = Scorer(package / ONNX_FILE).score(scans.slices(scans.split("test").iloc[:2]))
    assert scores.embedding is not None
    assert scores.embedding.shape == (2, 64)
    assert scores.site_y is not None
    assert scores.place_logit is None


def said_of(package: Path, dataset: Dataset, order: list[int], z_mm: list[float], **changed: Any) -> Any:
    """Some test slices as one scan."""
    scorer, aggregation = open_graphs(package, threads=1)
    assert aggregation is not None
    own = dataset.slices(dataset.split("test").iloc[:4])[order]
    scan = scored_scan(scorer, [(own, np.array(z_mm))], SPACING_MM, copies=False)
    return aggregation(replace(scan, **changed))


def test_one_slice_is_a_sequence_of_one(package: Path, scans: Dataset) -> None:
    said = said_of(package, scans, [0], [0.0])
    assert said.p_tampered == pytest.approx(float(said.slice_p[0]))
    assert len(said.sites) == 1
    assert said.place_p is None


def test_slices_in_any_order_get_the_answers_that_they_have_in_order(package: Path, scans: Dataset) -> None:
    z_mm, order = np.array([0.0, 2.5, 5.0, 7.5]), [2, 0, 3, 1]
    mixed = said_of(package, scans, order, z_mm[order].tolist())
    np.testing.assert_allclose(mixed.slice_p, said_of(package, scans, [0, 1, 2, 3], z_mm.tolist()).slice_p[order])


def test_a_gap_of_100_mm_is_not_bridged(package: Path, scans: Dataset) -> None:
    apart = said_of(package, scans, [0, 1, 2, 3], [0.0, 2.5, 102.5, 105.0])
    np.testing.assert_allclose(apart.slice_p[:2], said_of(package, scans, [0, 1], [0.0, 2.5]).slice_p, atol=1e-6)


def test_a_slice_without_a_number_is_passed_over(package: Path, scans: Dataset) -> None:
    usable = np.array([True, False, True, True])
    said = said_of(package, scans, [0, 1, 2, 3], [0.0, 2.5, 5.0, 7.5], usable=usable)
    assert np.flatnonzero(np.isnan(said.slice_p)).tolist() == [1]
    assert 0 <= said.p_tampered <= 1


def test_the_pooled_form_of_a_network_says_of_a_slice_what_the_network_says(scans: Dataset, tmp_path: Path) -> None:
    hu, (_, network) = scans.slices(scans.split("test").iloc[:2]), build_residual_cnn(4)
    said, pooled = network(hu, training=False), with_embedding(network)
    pooled.save(tmp_path / KERAS_FILE)
    for form in (pooled, load_network(tmp_path)):
        again = form(hu, training=False)
        for name in again.keys() - {"embedding"}:
            np.testing.assert_allclose(np.asarray(again[name]), np.asarray(said[name]), atol=1e-5)


def test_a_slice_without_lung_has_an_embedding_of_zeros(package: Path) -> None:
    empty = Scorer(package / ONNX_FILE).score(np.full((1, 128, 128), -1000, np.int16)).embedding
    assert empty is not None
    assert (empty == 0).all()


def test_another_network_is_not_pooled() -> None:
    keras = load_keras()
    with pytest.raises(ManifestError, match="none of a ResidualCNN"):
        with_embedding(keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)]))


def test_a_package_without_an_embedding_is_refused(scans: Dataset, make_context: MakeContext) -> None:
    with pytest.raises(TrainingError, match="gives no embedding of slices") as caught:
        fit(make_context(scans, detector=NAME, package=str(builtin_package())))
    assert "backbone" in str(caught.value)


def test_a_network_on_a_backbone_may_be_the_trunk(
    scans: Dataset, make_context: MakeContext, make_package: Callable[..., Path], tmp_path: Path
) -> None:
    """It names no places, and so none are told."""
    trunk, cnn = make_package(), detector_spec("CustomCNN")
    options = validate_options("CustomCNN", CNN)
    fit(replace(make_context(scans), spec=cnn, options=options, features=tmp_path / "features")).save(trunk)
    fit(make_context(scans, detector=NAME, package=str(trunk))).save(tmp_path)
    assert (tmp_path / ONNX_FILE).read_bytes() == (trunk / ONNX_FILE).read_bytes()
    said = said_of(tmp_path, scans, [0, 1, 2, 3], [0.0, 2.5, 5.0, 7.5])
    assert np.isfinite(said.slice_p).all()
    assert said.sites == ()
    assert predict(scans, tmp_path, ("test",), NAME, 1).rows.pred_site_y.isna().all()


def test_a_long_scan_that_is_cut_into_pieces_gets_the_scores_that_it_gets_as_a_whole(
    aggregation: Any, tmp_path: Path
) -> None:
    features, _, z_mm = slices(LONG, step_mm=1.0)
    yes = np.ones(LONG, bool)
    scores = Scores(np.full(LONG, 0.5, np.float32), embedding=features)
    scan = ScoredScan(scores, z_mm.astype(np.float64), yes, yes, SPACING_MM)
    path = tmp_path / AGGREGATION_FILE
    write_onnx(aggregation, path, list(slices(3)))
    uncut = AggregationGraph(path)(scan)
    write_reach(path, aggregation.reach_mm)
    cut = AggregationGraph(path)(scan)
    np.testing.assert_allclose(cut.slice_p, uncut.slice_p, atol=1e-6)
    assert cut.p_tampered == pytest.approx(uncut.p_tampered, abs=1e-6)
    np.testing.assert_allclose(slice_p_of(aggregation, scan), uncut.slice_p, atol=1e-5)


def test_a_package_says_how_far_it_looks(package: Path) -> None:
    assert AggregationGraph(package / AGGREGATION_FILE).reach_mm == 12.0


def test_where_the_lowest_slice_would_be_the_scan_nothing_is_cut(aggregation: Any, tmp_path: Path) -> None:
    """A trunk that is wrong throughout is calibrated with a negative slope."""

    class NoTrunk:
        def copy_to(self, _: Path) -> Agreement:
            return Agreement(max_abs_difference=0.0, slices=1)

    scan = mapped([0, 1, 0], [np.nan, 0.0, np.nan], [True] * 3).scored
    calibration = aggregation.get_layer("calibration")
    try:
        for a, reach_mm in ((-1.0, None), (1.0, 12.0)):
            calibration.set_weights([np.float32(a), np.float32(0)])
            save_package(NoTrunk(), aggregation, scan, tmp_path)  # type: ignore[arg-type]
            assert AggregationGraph(tmp_path / AGGREGATION_FILE).reach_mm == reach_mm
    finally:
        calibration.set_weights([np.float32(1), np.float32(0)])
