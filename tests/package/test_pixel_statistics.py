from dataclasses import astuple

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medfake.package.pixel_statistics import PixelLook, PixelStatistics, look_at, middle
from tests.fixtures.chests import draw_chest

SPACING_MM = 1.7  # of chests of 192 px: 326 mm
NOISE_HU = 40.0  # of `draw_chest`


def chest(seed: int = 1) -> np.ndarray:
    return np.rint(draw_chest(np.random.default_rng(seed))).astype(np.int16)


def test_density_and_noise_are_those_of_the_lung() -> None:
    seen = look_at(chest(), SPACING_MM)
    assert seen.lung_hu == pytest.approx(-850.0, abs=3.0)
    assert seen.noise_hu == pytest.approx(NOISE_HU, rel=0.05)
    assert seen.sharpness == pytest.approx(1.0, abs=0.03)  # white noise: neighbours differ as much as others


def test_a_soft_kernel_is_less_sharp_than_a_sharp_one_whatever_the_noise() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (192, 192))
    soft = gaussian_filter(noise, 1.0)
    plain = gaussian_filter(chest().astype(float), 4)
    looks = [look_at(np.rint(plain + 40 * one / one.std()).astype(np.int16), SPACING_MM) for one in (soft, noise)]
    assert looks[0].sharpness is not None
    assert looks[1].sharpness is not None
    assert looks[0].sharpness < 0.75 < looks[1].sharpness


def test_a_slice_without_lung_has_air_alone() -> None:
    hu = np.full((192, 192), 40, np.int16)
    hu[:48] = -1000
    assert look_at(hu, SPACING_MM) == PixelStatistics(None, None, None, 0.25)


@pytest.mark.parametrize("value", [-32768, -1024, 32767])
def test_whatever_the_values_a_look_ends_with_numbers_or_none(value: int) -> None:
    seen = look_at(np.full((192, 192), value, np.int16), SPACING_MM)
    assert seen.noise_hu is None
    assert seen.air_fraction in (0.0, 1.0)


@pytest.mark.parametrize(("slices", "looked_at"), [(1, 1), (3, 3), (20, 5), (64, 16), (300, 16)])
def test_a_quarter_of_the_slices_is_looked_at_four_at_least_and_sixteen_at_most(slices: int, looked_at: int) -> None:
    places = []
    blank = np.zeros((8, 8), np.int16)
    look = PixelLook(slices, (1.0, 1.0))
    for number in range(slices):
        before = len(look._seen)
        look([blank])
        places += [number] * (len(look._seen) - before)
    assert len(places) == looked_at
    assert max(np.diff([0, *places, slices]), default=0) <= -(-slices // looked_at)  # evenly spread


def test_a_scan_is_the_middle_of_its_slices_and_those_without_lung_say_nothing_of_it() -> None:
    seen = [PixelStatistics(-800.0, 10.0, 0.5, 0.1), PixelStatistics(None, None, None, 0.3)]
    assert middle([*seen, PixelStatistics(-820.0, 12.0, 0.7, 0.2)]) == PixelStatistics(-810.0, 11.0, 0.6, 0.2)
    assert astuple(middle([])) == (None,) * 4


def test_slices_may_come_in_parts_of_any_size() -> None:
    volume = np.stack([chest(seed) for seed in range(12)])
    at_once, by_and_by = (PixelLook(12, (SPACING_MM, SPACING_MM)) for _ in range(2))
    at_once(volume)
    for start in range(0, 12, 5):
        by_and_by(volume[start : start + 5])
    assert at_once.statistics == by_and_by.statistics
    assert at_once.statistics.noise_hu == pytest.approx(NOISE_HU, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (16, 16), (96, 96)])
@pytest.mark.parametrize("spacing_mm", [1e-6, 0.7, 50.0])
def test_slices_too_small_to_judge_are_looked_at_all_the_same(shape: tuple[int, int], spacing_mm: float) -> None:
    hu = np.random.default_rng(1).integers(-1024, 400, shape).astype(np.int16)
    assert look_at(hu, spacing_mm).air_fraction is not None
