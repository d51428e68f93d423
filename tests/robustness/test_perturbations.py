"""Perturbations: the same bytes for the same seed, int16 throughout, and sites that follow the image."""

import numpy as np
import pytest
from numpy.typing import NDArray
from openjpeg.utils import encode_array

from medfake.robustness import storage
from medfake.robustness.registry import PERTURBATIONS, scaled
from tests.fixtures.chests import draw_chest

Slice = NDArray[np.int16]


@pytest.fixture(scope="module")
def chest() -> Slice:
    chest: Slice = np.clip(np.rint(draw_chest(np.random.default_rng(3))), -1024, 3071).astype(np.int16)
    return chest


def perturbed(name: str, hu: Slice, seed: int = 1) -> Slice:
    return PERTURBATIONS[name].apply(hu, np.random.default_rng(seed))


def test_there_are_those_of_the_protocol() -> None:
    assert list(PERTURBATIONS) == ["8-bit-window", "blur", "jpeg", "jpeg-2000", "noise", "zoom"]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_same_seed_gives_the_same_bytes_and_the_slice_stays_as_it_was(name: str, chest: Slice) -> None:
    before = chest.copy()
    first = perturbed(name, chest)
    assert first.dtype == np.int16
    assert first.tobytes() == perturbed(name, chest).tobytes()
    assert first.shape != chest.shape or (first != chest).any()
    assert (chest == before).all()


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_slice_of_odd_size_and_of_full_range_is_taken(name: str) -> None:
    hu = np.random.default_rng(0).integers(-32768, 32767, (101, 97), endpoint=True).astype(np.int16)
    assert perturbed(name, hu).dtype == np.int16


def test_another_seed_gives_other_noise_of_ten_hu(chest: Slice) -> None:
    added = perturbed("noise", chest).astype(int) - chest
    assert 9.8 < added.std() < 10.2
    assert abs(added.mean()) < 0.3
    assert (perturbed("noise", chest, seed=2) != perturbed("noise", chest)).any()


def test_noise_at_the_end_of_the_range_does_not_turn_bright_into_dark() -> None:
    assert perturbed("noise", np.full((32, 32), 32767, np.int16)).min() > 32000


def test_a_window_keeps_lung_within_half_a_grey_value_and_cuts_bone() -> None:
    hu = np.array([[-1351, -1350, -1349, -850, 0, 149, 150, 151, 3000]], np.int16)
    kept = perturbed("8-bit-window", hu)
    inside = (hu >= -1350) & (hu <= 150)
    assert np.abs(kept.astype(int) - hu)[inside].max() <= 3
    assert kept[0, 0] == -1350
    assert kept[0, -1] == 150


def test_jpeg_is_a_window_that_was_compressed(chest: Slice) -> None:
    window, jpeg = perturbed("8-bit-window", chest), perturbed("jpeg", chest)
    assert (jpeg != window).any()
    assert np.abs(jpeg.astype(int) - window).mean() < 30


def test_jpeg_2000_leaves_one_bit_of_sixteen() -> None:
    noise = np.random.default_rng(0).integers(0, 4095, (512, 512)).astype(np.uint16)
    code = encode_array(noise, bits_stored=12, compression_ratios=[storage.JPEG_2000_RATIO * 12 / 16])
    assert noise.nbytes / len(bytes(code)) == pytest.approx(16, rel=0.02)


def test_jpeg_2000_keeps_what_is_smooth() -> None:
    y, x = np.mgrid[:128, :128]
    hu = (-900 + 2 * x + y).astype(np.int16)
    assert np.abs(perturbed("jpeg-2000", hu).astype(int) - hu).max() < 12


def test_blur_takes_noise_and_leaves_levels(chest: Slice) -> None:
    blurred = perturbed("blur", chest)
    assert blurred[:12, :12].std() < 0.75 * chest[:12, :12].std()
    assert abs(float(blurred.mean()) - float(chest.mean())) < 0.5


def test_zoom_makes_nine_pixels_of_ten_and_they_grow(chest: Slice) -> None:
    zoom = PERTURBATIONS["zoom"]
    small = perturbed("zoom", chest)
    assert small.shape == (173, 173)
    spacing = zoom.spacing_after((0.7, 0.7), chest.shape, small.shape)
    assert spacing[0] * 173 == pytest.approx(0.7 * 192)


@pytest.mark.parametrize("place", [(0, 0), (60, 130), (191, 191)])
def test_a_bright_spot_is_where_zoom_says_it_went(place: tuple[int, int]) -> None:
    hu = np.full((192, 192), -850, np.int16)
    y, x = place
    hu[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = 1000
    small = perturbed("zoom", hu).astype(float) + 850
    weights = np.where(small > 400, small, 0)
    seen = np.array([(weights * grid).sum() / weights.sum() for grid in np.indices(small.shape)])
    (said,) = PERTURBATIONS["zoom"].move(np.array([place], float), hu.shape, small.shape)
    assert np.hypot(*(seen - said)) < (0.2 if 2 < y < 189 else 1.5)  # at the corner a quarter of the spot is there


def test_places_stay_where_the_matrix_does() -> None:
    places = np.array([[0.0, 511.0], [3.5, 7.25]])
    assert (scaled(places, (512, 512), (512, 512)) == places).all()
