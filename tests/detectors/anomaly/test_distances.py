"""Distances from what is real, as layers and in NumPy."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors

from medfake.detectors.anomaly.fit import against_ring
from medfake.detectors.anomaly.one_class import build_judge
from medfake.detectors.anomaly.options import PatchCoreOptions, RealScansOptions
from medfake.detectors.anomaly.padim import PaDiM
from medfake.detectors.anomaly.patch_core import PatchCore, farthest
from medfake.detectors.anomaly.whitening import Whitening

FEATURES = 8 * 10


def places(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, FEATURES)) @ rng.normal(size=(FEATURES, FEATURES))).astype(np.float32)


def test_a_gaussian_is_that_of_scikit_learn_where_no_direction_is_held_down() -> None:
    known, new = against_ring(places(500, 1)), against_ring(places(20, 1))
    deviation = known.std(axis=0) + 0.01
    fitted = LedoitWolf().fit((known - known.mean(axis=0)) / deviation)
    white = Whitening.of(known, 1e-9)(new)
    expected = fitted.mahalanobis((new - known.mean(axis=0)) / deviation)
    np.testing.assert_allclose((white**2).sum(axis=1), expected, rtol=1e-2)


def test_directions_in_which_nothing_varies_are_held_down() -> None:
    known = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    known[:, 2] = known[:, 1] + 1e-4 * known[:, 2]
    apart = np.array([[0, 1, -1]], np.float32)
    lengths = [float((Whitening.of(known, share)(apart) ** 2).sum()) for share in (1e-9, 0.03)]
    assert lengths[0] > 2 * lengths[1]


@pytest.mark.parametrize("one", [PaDiM(RealScansOptions()), PatchCore(PatchCoreOptions(memory=60))])
def test_a_judge_says_what_numpy_and_scikit_learn_say(one: PaDiM | PatchCore) -> None:
    known, new = places(600, 1), places(50, 2)
    judge = build_judge(one.distance(against_ring(known), np.random.default_rng(0)), FEATURES)
    whitening = Whitening.of(against_ring(known), one.options.least_variance)
    white = whitening(against_ring(new))
    if isinstance(one, PatchCore):
        remembered = whitening(against_ring(known))
        memory = remembered[farthest(remembered, 60, one.options.projected, np.random.default_rng(0))]
        distances, _ = NearestNeighbors(n_neighbors=one.options.neighbour).fit(memory).kneighbors(white)
        expected = distances[:, -1] ** 2
    else:
        expected = (white**2).sum(axis=1)
    np.testing.assert_allclose(np.asarray(judge(new))[:, 0], np.log(expected + 1e-6), atol=1e-4)


def test_what_is_remembered_is_far_from_what_is_remembered_already() -> None:
    line = np.array([[0.0], [1.0], [2.0], [3.0], [10.0], [10.1]], np.float32)
    chosen = farthest(line, 3, 8, np.random.default_rng(0))
    assert len({*chosen}) == 3
    assert {0, 5} <= {*chosen} or {0, 4} <= {*chosen}, "both ends"


def test_a_memory_holds_no_more_places_than_there_are() -> None:
    one = PatchCore(PatchCoreOptions(memory=5000, neighbour=50))
    known = places(30, 1)
    judge = build_judge(one.distance(against_ring(known), np.random.default_rng(0)), FEATURES)
    assert np.isfinite(np.asarray(judge(known))).all()
