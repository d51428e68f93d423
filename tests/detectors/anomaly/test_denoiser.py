"""The blind-spot denoiser: what it sees and what it learns from."""

import numpy as np
import pytest

from medfake.detectors.anomaly.denoiser import CROP_PX, build_denoiser, crops_of
from medfake.detectors.anomaly.options import DenoiserOptions
from medfake.detectors.anomaly.real_slices import RealSlice
from tests.fixtures.chests import draw_chest


@pytest.mark.parametrize(("hole", "guess"), [(1, 0), (3, 1)])
def test_no_guess_depends_on_what_its_hole_hides(hole: int, guess: int) -> None:
    denoiser = build_denoiser(DenoiserOptions(edge=7, holes=(1, 3), width=4))
    image = np.random.default_rng(1).normal(size=(1, 32, 32, 1)).astype(np.float32)
    before = np.asarray(denoiser(image))[0, 16, 16, guess]
    hidden, seen = image.copy(), image.copy()
    half = hole // 2
    hidden[0, 16 - half : 17 + half, 16 - half : 17 + half] += 5
    seen[0, 16 + half + 1, 16] += 5
    assert np.asarray(denoiser(hidden))[0, 16, 16, guess] == before
    assert np.asarray(denoiser(seen))[0, 16, 16, guess] != before


def test_crops_are_of_lung_in_units_of_noise_whatever_the_dose() -> None:
    rng = np.random.default_rng(3)
    crops = []
    for dose in (0.5, 2.0):
        hu = draw_chest(np.random.default_rng(5))
        noise = rng.normal(0, 30 * dose, hu.shape)
        plain = np.where(hu < -500, np.where(hu < -930, -1000, -850), 40)
        crops.append(crops_of([RealSlice("a", lambda hu=plain + noise: np.rint(hu).astype(np.int16))], rng))
    assert all(one.shape[1:] == (CROP_PX, CROP_PX, 1) and len(one) for one in crops)
    assert crops[0].std() == pytest.approx(crops[1].std(), rel=0.5)


def test_slices_smaller_than_a_crop_have_none() -> None:
    small = RealSlice("a", lambda: np.full((40, 40), -850, np.int16))
    assert crops_of([small], np.random.default_rng(0)).shape == (0, CROP_PX, CROP_PX, 1)
