"""Distances where the answer is known: the same, another, all alike, copied."""

import numpy as np
import pytest

from medfake.generators.distances import Judge, frechet_distance, kernel_distance
from medfake.generators.features import features_of
from tests.fixtures.generated import draw_chest


def chests(seed: int, count: int, nodule: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    hu = np.stack([draw_chest(rng, nodule) for _ in range(count)])
    return ((np.clip(hu, -1000, 400) + 1000) / 700.0 - 1.0).astype(np.float32)[..., None]


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(features_of(chests(1, 60)), np.repeat(np.arange(6), 10), features_of(chests(2, 60)), seed=1)


def test_features_are_as_many_as_they_say_and_differ_where_noise_does() -> None:
    pixels = chests(1, 3)
    features = features_of(pixels)
    assert features.shape == (3, 320)
    noisy = features_of(pixels + np.random.default_rng(1).normal(0, 0.3, pixels.shape).astype(np.float32))
    assert (noisy[:, 64:128] > features[:, 64:128] + 0.5).mean() > 0.5, "the finest filters see it"
    assert np.abs(noisy[:, :64] - features[:, :64]).max() < 0.2, "brightness is as it was"


def test_slices_of_a_size_of_their_own_have_features_too() -> None:
    assert features_of(np.zeros((2, 128, 128, 1), np.float32)).shape == (2, 320)


def test_kernel_distance_is_unbiased_and_grows_with_the_difference() -> None:
    rng = np.random.default_rng(1)
    same = [kernel_distance(rng.standard_normal((40, 4)), rng.standard_normal((30, 4))) for _ in range(60)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 60**0.5
    assert min(same) < 0
    nearer, farther = (
        kernel_distance(rng.standard_normal((40, 4)) + by, rng.standard_normal((30, 4))) for by in (1, 2)
    )
    assert max(same) < nearer < farther


def test_kernel_distance_of_few_rows_is_what_the_formula_says() -> None:
    one, other = np.array([[1.0], [0.0]]), np.array([[2.0], [0.0]])
    assert kernel_distance(one, other) == pytest.approx(1 + 1 - 2 * (27 + 1 + 1 + 1) / 4)


def test_frechet_distance_is_that_of_two_normal_distributions() -> None:
    rng = np.random.default_rng(1)
    one = rng.standard_normal((20_000, 2))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(one, one + np.array([3.0, 0.0])) == pytest.approx(9.0, rel=1e-6)
    assert frechet_distance(one, 2 * one) == pytest.approx(2.0, rel=0.05)  # (1 - 2)^2 along each of two axes


def test_slices_of_the_same_kind_are_near_and_others_far(judge: Judge) -> None:
    same, noise = features_of(chests(3, 60)), features_of(np.random.default_rng(1).uniform(-1, 1, (60, 64, 64, 1)))
    assert judge.kid(same) < 1 < judge.kid(noise)
    assert judge.fid(same) < judge.fid(noise) / 10
    assert judge.floor is not None
    assert abs(judge.floor) < 1


def test_slices_that_are_all_alike_have_no_spread(judge: Judge) -> None:
    assert judge.spread(features_of(np.repeat(chests(3, 1), 8, axis=0))) == pytest.approx(0, abs=1e-6)
    assert judge.spread(features_of(chests(3, 60))) == pytest.approx(1, abs=0.2)


def test_copies_of_learnt_slices_are_told(judge: Judge) -> None:
    copied, own = judge.nearest(features_of(chests(1, 60))), judge.nearest(features_of(chests(3, 60)))
    assert copied.generated == pytest.approx(0, abs=1e-6)
    assert copied.closer == 1
    assert own.closer is not None
    assert own.closer < 0.3
    assert own.real is not None
    assert own.generated == pytest.approx(own.real, rel=0.3)


def test_patients_that_are_too_few_leave_figures_out() -> None:
    features = features_of(chests(1, 8))
    alone = Judge(features, np.zeros(8), features, seed=1)
    assert alone.floor is None
    assert (alone.nearest(features).real, alone.nearest(features).closer) == (None, None)
    assert Judge(features, np.repeat(np.arange(4), 2), features, seed=1).floor is not None
