"""Insertion and deletion of a detector that counts bright pixels: every point of the curves is known."""

from collections.abc import Iterator

import numpy as np
import pytest

from medfake.explain.curves import EARLY, SHARES, Curves, area, follow, measure_curves, random_map
from medfake.explain.heat_map import HeatMap
from medfake.metrics.bootstrap import Bootstrap

SHAPE = (100, 100)
SPACING = (1.0, 1.0)
BRIGHT = 400  # pixels, 4 % of the slice, far from each other: blur leaves none of them bright


def slice_and_truth() -> tuple[np.ndarray, np.ndarray]:
    hu = np.full(SHAPE, -1000, np.int16)
    hu[2::5, 2::5] = 1000
    return hu, (hu == 1000).astype(float)


def share_of_bright(images: Iterator[np.ndarray]) -> list[float]:
    return [float((image == 1000).sum()) / BRIGHT for image in images]


def test_a_perfect_map_takes_all_away_first_and_brings_all_back_first() -> None:
    hu, truth = slice_and_truth()
    (curves,) = follow(share_of_bright, hu, SPACING, [HeatMap(truth)], np.random.default_rng(1))
    kept = [max(0.0, 1 - share / 0.04) for share in SHARES]
    np.testing.assert_allclose(curves.deletion, kept, atol=1e-9)
    np.testing.assert_allclose(curves.insertion, 1 - np.array(kept), atol=1e-9)


def test_the_worst_map_leaves_them_to_the_end() -> None:
    hu, truth = slice_and_truth()
    (curves,) = follow(share_of_bright, hu, SPACING, [HeatMap(-truth)], np.random.default_rng(1))
    np.testing.assert_allclose(curves.deletion, [1.0] * 6 + [0.0])
    assert curves.areas() == pytest.approx((0.3 + 0.7 / 2, 0.7 / 2))


def test_pixels_that_a_map_holds_equal_come_as_they_are_drawn() -> None:
    hu, _ = slice_and_truth()
    (curves,) = follow(share_of_bright, hu, SPACING, [HeatMap(np.zeros(SHAPE))], np.random.default_rng(1))
    np.testing.assert_allclose(curves.deletion, 1 - np.array(SHARES), atol=0.05)
    (again,) = follow(share_of_bright, hu, SPACING, [HeatMap(np.zeros(SHAPE))], np.random.default_rng(1))
    assert (curves.deletion == again.deletion).all()


def test_areas_are_those_of_trapezoids() -> None:
    assert area(np.ones(len(SHARES))) == pytest.approx(1.0)
    assert area(np.array(SHARES)) == pytest.approx(0.5)
    assert area(np.array(SHARES), EARLY) == pytest.approx(EARLY / 2)  # divided by the share it goes to


def test_slices_are_handed_over_as_int16_of_their_size() -> None:
    seen: list[tuple[tuple[int, ...], np.dtype]] = []

    def score(images: Iterator[np.ndarray]) -> list[float]:
        seen.extend((image.shape, image.dtype) for image in images)
        return [0.0] * len(seen)

    hu, truth = slice_and_truth()
    assert len(follow(score, hu, SPACING, [HeatMap(truth), HeatMap(-truth)], np.random.default_rng(1))) == 2
    assert set(seen) == {(SHAPE, np.dtype(np.int16))}
    assert len(seen) == 2 + 4 * (len(SHARES) - 2)  # both ends are scored once


def test_figures_are_means_over_slices_and_gains_over_random_maps() -> None:
    low, high = np.zeros(len(SHARES)), np.ones(len(SHARES))
    good, bad = Curves(low, high), Curves(high, low)
    found = measure_curves([good, good], [bad, good], ["a", "b"], ["s", "t"], Bootstrap(resamples=100))
    assert (found.deletion_area.value, found.insertion_area.value) == (0.0, pytest.approx(1.0))
    assert (found.deletion_gain.value, found.insertion_gain.value) == (pytest.approx(0.5), pytest.approx(0.5))
    assert found.deletion_of_random == (0.5,) * len(SHARES)
    assert found.insertion_gain.interval is not None


def test_gains_look_at_the_first_pixels_alone() -> None:
    early = np.array([float(share <= EARLY) for share in SHARES])
    found = measure_curves([Curves(early, early)], [Curves(1 - early, 1 - early)], ["a"], ["s"], Bootstrap(100))
    assert (found.deletion_gain.value, found.insertion_gain.value) == (-1.0, 1.0)


def test_a_random_map_is_smooth_of_the_slice_size_and_depends_on_its_seed_alone() -> None:
    one, same, other = (random_map((90, 130), (0.7, 0.9), np.random.default_rng(seed)).values for seed in (1, 1, 2))
    assert one.shape == (90, 130)
    assert (one == same).all()
    assert (one != other).any()
    assert np.abs(np.diff(one, axis=0)).max() < 0.1
