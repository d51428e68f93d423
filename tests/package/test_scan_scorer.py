"""One contract for a scan, whether the package aggregates itself or the strongest run of slices speaks for it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from medfake.errors import ManifestError, MedfakeError, ScanError
from medfake.log_odds import sigmoid
from medfake.package.card import AGGREGATION_FILE
from medfake.package.scan_scorer import Chunk, ScanScorer, open_package
from medfake.package.scan_scores import ScanScores
from medfake.package.scorer import Scores
from medfake.package.strongest_run import score_scan
from tests.fixtures.places import give_places, strongest_place

MakePackage = Callable[..., Path]
SPACING_MM = (0.7, 0.7)
LUNG, TISSUE = -850, -100


@pytest.fixture
def plain(make_package: MakePackage) -> ScanScorer:
    """Without an aggregation of its own: P(tampered) of a slice grows with its mean."""
    return open_package(make_package())


@pytest.fixture
def mapped(make_package: MakePackage) -> ScanScorer:
    """With one: the logit of a place is its HU / 100."""
    return open_package(give_places(make_package("mapped")))


def chest(count: int, *, lung: bool = True) -> np.ndarray:
    volume = np.full((count, 96, 96), TISSUE, np.int16)
    if lung:
        volume[:, 12:84, 16:80] = LUNG
    return volume


def chunks(volume: np.ndarray, step_mm: float = 2.0, size: int = 3) -> list[Chunk]:
    z_mm = np.arange(len(volume)) * step_mm
    return [(volume[at : at + size], z_mm[at : at + size]) for at in range(0, len(volume), size)]


def scored(scorer: ScanScorer, volume: np.ndarray, step_mm: float = 2.0, size: int = 3) -> ScanScores:
    return scorer.score_scan(chunks(volume, step_mm, size), SPACING_MM)


def test_a_package_of_places_gives_a_map_and_sites_in_three_dimensions(mapped: ScanScorer) -> None:
    volume = chest(12)
    volume[7, 40, 48] = 300
    scores = scored(mapped, volume)
    assert scores.p_tampered == pytest.approx(sigmoid(3.0), abs=1e-6)
    assert scores.slice_p.shape == (12,)
    assert int(scores.slice_p.argmax()) == 7
    first = scores.sites[0]
    assert (first.slice_index, first.z_mm, first.y, first.x) == (7, 14.0, 40.0, 48.0)
    assert first.p == pytest.approx(scores.p_tampered)
    assert scores.place_p is not None
    assert (scores.place_p.shape, scores.place_step_px) == ((12, 12, 12), 8)
    assert scores.place_p[7, 5, 6] == scores.place_p.max()


def test_a_place_that_does_not_count_has_no_probability_and_is_no_site(mapped: ScanScorer) -> None:
    volume = chest(2)
    volume[:] = -1024
    volume[:, 12:84, 16:80] = LUNG
    volume[:, 8:88, 8:88][volume[:, 8:88, 8:88] == -1024] = TISSUE
    scores = scored(mapped, volume)
    assert scores.place_p is not None
    assert not scores.place_p[:, 0].any()
    assert all(site.y > 0 for site in scores.sites)


def test_sites_are_sixteen_mm_apart_in_space_and_five_at_most(mapped: ScanScorer) -> None:
    volume = np.random.default_rng(1).integers(-900, 300, (24, 96, 96)).astype(np.int16)
    sites = scored(mapped, volume).sites
    assert len(sites) == 5
    assert [site.p for site in sites] == sorted((site.p for site in sites), reverse=True)
    for number, one in enumerate(sites):
        for other in sites[:number]:
            way = (one.z_mm - other.z_mm, 0.7 * (one.y - other.y), 0.7 * (one.x - other.x))
            assert np.linalg.norm(way) >= 16.0


@pytest.mark.parametrize(("apart_px", "sites"), [(16, 1), (24, 2)])
def test_two_places_of_one_slice_are_two_sites_from_sixteen_mm_on(
    apart_px: int, sites: int, mapped: ScanScorer
) -> None:
    volume = chest(1)
    volume[0, 40, 40], volume[0, 40, 40 + apart_px] = 300, 290
    assert sum(site.p > 0.9 for site in scored(mapped, volume).sites) == sites


def test_the_size_of_the_chunks_changes_nothing(mapped: ScanScorer, plain: ScanScorer) -> None:
    volume = np.random.default_rng(2).integers(-900, 300, (11, 96, 96)).astype(np.int16)
    for scorer in (mapped, plain):
        one, other = scored(scorer, volume, size=1), scored(scorer, volume, size=11)
        assert (one.p_tampered, one.sites) == (other.p_tampered, other.sites)
        np.testing.assert_array_equal(one.slice_p, other.slice_p)


def test_a_package_without_an_aggregation_lets_the_strongest_run_speak(plain: ScanScorer) -> None:
    volume = chest(30)
    volume[10:16, 12:84, 16:80] = -450
    scores = scored(plain, volume)
    assert scores.p_tampered == pytest.approx(score_scan(scores.slice_p, np.arange(30) * 2.0).p_tampered)
    assert scores.sites[0].slice_index in range(10, 16)
    assert scores.sites[0].p == pytest.approx(scores.slice_p.max())
    assert (scores.place_p, scores.place_step_px) == (None, None)
    z = sorted(site.z_mm for site in scores.sites)
    assert min(np.diff(z)) > 16.0


@pytest.mark.parametrize("name", ["plain", "mapped"])
def test_slices_without_lung_decide_nothing_beside_slices_with_lung(name: str, request: pytest.FixtureRequest) -> None:
    volume = np.concatenate([chest(6), np.full((6, 96, 96), 500, np.int16)])
    scores = scored(request.getfixturevalue(name), volume)
    assert scores.shows_lung.tolist() == [True] * 6 + [False] * 6
    assert scores.p_tampered < 0.5
    assert all(site.slice_index < 6 for site in scores.sites)


@pytest.mark.parametrize("name", ["plain", "mapped"])
def test_where_no_slice_shows_lung_all_of_them_count(name: str, request: pytest.FixtureRequest) -> None:
    scores = scored(request.getfixturevalue(name), np.full((6, 96, 96), 500, np.int16))
    assert not scores.shows_lung.any()
    assert scores.p_tampered > 0.9


@pytest.mark.parametrize("name", ["plain", "mapped"])
def test_one_slice_is_a_scan(name: str, request: pytest.FixtureRequest) -> None:
    scores = scored(request.getfixturevalue(name), chest(1))
    assert scores.slice_p.shape == (1,)
    assert np.isfinite(scores.p_tampered)


@pytest.mark.parametrize("name", ["plain", "mapped"])
def test_no_slice_is_refused(name: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(ScanError, match="without slices"):
        scored(request.getfixturevalue(name), chest(0))


@pytest.mark.parametrize("name", ["plain", "mapped"])
def test_small_slices_are_refused_in_words(name: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(MedfakeError, match="at least 96 rows"):
        scored(request.getfixturevalue(name), np.zeros((3, 95, 96), np.int16))


class _Broken:
    """A real scorer of which some slices come out as no number."""

    def __init__(self, scorer: ScanScorer, field: str) -> None:
        self._scorer, self._field, self.threads = scorer.scorer, field, 1

    def score_run(self, slices: np.ndarray) -> Scores:
        scores = self._scorer.score_run(slices)
        values = np.array(getattr(scores, self._field))
        values[slices.reshape(len(slices), -1)[:, 0] == 77] = np.nan
        return replace(scores, **{self._field: values})


@pytest.mark.parametrize(
    ("name", "field"), [("plain", "p_tampered"), ("mapped", "p_tampered"), ("mapped", "place_logit")]
)
def test_a_slice_without_a_number_decides_nothing_and_says_so(
    name: str, field: str, request: pytest.FixtureRequest
) -> None:
    scorer = request.getfixturevalue(name)
    volume = chest(9)
    volume[4] = 500
    volume[4, 12:84, 16:80] = LUNG
    volume[4, 0, 0] = 77
    scores = scored(replace(scorer, scorer=_Broken(scorer, field)), volume)
    assert np.flatnonzero(np.isnan(scores.slice_p)).tolist() == [4]
    assert scores.p_tampered == pytest.approx(scored(scorer, np.delete(volume, 4, 0)).p_tampered)
    assert 4 not in [site.slice_index for site in scores.sites]


@pytest.mark.parametrize("name", ["plain", "mapped"])
def test_a_scan_without_any_number_is_refused(name: str, request: pytest.FixtureRequest) -> None:
    scorer = request.getfixturevalue(name)
    volume = chest(3)
    volume[:, 0, 0] = 77
    with pytest.raises(ScanError, match="no number"):
        scored(replace(scorer, scorer=_Broken(scorer, "p_tampered")), volume)


def test_an_aggregation_whose_result_is_no_number_is_refused(make_package: MakePackage) -> None:
    with pytest.raises(ScanError, match="no number for this scan"):
        scored(open_package(give_places(make_package(), broken=True)), chest(3))


def test_an_aggregation_beside_a_detector_without_places_is_refused(make_package: MakePackage) -> None:
    package = make_package()
    onnx.save(strongest_place(), package / AGGREGATION_FILE)
    with pytest.raises(ManifestError, match="needs place_counts, place_logit"):
        open_package(package)


def mean_of(inputs: dict[str, list[str]]) -> onnx.ModelProto:
    """An aggregation that asks for some inputs, and takes the sigmoid of the first for the score of a slice."""
    first, axes = next(iter(inputs)), list(range(1, len(next(iter(inputs.values())))))
    nodes = [
        helper.make_node("ReduceMean", [first], ["logit"], axes=axes, keepdims=0) if axes
        else helper.make_node("Identity", [first], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["slice_p"]),
        helper.make_node("ReduceMax", ["slice_p"], ["scan_p"], keepdims=0),
    ]  # fmt: skip
    taken = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    given = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("slice_p", ["n"]), ("scan_p", []))
    ]
    graph = helper.make_graph(nodes, "mean", taken, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_an_aggregation_of_slices_names_the_place_of_each_and_gives_no_map(make_package: MakePackage) -> None:
    package = make_package()
    onnx.save(mean_of({"slice_logit": ["n"], "slice_counts": ["n"], "z_mm": ["n"]}), package / AGGREGATION_FILE)
    volume = chest(4)
    volume[2, 12:84, 16:80] = -700
    volume[3] = 500  # no lung: it does not count
    scores = scored(open_package(package), volume)
    alone = scored(open_package(make_package("b")), volume)
    np.testing.assert_allclose(scores.slice_p[:3], alone.slice_p[:3], atol=1e-4)
    assert scores.slice_p[3] == 0.5
    assert (scores.place_p, scores.place_step_px) == (None, None)
    assert (scores.sites[0].slice_index, scores.sites[0].y) == (2, 32.0)


@pytest.mark.parametrize(("name", "shape"), [("embedding", ["n", "width"]), ("place_logit", ["n", "gy", "gx"])])
def test_an_aggregation_that_asks_for_what_its_detector_lacks_is_refused(
    name: str, shape: list[str], make_package: MakePackage
) -> None:
    package = make_package()
    onnx.save(mean_of({name: shape}), package / AGGREGATION_FILE)
    with pytest.raises(ManifestError, match=f"needs {name}"):
        open_package(package)


def test_an_aggregation_that_asks_for_what_nobody_knows_is_refused(make_package: MakePackage) -> None:
    package = make_package()
    onnx.save(mean_of({"weather": ["n"]}), package / AGGREGATION_FILE)
    with pytest.raises(ManifestError, match="not an aggregation") as caught:
        open_package(package)
    assert "weather -> slice_p, scan_p" in str(caught.value)


def test_slices_that_come_in_any_order_are_handed_on_in_order_of_z(mapped: ScanScorer) -> None:
    volume = np.random.default_rng(3).integers(-900, 300, (5, 96, 96)).astype(np.int16)
    z_mm, order = np.arange(5) * 2.0, np.array([3, 0, 4, 1, 2])
    first = mapped.score_scan([(volume, z_mm)], SPACING_MM)
    mixed = mapped.score_scan([(volume[order], z_mm[order])], SPACING_MM)
    np.testing.assert_array_equal(mixed.slice_p, first.slice_p[order])
    assert mixed.p_tampered == first.p_tampered


def test_a_graph_that_is_no_aggregation_is_refused(make_package: MakePackage) -> None:
    package = give_places(make_package())
    (package / AGGREGATION_FILE).write_bytes((make_package("b") / "detector.onnx").read_bytes())
    with pytest.raises(ManifestError, match="not an aggregation"):
        open_package(package)
