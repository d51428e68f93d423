"""What walks along z: gaps, masks, order and ends of sequences; and that ONNX says the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.detectors.dense import grid
from medfake.detectors.sequence.grid import NOWHERE_MM
from medfake.detectors.sequence.network import build_aggregation, build_along_z, build_of_windows, build_plane
from medfake.detectors.sequence.options import SliceGRUOptions
from medfake.package.aggregation import AggregationGraph
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.pieces import PIECE, write_reach
from medfake.package.scan_scores import ScoredScan
from medfake.package.scorer import Scores, open_session
from medfake.training.keras_setup import load_keras

OPTIONS = SliceGRUOptions(units=3, reach=2, reach_mm=12.0, bridge_mm=10.0)
LONG = 2 * PIECE + 7
Maps = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def along() -> Any:
    """Units whose weights are anything but zero."""
    made, rng = build_along_z(OPTIONS), np.random.default_rng(1)
    made.set_weights([rng.normal(0, 0.7, one.shape).astype(np.float32) for one in made.get_weights()])
    return made


@pytest.fixture(scope="module")
def aggregation(along: Any) -> Any:
    return build_aggregation(along, OPTIONS.reach)


def maps(slices: int, step_mm: float = 2.5, seed: int = 2) -> Maps:
    rng = np.random.default_rng(seed)
    logits = rng.normal(-3, 2, (slices, 9, 8)).astype(np.float32)
    counts = (rng.random((slices, 9, 8)) < 0.8).astype(np.float32)
    return logits * counts, counts, (np.arange(slices) * step_mm).astype(np.float32)


def said(aggregation: Any, given: Maps) -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.asarray(one) for name, one in aggregation(list(given), training=False).items()}


def slice_p(aggregation: Any, given: Maps) -> np.ndarray[Any, Any]:
    return said(aggregation, given)["slice_p"]


def without(given: Maps, at: int) -> Maps:
    """The scan with nothing to see on one slice."""
    logits, counts, z_mm = (one.copy() for one in given)
    logits[at] = counts[at] = 0
    return logits, counts, z_mm


def test_units_that_have_learnt_nothing_leave_the_window_rule() -> None:
    fresh = build_aggregation(build_along_z(OPTIONS), OPTIONS.reach)
    np.testing.assert_allclose(slice_p(fresh, maps(9)), slice_p(build_aggregation(None), maps(9)), atol=1e-6)


def test_windows_say_what_the_scan_says(along: Any, aggregation: Any) -> None:
    given = maps(7, step_mm=4.0)  # both know what lies within 8 mm
    plane, seen = build_plane()(list(given[:2]))
    features = np.pad(np.asarray(plane), ((2, 2), (0, 0), (0, 0), (0, 0)))
    counts = np.pad(np.asarray(seen), ((2, 2), (0, 0), (0, 0)))
    z_mm = np.pad(given[2], 2, constant_values=NOWHERE_MM)
    place = np.s_[2, 3]
    steps = np.concatenate([features[:, *place], counts[:, *place][:, None], z_mm[:, None]], axis=1)
    windows = np.stack([steps[number : number + 5] for number in range(7)])
    logits = np.asarray(build_of_windows(along, OPTIONS)(windows, training=False))[:, 0]
    places = said(aggregation, given)["place_p"][:, 4, 6]
    here = given[1][:, 4, 6] > 0
    assert here.sum() > 3
    np.testing.assert_allclose(1 / (1 + np.exp(-logits[here])), places[here], atol=1e-5)


@pytest.mark.parametrize(("gap_mm", "same"), [(9.9, False), (10.1, True), (100.0, True)])
def test_nothing_is_carried_over_a_wide_gap(gap_mm: float, same: bool, aggregation: Any) -> None:
    logits, counts, z_mm = maps(2)
    z_mm[1] = gap_mm
    alone = slice_p(aggregation, (logits[:1], counts[:1], z_mm[:1]))
    together = slice_p(aggregation, (logits, counts, z_mm))
    assert np.allclose(alone[0], together[0], atol=1e-6) is same


def test_a_slice_with_nothing_to_see_is_as_one_that_is_not_there(along: Any) -> None:
    wide = build_aggregation(along, 6)
    given = maps(6, step_mm=2.0)
    gone = without(given, 2)
    shorter = tuple(np.delete(one, 2, axis=0) for one in given)
    np.testing.assert_allclose(np.delete(_more(wide, gone, along), 2, axis=0), _more(wide, shorter, along), atol=1e-5)


def _more(aggregation: Any, given: Any, along: Any) -> np.ndarray[Any, Any]:
    """What is added to the window rule, which itself knows that a slice was there."""
    layer = next(one for one in aggregation.layers if hasattr(one, "plane"))
    return np.asarray(layer._walked(along, *given))


def test_the_order_of_the_walk_is_by_position_alone(aggregation: Any) -> None:
    """A scan upside down has other answers than its mirror only where the two units differ."""
    given = maps(5)
    turned = tuple(one[::-1].copy() for one in given[:2])
    assert not np.allclose(slice_p(aggregation, (*turned, given[2]))[::-1], slice_p(aggregation, given), atol=1e-3)


@pytest.mark.parametrize("slices", [1, 2, 3, 12])
def test_scans_of_any_length_get_an_answer(slices: int, aggregation: Any) -> None:
    answer = said(aggregation, maps(slices))
    assert answer["slice_p"].shape == (slices,)
    assert answer["place_p"].shape == (slices, 9, 8)
    assert float(answer["scan_p"][0]) == pytest.approx(float(answer["slice_p"].max()))


def test_positions_that_repeat_are_steps_of_no_length(aggregation: Any) -> None:
    logits, counts, _ = maps(4)
    assert np.isfinite(slice_p(aggregation, (logits, counts, np.zeros(4, np.float32)))).all()


def test_a_scan_without_any_place_is_untouched(aggregation: Any) -> None:
    logits, counts, z_mm = maps(3)
    assert (slice_p(aggregation, (logits * 0, counts * 0, z_mm)) <= 1 / (1 + np.exp(-grid.NOWHERE)) + 1e-9).all()


@pytest.fixture(scope="module")
def session(aggregation: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("graph") / "aggregation.onnx"
    write_onnx(aggregation, path, list(maps(3)))
    return open_session(path, threads=1)


@pytest.mark.parametrize("slices", [1, 5, 40])
def test_the_stored_graph_says_what_keras_says(slices: int, aggregation: Any, session: Any) -> None:
    given = maps(slices)
    named = dict(zip(("place_logit", "place_counts", "z_mm"), given, strict=True))
    stored = session.run(["place_p", "slice_p", "scan_p"], named)
    answer = said(aggregation, given)
    for name, one in zip(("place_p", "slice_p", "scan_p"), stored, strict=True):
        np.testing.assert_allclose(one, answer[name], atol=1e-5)


@pytest.mark.parametrize("learnt", [True, False])
def test_an_archive_holds_all_of_it(learnt: bool, along: Any, tmp_path: Path) -> None:
    """Networks of other backends than TensorFlow are stored so on their way to ONNX."""
    whole = build_aggregation(along if learnt else None, OPTIONS.reach)
    whole.save(tmp_path / "network.keras")
    again = load_keras().saving.load_model(tmp_path / "network.keras")
    given = maps(6)
    for name, one in said(again, given).items():
        np.testing.assert_allclose(one, said(whole, given)[name], atol=1e-6)


@pytest.mark.parametrize("learnt", [True, False])
@pytest.mark.parametrize("step_mm", [0.7, 2.5, 12.0])
def test_a_long_scan_that_is_cut_into_pieces_gets_the_scores_that_it_gets_as_a_whole(
    step_mm: float, learnt: bool, along: Any, aggregation: Any, tmp_path: Path
) -> None:
    whole = aggregation if learnt else build_aggregation(None)
    write_onnx(whole, tmp_path / "aggregation.onnx", list(maps(3)))
    scan = scored(maps(LONG, step_mm))
    uncut = AggregationGraph(tmp_path / "aggregation.onnx")(scan)
    write_reach(tmp_path / "aggregation.onnx", whole.reach_mm)
    graph = AggregationGraph(tmp_path / "aggregation.onnx")
    assert graph.reach_mm == (12.0 if learnt else 8.0)
    cut = graph(scan)
    np.testing.assert_allclose(cut.slice_p, uncut.slice_p, atol=1e-6)
    np.testing.assert_allclose(cut.place_p, uncut.place_p, atol=1e-6)  # type: ignore[arg-type]
    assert cut.p_tampered == pytest.approx(uncut.p_tampered, abs=1e-6)
    assert [(one.slice_index, one.y, one.x) for one in cut.sites] == [
        (one.slice_index, one.y, one.x) for one in uncut.sites
    ]


def scored(given: Maps) -> ScoredScan:
    """Of every slice that there are maps of."""
    logits, counts, z_mm = given
    yes = np.ones(len(z_mm), bool)
    scores = Scores(np.full(len(z_mm), 0.5, np.float32), place_logit=logits, place_counts=counts)
    return ScoredScan(scores, z_mm.astype(np.float64), yes, yes, (0.7, 0.7))
