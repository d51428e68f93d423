"""Perturbations: the same bytes for the same seed, int16 throughout, and sites that follow the image."""

import numpy as np
import pytest
from numpy.typing import NDArray
from openjpeg.utils import encode_array

from medfake.errors import ConfigError, DataError, TrainingError
from medfake.robustness import storage
from medfake.robustness.registry import PERTURBATIONS, Given, Needs, Stack, scaled
from medfake.vocabulary import Modality, Units
from tests.fixtures.chests import draw_chest

Slice = NDArray[np.int16]
OF_ONE_STRENGTH = ["8-bit-window", "blur", "jpeg", "jpeg-2000", "noise", "zoom"]


@pytest.fixture(scope="module")
def chest() -> Slice:
    chest: Slice = np.clip(np.rint(draw_chest(np.random.default_rng(3))), -1024, 3071).astype(np.int16)
    return chest


def perturbed(name: str, hu: Slice, seed: int = 1) -> Slice:
    return PERTURBATIONS[name].apply(hu, np.random.default_rng(seed))


def given(hu: Slice, seed: int = 1) -> Given:
    """A slice with equal neighbours every 2 mm, and a gradient that is positive but for one row."""
    slope = np.ones(hu.shape, np.float32)
    slope[0] = 0
    stack = Stack(np.stack([hu] * 31), np.arange(31) * 2.0, 30.0)
    return Given(hu, np.random.default_rng(seed), stack, lambda hu: slope)


def test_there_are_those_of_the_protocol() -> None:
    assert [name for name in PERTURBATIONS if PERTURBATIONS[name].scale.strength is not None] == OF_ONE_STRENGTH
    graded_only = sorted({*PERTURBATIONS} - {*OF_ONE_STRENGTH})
    assert graded_only == ["denoised", "fgsm", "hu-offset", "kernel", "pgd", "thick-slices"]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_severity_0_is_the_slice_itself(name: str, chest: Slice) -> None:
    one = PERTURBATIONS[name]
    same = one.at(0, given(chest))
    assert same.tobytes() == chest.tobytes()
    assert same is not chest
    assert 0 in one.scale


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_usual_severities_are_within_the_scale_and_what_lies_beyond_is_not(name: str) -> None:
    scale = PERTURBATIONS[name].scale
    assert scale.unit
    assert all(severity in scale and severity != 0 for severity in (*scale.usual, scale.least, scale.most))
    assert scale.most + 1 not in scale
    assert np.nextafter(scale.least, -np.inf) not in scale
    assert (1.5 in scale) is (scale.least <= 1.5 and not scale.whole)


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("edge", ["least", "most"])
def test_both_ends_of_the_scale_give_a_slice_of_16_bits_the_same_for_the_same_seed(
    name: str, edge: str, chest: Slice
) -> None:
    one, before = PERTURBATIONS[name], chest.copy()
    severity = getattr(one.scale, edge)
    made = one.at(severity, given(chest))
    assert made.dtype == np.int16
    assert made.tobytes() == one.at(severity, given(chest)).tobytes()
    assert (chest == before).all()


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("level", [-32768, -1024, 0, 32767])
def test_a_constant_slice_is_taken(name: str, level: int) -> None:
    flat = np.full((96, 97), level, np.int16)
    one = PERTURBATIONS[name]
    for severity in one.scale.usual:
        made = one.at(severity, given(flat))
        assert made.dtype == np.int16
        assert min(made.shape) >= 48


@pytest.mark.parametrize("name", sorted({*OF_ONE_STRENGTH, "denoised", "hu-offset", "kernel"} - {"8-bit-window"}))
def test_more_changes_more(name: str, chest: Slice) -> None:
    one = PERTURBATIONS[name]
    weak, strong = (
        np.abs(one.at(severity, given(chest)).astype(int) - chest).mean()
        if name != "zoom"
        else -one.at(severity, given(chest)).size
        for severity in one.scale.usual[-2:]
    )
    assert strong > weak


def test_a_window_of_more_hu_a_value_is_coarser_and_wider(chest: Slice) -> None:
    window = PERTURBATIONS["8-bit-window"]
    hu = np.array([[-700, 0, 100, 2000]], np.int16)
    fine, coarse = (window.at(severity, given(hu))[0] for severity in (4, 16))
    assert fine.max() == -1350 + 4 * 255
    assert coarse.max() > 1990
    assert len(np.unique(window.at(16, given(chest)))) < len(np.unique(window.at(4, given(chest))))


def test_an_offset_shifts_every_pixel_and_stops_at_16_bits() -> None:
    hu = np.array([[-1000, 0, 32760]], np.int16)
    assert PERTURBATIONS["hu-offset"].at(20, given(hu)).tolist() == [[-980, 20, 32767]]
    assert PERTURBATIONS["hu-offset"].at(-20, given(hu)).tolist() == [[-1020, -20, 32740]]


def test_a_smoother_kernel_takes_noise_and_a_sharper_one_adds_some(chest: Slice) -> None:
    kernel = PERTURBATIONS["kernel"]
    smooth, same, sharp = (kernel.at(severity, given(chest))[:12, :12].std() for severity in (-60, 0, 100))
    assert smooth < 0.7 * same
    assert sharp > 1.2 * same


def test_a_kernel_leaves_the_share_of_the_finest_detail_that_its_severity_says() -> None:
    stripes = np.tile(np.array([-100, 100], np.int16), (64, 32)) - 500
    for severity in (-50, 50):
        made = PERTURBATIONS["kernel"].at(severity, given(stripes.astype(np.int16)))
        assert (made.max() - made.min()) / 200 == pytest.approx(1 + severity / 100, abs=0.01)


def test_denoising_takes_noise_and_leaves_edges() -> None:
    step = np.repeat(np.array([-850, 40]), 48)[None].repeat(96, axis=0)
    noise = np.random.default_rng(1).normal(0, 10, step.shape)
    noisy = np.rint(step + noise).astype(np.int16)
    clean = PERTURBATIONS["denoised"].at(15, given(noisy))
    assert clean[:, :40].std() < 0.4 * noisy[:, :40].std()
    assert abs(int(clean[:, 48].mean()) - 40) < 25


def test_a_thick_slice_is_the_mean_of_what_it_covers() -> None:
    z_mm = np.array([0.0, 2.0, 4.0])
    volume = np.stack([np.full((4, 4), hu, np.int16) for hu in (0, 100, 400)])
    thick = PERTURBATIONS["thick-slices"]
    given_one = Given(volume[1], np.random.default_rng(1), Stack(volume, z_mm, 2.0))
    # between 1 and 3 mm it runs 50 -> 100 -> 250: means 75 and 175
    assert thick.at(2, given_one)[0, 0] == 125
    assert thick.at(4, given_one)[0, 0] == 150  # 0 -> 100 -> 400: means 50 and 250


def test_a_slab_that_goes_beyond_the_neighbours_is_refused(chest: Slice) -> None:
    thick = PERTURBATIONS["thick-slices"]
    with pytest.raises(DataError, match="as far as it reaches"):
        thick.act(Given(chest, np.random.default_rng(1), Stack(chest[None], np.zeros(1), 0.0)), 2)
    with pytest.raises(DataError, match="as far as it reaches"):
        thick.act(Given(chest, np.random.default_rng(1)), 2)


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_an_attack_follows_the_gradient_in_whole_hu_and_no_further(name: str, chest: Slice) -> None:
    attack = PERTURBATIONS[name]
    assert attack.white_box
    assert attack.needs is Needs.GRADIENT
    change = attack.at(3, given(chest)).astype(int) - chest
    assert (change[1:] == 3).all()
    assert (np.abs(change[0]) <= 3).all()
    with pytest.raises(TrainingError, match="gradient of a network"):
        attack.act(Given(chest, np.random.default_rng(1)), 3)


def test_what_has_no_one_strength_says_so(chest: Slice) -> None:
    with pytest.raises(ConfigError, match="hu-offset has no one strength"):
        PERTURBATIONS["hu-offset"].apply(chest, np.random.default_rng(1))


@pytest.mark.parametrize("name", OF_ONE_STRENGTH)
def test_the_same_seed_gives_the_same_bytes_and_the_slice_stays_as_it_was(name: str, chest: Slice) -> None:
    before = chest.copy()
    first = perturbed(name, chest)
    assert first.dtype == np.int16
    assert first.tobytes() == perturbed(name, chest).tobytes()
    assert first.shape != chest.shape or (first != chest).any()
    assert (chest == before).all()


@pytest.mark.parametrize("name", OF_ONE_STRENGTH)
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


def test_windows_of_lungs_are_of_ct_alone_and_the_rest_of_any_modality() -> None:
    of_ct = {name for name, one in PERTURBATIONS.items() if one.modalities == (Modality.CT,)}
    assert of_ct == {"8-bit-window", "jpeg"}
    assert all(one.modalities == tuple(Modality) for name, one in PERTURBATIONS.items() if name not in of_ct)


def test_severities_of_other_modalities_count_no_hounsfield_units() -> None:
    scale = PERTURBATIONS["noise"].scale
    assert scale.unit_in(Units.HU) == scale.unit == "HU of white noise added"
    assert scale.unit_in(Units.NORMALISED) == "units of white noise added"
