"""One number a slice: known values, and ranks that tell slices apart as the numbers do."""

import numpy as np
import pytest

from medfake.metrics.single_numbers import SINGLE_NUMBERS, fine_structure, highest_hu, lowest_hu, ranked, share_from


def test_extremes_are_those_of_each_slice() -> None:
    hu = np.stack([np.full((8, 8), -700), np.full((8, 8), 40)]).astype(np.int16)
    hu[0, 3, 3] = 900
    assert highest_hu(hu).tolist() == [900.0, 40.0]
    assert lowest_hu(hu).tolist() == [-700.0, 40.0]


def test_a_share_counts_the_brightness_itself_and_all_above() -> None:
    hu = np.array([[[299, 300], [301, -1000]], [[299, 299], [299, 299]]], np.int16)
    assert share_from(300)(hu).tolist() == [0.5, 0.0]


def test_fine_structure_is_the_distance_from_the_mean_of_nine() -> None:
    hu = np.full((1, 9, 9), 0, np.int16)
    hu[0, 4, 4] = 90  # the mean of nine is 10 in nine places: 80 once, 10 eight times
    assert fine_structure(hu)[0] == pytest.approx((80 + 8 * 10) / 81)


@pytest.mark.parametrize(("edge", "beyond"), [(400, 401), (-1000, -1001)])
def test_fine_structure_beyond_the_window_does_not_count(edge: int, beyond: int) -> None:
    slices = np.full((2, 9, 9), edge, np.int16)
    slices[0, ::2] = beyond
    slices[1, ::2] = edge - np.sign(edge)
    outside, inside = fine_structure(slices)
    assert outside == 0.0
    assert inside > 0.0


def test_numbers_are_of_slices_each_by_itself() -> None:
    rng = np.random.default_rng(0)
    hu = rng.normal(0, 100, (3, 16, 16)).astype(np.int16)
    for number in SINGLE_NUMBERS.values():
        assert np.allclose(number(hu), [number(hu[at : at + 1])[0] for at in range(3)])


def test_ranks_lie_in_0_to_1_and_equal_numbers_share_one() -> None:
    assert ranked(np.array([5.0, -3000.0]), np.array([5.0, 7.0])).tolist() == [0.5, 0.125, 0.5, 0.875]
