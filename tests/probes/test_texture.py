"""What the fast detector sees of a slice, and what a blanked square hides from it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medfake.probes.texture import FEATURES, Square, describe
from medfake.vocabulary import Modality

SPACING_MM = 0.75
HALF_PX = 16 / SPACING_MM


@pytest.fixture
def chest() -> np.ndarray:
    """Two noisy lungs in a body in air, 160 x 160 px."""
    y, x = np.mgrid[:160, :160] / 160 - 0.5
    hu = np.full((160, 160), -1000.0)
    hu[(y / 0.42) ** 2 + (x / 0.47) ** 2 < 1] = 40
    for side in (-0.22, 0.22):
        hu[(y / 0.3) ** 2 + ((x - side) / 0.18) ** 2 < 1] = -850
    return np.rint(hu + np.random.default_rng(1).normal(0, 30, hu.shape)).astype(np.int16)


def smoothed(hu: np.ndarray, y: int, x: int) -> np.ndarray:
    copy = hu.astype(float)
    copy[y - 18 : y + 18, x - 18 : x + 18] = gaussian_filter(copy[y - 18 : y + 18, x - 18 : x + 18], 2)
    return np.rint(copy).astype(np.int16)


def test_a_blanked_trace_changes_nothing_and_an_open_one_does(chest: np.ndarray) -> None:
    squares = [Square(80, 45, HALF_PX, borrowed=False, spacing_mm=SPACING_MM)] * 2
    (whole, blanked), (whole_tampered, blanked_tampered) = describe([chest, smoothed(chest, 80, 45)], squares, jobs=1)
    assert np.array_equal(blanked_tampered, blanked)
    assert not np.allclose(whole_tampered, whole)


def test_a_trace_outside_the_square_is_still_seen(chest: np.ndarray) -> None:
    squares = [Square(80, 115, HALF_PX, borrowed=False, spacing_mm=SPACING_MM)] * 2
    (_, blanked), (_, blanked_tampered) = describe([chest, smoothed(chest, 80, 45)], squares, jobs=1)
    assert not np.allclose(blanked_tampered, blanked)


def test_a_borrowed_square_moves_to_the_nearest_lung(chest: np.ndarray) -> None:
    outside = Square(80, 2, HALF_PX, borrowed=True, spacing_mm=SPACING_MM)
    stays = Square(80, 2, HALF_PX, borrowed=False, spacing_mm=SPACING_MM)
    (whole, moved), (_, stayed) = describe([chest, chest], [outside, stays], jobs=1)
    assert np.array_equal(stayed[:-1], whole[:-1])
    assert moved[-1] < whole[-1]


def test_processes_describe_as_one_does(chest: np.ndarray) -> None:
    slices = [chest, smoothed(chest, 80, 45), chest[::-1]]
    squares = [Square(80, column, HALF_PX, borrowed=False, spacing_mm=SPACING_MM) for column in (45, 115, 60)]
    assert np.array_equal(describe(slices, squares, jobs=2), describe(slices, squares, jobs=1))


def test_a_square_inside_the_chest_is_described_by_what_is_dark_in_it(chest: np.ndarray) -> None:
    square = Square(20, 20, 5.0, borrowed=False, spacing_mm=SPACING_MM)
    inside = chest[50:110, 20:68]
    assert describe([inside], [square], jobs=1)[0, 0].any()


def test_a_slice_without_lung_or_air_is_described_by_zeros() -> None:
    tissue = np.full((64, 64), 40, np.int16)
    square = Square(32, 32, HALF_PX, borrowed=True, spacing_mm=SPACING_MM)
    assert np.array_equal(describe([tissue], [square], jobs=1), np.zeros((1, 2, FEATURES)))


def test_of_other_modalities_the_noise_of_all_tissue_is_described(chest: np.ndarray) -> None:
    shifted = (chest // 2 + 300).astype(np.int16)  # nothing as dark as lung; a body of -125 to 320 in air of -200
    air = np.where(chest < -950, -1000, shifted).astype(np.int16)
    of_mr = Square(80, 80, HALF_PX, borrowed=False, spacing_mm=SPACING_MM, modality=Modality.MR)
    (whole, blanked), (tampered, _) = describe([air, smoothed(air, 80, 80)], [of_mr] * 2, jobs=1)
    assert whole[-1] > 0.5  # the body, not the lungs in it
    assert blanked[-1] < whole[-1]
    assert not np.allclose(tampered, whole)
