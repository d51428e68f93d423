"""Tissue that stands twice in a scan is found, and nothing is where nothing was copied."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medfake.copies.patches import describe
from medfake.copies.search import LEAST_PAIRS, Copy, find_copies
from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.phantom import write_patient
from tests.fixtures.chests import draw_chest

SIZE, SLICES, SPACING_MM, STEP_MM = 384, 6, (0.7, 0.7), 2.5
HALF = 16
ONE, OTHER = (2, 170, 120), (4, 210, 262)  # slice, row, column; in one lung and in the other
Turn = Callable[[np.ndarray], np.ndarray]
TURNS: dict[str, Turn] = {
    "as it is": lambda block: block,
    "flipped down": lambda block: np.flip(block, 1),
    "flipped across": lambda block: np.flip(block, 2),
    "turned by a right angle": lambda block: np.rot90(block, axes=(1, 2)),
}


@pytest.fixture(scope="module")
def chest() -> np.ndarray:
    """(6, 384, 384) HU; noise as correlated as that of a scanner."""
    rng = np.random.default_rng(8)
    return np.stack([gaussian_filter(draw_chest(rng, SIZE), 0.6) for _ in range(SLICES)])


def found(volume: np.ndarray) -> tuple[Copy, ...]:
    hu = np.rint(volume).astype(np.int16)
    return find_copies([describe(one, SPACING_MM[0]) for one in hu], np.arange(len(hu)) * STEP_MM, SPACING_MM)


def block(place: tuple[int, int, int], depth: int = 2) -> tuple[slice, slice, slice]:
    z, y, x = place
    return np.s_[z : z + depth, y - HALF : y + HALF + 1, x - HALF : x + HALF + 1]


def copied(volume: np.ndarray, turn: Turn = TURNS["as it is"]) -> np.ndarray:
    """Two slices of a block put elsewhere, 40 HU brighter, under a soft border."""
    forged = volume.copy()
    y, x = np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1]
    share = np.clip((HALF - np.hypot(y, x)) / 4, 0, 1)
    forged[block(OTHER)] = share * (turn(volume[block(ONE)]) + 40) + (1 - share) * forged[block(OTHER)]
    return forged


def test_nothing_stands_twice_where_nothing_was_copied(chest: np.ndarray) -> None:
    assert found(chest) == ()


@pytest.mark.parametrize("turn", TURNS)
def test_a_copy_is_found_with_both_places(chest: np.ndarray, turn: str) -> None:
    (copy,) = found(copied(chest, TURNS[turn]))
    assert copy.pairs >= LEAST_PAIRS
    for place, (z, y, x) in ((copy.one, ONE), (copy.other, OTHER)):
        assert place.slice_index in (z, z + 1)
        assert place.z_mm == place.slice_index * STEP_MM
        assert np.hypot(place.y - y, place.x - x) < HALF
    assert set(copy.slices) <= {2, 3, 4, 5}


def test_two_copies_are_two(chest: np.ndarray) -> None:
    forged = copied(chest)
    forged[block((0, 150, 270))] = forged[block((0, 230, 110))]
    assert len(found(forged)) == 2


def test_a_slice_that_stands_in_the_scan_twice_is_no_copy_within_it(chest: np.ndarray) -> None:
    """Same noise at the same place: an instance that was sent again, not tissue that was moved."""
    doubled = chest.copy()
    doubled[3] = doubled[2]
    assert found(doubled) == ()


def test_a_copy_under_new_noise_is_still_found(chest: np.ndarray) -> None:
    forged = copied(chest) + np.random.default_rng(1).normal(0, 3, chest.shape)
    assert found(forged)


def test_a_single_slice_can_hold_both_places(chest: np.ndarray) -> None:
    forged = chest[:1].copy()
    forged[block((0, *OTHER[1:]), 1)] = forged[block((0, *ONE[1:]), 1)]
    (copy,) = found(forged)
    assert copy.slices == (0,)


@pytest.mark.parametrize("sigma", [0.7, 1.2])
def test_smoothing_makes_no_copies(chest: np.ndarray, sigma: float) -> None:
    assert found(gaussian_filter(chest, (0, sigma, sigma))) == ()


def test_a_pattern_that_fills_the_lungs_is_no_copy(chest: np.ndarray) -> None:
    """Hostile input: every patch is like every other, and a comparison of all with all would not end."""
    y, x = np.mgrid[:SIZE, :SIZE]
    tiles = 60 * (np.sin(y / 2.0) + np.sin(x / 2.0))
    patterned = np.where(chest < -400, -850 + tiles, chest)
    assert found(np.concatenate([patterned] * 8)) == ()


def test_scans_without_slices_or_without_lung_have_none() -> None:
    assert find_copies([], np.zeros(0), SPACING_MM) == ()
    assert found(np.full((3, 128, 128), 40.0)) == ()


def test_the_phantom_repeats_nothing(tmp_path: Path) -> None:
    write_patient(tmp_path / "p", 3, 24, None)
    (series,), _ = find_series(tmp_path / "p")
    spacing = series.spacing_zyx_mm
    patches = [describe(hu, spacing[1]) for hu in read_volume(series.headers)]
    assert find_copies(patches, series.z_mm, spacing[1:]) == ()
