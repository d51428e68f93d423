"""Controls: each has the figures that it must have on slices made for it."""

import numpy as np
import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.place_controls import Control, chance_of_a_hit, control_map, judged_by
from medfake.metrics.within_slice import JudgedSlice, PlaceMap, measure_within_slices
from medfake.vocabulary import Manipulation

FEW = Bootstrap(resamples=100)
SITE = np.array([[160.0, 240.0]])


def lung(blob_hu: int = -850) -> np.ndarray:
    hu = np.full((320, 320), -850, np.int16)
    hu[148:173, 228:253] = blob_hu
    return hu


def slice_of(counts: np.ndarray | None = None, sites: np.ndarray = SITE) -> JudgedSlice:
    where = PlaceMap(np.zeros((40, 40)), np.ones((40, 40), bool) if counts is None else counts)
    return JudgedSlice("p", "s", Manipulation.INJECTED, (1.0, 1.0), sites, where, where.strongest)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("control", [Control.BRIGHTNESS, Control.CONTRAST])
def test_brightness_finds_what_is_bright(control: Control) -> None:
    measured = measure_within_slices([judged_by(control, lung(50), slice_of(), rng())], FEW)
    assert measured.window_auc.value == 1.0
    assert measured.hit_rate.value == 1.0


def test_contrast_alone_finds_what_is_darker_than_its_ring() -> None:
    said = {
        control: measure_within_slices([judged_by(control, lung(-1000), slice_of(), rng())], FEW).hit_rate.value
        for control in (Control.BRIGHTNESS, Control.CONTRAST)
    }
    assert said == {Control.BRIGHTNESS: 0.0, Control.CONTRAST: 1.0}


@pytest.mark.parametrize("control", [Control.BRIGHTNESS, Control.CONTRAST])
def test_brightness_says_nothing_of_even_lung(control: Control) -> None:
    measured = measure_within_slices([judged_by(control, lung(), slice_of(), rng())], FEW)
    assert measured.window_auc.value == pytest.approx(0.5)


def test_brightness_is_the_mean_of_24_px_and_the_ring_lies_between_64_and_104_px() -> None:
    hu = np.full((320, 320), -900, np.int16)
    hu[160 - 12 : 160 + 12, 160 - 12 : 160 + 12] = -300
    at = np.s_[20, 20]
    assert control_map(Control.BRIGHTNESS, hu, 1.0, slice_of().map, rng()).scores[at] == -300
    assert control_map(Control.CONTRAST, hu, 1.0, slice_of().map, rng()).scores[at] == pytest.approx(600)
    hu[160 - 52 : 160 + 52, 160 - 52 : 160 + 52] = -500
    hu[160 - 32 : 160 + 32, 160 - 32 : 160 + 32] = -900
    assert control_map(Control.CONTRAST, hu, 1.0, slice_of().map, rng()).scores[at] == pytest.approx(400)


def test_metal_counts_as_soft_tissue() -> None:
    bright, metal = (control_map(Control.BRIGHTNESS, lung(hu), 1.0, slice_of().map, rng()).scores for hu in (200, 3000))
    assert (bright == metal).all()


def test_the_centre_is_the_lung_place_nearest_to_the_mean_of_the_lung() -> None:
    counts = np.zeros((40, 40), bool)
    counts[10:31, 5:12] = counts[10:31, 24:35] = True
    (_, x) = judged_by(Control.CENTRE, lung(), slice_of(counts), rng()).strongest or (0, 0)
    assert x == 24 * 8
    even = judged_by(Control.CENTRE, lung(), slice_of(), rng())
    assert even.strongest in {(y, x) for y in (152, 160) for x in (152, 160)}


def test_random_maps_depend_on_their_seed_alone_and_know_nothing() -> None:
    slices = [judged_by(Control.RANDOM, lung(), slice_of(), np.random.default_rng(n)) for n in range(300)]
    measured = measure_within_slices(slices, FEW)
    assert measured.window_auc.value == pytest.approx(0.5, abs=0.02)
    again = judged_by(Control.RANDOM, lung(), slice_of(), np.random.default_rng(0))
    assert again.strongest == slices[0].strongest


def test_the_chance_of_a_hit_is_the_share_of_lung_near_the_site() -> None:
    counts = np.zeros((40, 40), bool)
    counts[20, 30] = counts[0, 0] = counts[0, 1] = counts[0, 2] = True
    dark = slice_of(np.zeros((40, 40), bool))
    assert chance_of_a_hit([slice_of(counts), dark]).tolist() == [0.25, 0.0]


def test_controls_of_a_slice_without_lung_name_no_place() -> None:
    dark = slice_of(np.zeros((40, 40), bool))
    assert all(judged_by(control, lung(), dark, rng()).strongest is None for control in Control)


def test_a_detector_without_a_map_has_no_controls() -> None:
    bare = JudgedSlice("p", "s", Manipulation.INJECTED, (1.0, 1.0), SITE, None, (160.0, 240.0))
    assert judged_by(Control.BRIGHTNESS, lung(50), bare, rng()).strongest is None


def test_the_wall_of_the_chest_does_not_brighten_lung_beside_it() -> None:
    hu = np.full((320, 320), -1000, np.int16)
    hu[20:300, 20:300] = 40
    hu[60:260, 60:260] = -850
    hu[150:162, 150:162] = 60  # a nodule
    scores = control_map(Control.BRIGHTNESS, hu, 1.0, slice_of().map, rng()).scores
    assert scores[20, 8] == pytest.approx(-850, abs=20)  # half of its square is wall
    assert scores[19, 19] > -750
    assert scores[4, 20] == pytest.approx(40, abs=20)  # no lung at all: as bright as it is
