import numpy as np
import pytest

from medfake.by_name import Registry
from medfake.tamper import registry
from medfake.tamper.cube import Cube
from medfake.tamper.nodule import nodule_profile
from medfake.tamper.noise import local_noise
from medfake.tamper.places import injection_places
from medfake.tamper.registry import MANIPULATIONS, manipulation, manipulations_of
from medfake.tamper.site import Site
from medfake.vocabulary import LabelCode, Modality

NODULE = Site(12, 124, 68)
ELSEWHERE = Site(12, 124, 184)
SPACING = (2.5, 1.4, 1.4)
NAMES = sorted(manipulations_of(Modality.CT))


def apply(name: str, volume: np.ndarray, place: Site, spacing: tuple[float, float, float] = SPACING) -> np.ndarray:
    return MANIPULATIONS[name].apply(volume, spacing, place, np.random.default_rng(3))


def test_manipulations_carry_the_codes_of_label_files() -> None:
    codes = {entry.name: (entry.code, entry.code.manipulation, entry.family) for entry in MANIPULATIONS.values()}
    assert codes == {
        "lesion": ("FM", "injected", "synthesis"),
        "shadow": ("FM", "injected", "synthesis"),
        "tissue-fill": ("FB", "removed", "synthesis"),
        "tissue-copy": ("FB", "removed", "paste"),
        "tissue-blend": ("FB", "removed", "blend"),
        "injection": ("FM", "injected", "cube"),
        "removal": ("FB", "removed", "cube"),
        "resampled": ("FB", "removed", "cube"),
        "transplant": ("FM", "injected", "paste"),
        "poisson": ("FM", "injected", "paste"),
        "copy-move": ("FB", "removed", "paste"),
        "exemplar": ("FB", "removed", "paste"),
        "denoised": ("FM", "injected", "synthesis"),
        "parametric-nodule": ("FM", "injected", "synthesis"),
        "parametric-fill": ("FB", "removed", "synthesis"),
        "rediffused": ("FB", "removed", "synthesis"),
        "rediffused-nodule": ("FM", "injected", "synthesis"),
        "self-blended": ("FB", "removed", "blend"),
        "self-blended-nodule": ("FM", "injected", "blend"),
    }


def test_one_decorated_function_adds_a_manipulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MANIPULATIONS", Registry("manipulation", room="medfake.errors", where="forged"))
    function = manipulation("nothing", code=LabelCode.FM)(lambda volume, spacing_mm, place, rng: volume)
    assert registry.MANIPULATIONS["nothing"].apply is function
    assert registry.MANIPULATIONS["nothing"].places is injection_places


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [ELSEWHERE, Site(0, 0, 0), Site(23, 255, 255), Site(23, 124, 184)])
def test_nothing_changes_outside_the_cube(name: str, place: Site, chest: np.ndarray) -> None:
    before = chest.copy()
    after = apply(name, chest, place)
    box = Cube.cut(chest, SPACING, (place.z, place.y, place.x)).box
    changed = after != before
    assert changed[box].any()
    changed[box] = False
    assert not changed.any()
    np.testing.assert_array_equal(chest, before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spacing", [(0.6, 0.6, 0.6), (3.0, 0.7, 0.9), (8.0, 0.65, 0.65), (20.0, 0.7, 0.7)])
def test_any_spacing_keeps_shape_and_type(name: str, spacing: tuple[float, float, float], chest: np.ndarray) -> None:
    after = apply(name, chest, ELSEWHERE, spacing)
    assert (after.shape, after.dtype) == (chest.shape, np.int16)
    assert (after != chest).any()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_generator_state_makes_the_same_voxels(name: str, chest: np.ndarray) -> None:
    np.testing.assert_array_equal(apply(name, chest, ELSEWHERE), apply(name, chest, ELSEWHERE))


def test_an_injection_is_solid_where_there_was_lung(chest: np.ndarray) -> None:
    after = apply("injection", chest, ELSEWHERE)
    assert chest[12, 124, 184] < -700
    assert after[12, 124, 184] > -150


def test_a_removal_leaves_lung_where_the_nodule_was(chest: np.ndarray) -> None:
    assert chest[12, 124, 68] > -100
    assert apply("removal", chest, NODULE)[10:15, 120:129, 64:73].mean() == pytest.approx(-850, abs=60)


@pytest.mark.parametrize("name", NAMES)
def test_the_chest_wall_inside_the_cube_stays(name: str) -> None:
    volume = np.full((33, 64, 64), -850, np.int16)
    volume[:, :, :26] = 40
    after = MANIPULATIONS[name].apply(volume, (1.0, 1.0, 1.0), Site(16, 32, 33), np.random.default_rng(3))
    assert after[10:23, 26:39, 23:25].mean() == pytest.approx(40, abs=25)


def test_values_inside_the_cube_are_clipped_as_the_published_tool_does(chest: np.ndarray) -> None:
    wide = chest.copy()
    wide[12, 124, 174:195] = 3000
    wide[11, 124, 174:195] = -3000
    after = apply("removal", wide, ELSEWHERE)
    box = Cube.cut(wide, SPACING, (12, 124, 184)).box
    assert after[box].min() >= -1000
    assert after[box].max() <= 2000


def test_the_touch_up_brings_the_noise_back(chest: np.ndarray) -> None:
    place = Site(12, 124, 184)
    after = apply("removal", chest, place)
    window = np.s_[10:15, 119:130, 179:190]
    before_hu, after_hu = (local_noise(volume[window].astype(np.float32)) for volume in (chest, after))
    assert after_hu == pytest.approx(before_hu, rel=0.4)


def profile(seed: int) -> tuple[np.ndarray, np.ndarray]:
    axis = np.arange(-16, 17, dtype=np.float32)
    offsets = (axis[:, None, None], axis[None, :, None], axis[None, None, :])
    return nodule_profile(offsets, np.random.default_rng(seed)), np.sqrt(sum(offset**2 for offset in offsets))


@pytest.mark.parametrize("seed", range(5))
def test_a_nodule_profile_is_a_share_and_full_in_the_middle(seed: int) -> None:
    share, distance = profile(seed)
    assert share.min() >= 0
    assert share.max() <= 1
    assert share[distance <= 1].min() > 0.9


def test_a_nodule_ends_within_the_inner_cube() -> None:
    for seed in range(5):
        share, distance = profile(seed)
        assert not share[distance > 14].any()
