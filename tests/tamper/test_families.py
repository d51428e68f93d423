"""What every manipulation holds to, by a parametrisation over all that are registered."""

from dataclasses import replace

import numpy as np
import pytest

from medfake.tamper.block import REACH_MM, box_around
from medfake.tamper.noise import residual_noise
from medfake.tamper.registry import MANIPULATIONS, manipulations_of
from medfake.tamper.site import Site
from medfake.vocabulary import LabelCode, Modality

SPACING = (2.5, 1.4, 1.4)
LUNG = Site(12, 124, 184)
BRIGHT = Site(12, 124, 68)
NAMES = sorted(manipulations_of(Modality.CT))
SAME_CONTENT = {"resampled", "self-blended"}
INJECTING = [name for name in NAMES if MANIPULATIONS[name].code is LabelCode.FM]
REMOVING = [name for name in NAMES if MANIPULATIONS[name].code is LabelCode.FB and name not in SAME_CONTENT]


def apply(name: str, volume: np.ndarray, place: Site, seed: int = 3, spacing=SPACING) -> np.ndarray:
    return MANIPULATIONS[name].apply(volume, spacing, place, np.random.default_rng(seed))


@pytest.fixture
def vessel(chest: np.ndarray) -> np.ndarray:
    """The chest with an upright vessel of 5 mm radius in the lung of the nodule: solid tissue on every slice."""
    y, x = np.ogrid[:256, :256]
    chest[:, ((y - 124) ** 2 + (x - 68) ** 2) * 1.4**2 <= 25] = 30
    noise = np.random.default_rng(8).normal(0, 15, chest.shape)
    return np.where(chest == 30, np.rint(30 + noise), chest).astype(np.int16)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spacing", [(0.7, 0.6, 0.6), (1.25, 0.7, 0.7), (5.0, 0.9, 0.9), (10.0, 0.8, 0.8)])
def test_something_changes_near_the_site_and_nothing_beyond_16_mm(name: str, spacing, chest: np.ndarray) -> None:
    """No spacing of 1 mm: a cube is at 1 mm there already, and resampling it is nothing."""
    after = apply(name, chest, LUNG, spacing=spacing)
    box = box_around(chest.shape, spacing, LUNG, REACH_MM)
    changed = after != chest
    assert changed[12, 114:135, 174:195].any()
    changed[box] = False
    assert not changed.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_single_slice_is_manipulated_in_plane(name: str, vessel: np.ndarray) -> None:
    alone = vessel[12:13]
    after = apply(name, alone, replace(LUNG, z=0))
    assert (after.shape, after.dtype) == (alone.shape, np.int16)
    assert (after != alone).any()
    np.testing.assert_array_equal(after, apply(name, alone, replace(LUNG, z=0)))


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_makes_other_voxels(name: str, chest: np.ndarray) -> None:
    assert (apply(name, chest, LUNG, 1) != apply(name, chest, LUNG, 2)).any()


@pytest.mark.parametrize("name", INJECTING)
def test_what_counts_as_injected_is_brighter_than_lung(name: str, vessel: np.ndarray) -> None:
    middle = np.s_[12, 122:127, 182:187]
    for seed in range(3):
        assert apply(name, vessel, LUNG, seed)[middle].mean() > vessel[middle].mean() + 200


@pytest.mark.parametrize("name", REMOVING)
def test_what_counts_as_removed_is_darker_than_the_nodule(name: str, chest: np.ndarray) -> None:
    middle = np.s_[12, 123:126, 67:70]
    for seed in range(3):
        assert apply(name, chest, BRIGHT, seed)[middle].mean() < chest[middle].mean() - 500


@pytest.mark.parametrize("name", sorted(SAME_CONTENT))
def test_what_changes_no_content_keeps_the_mean(name: str, chest: np.ndarray) -> None:
    middle = np.s_[10:15, 119:130, 179:190]
    for seed in range(6):
        assert apply(name, chest, LUNG, seed)[middle].mean() == pytest.approx(chest[middle].mean(), abs=25)


@pytest.mark.parametrize("name", [*REMOVING, "resampled"])
def test_noise_of_lung_inside_is_like_that_around(name: str, chest: np.ndarray) -> None:
    """Not so of self-blended ones: that a filter changed the noise is all that there is to find."""
    window = np.s_[10:15, 118:130, 178:190]
    before = residual_noise(chest[window].astype(np.float32))
    levels = [residual_noise(apply(name, chest, LUNG, seed)[window].astype(np.float32)) for seed in range(4)]
    assert 0.5 * before < np.median(levels) < 2 * before
