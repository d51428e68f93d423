"""Sites against the rest of their own slice: what perfect, constant and absent maps get, and where near ends."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.within_slice import (
    FAR_MM,
    HIT_MM,
    NEAR_MM,
    JudgedSlice,
    PlaceMap,
    WithinSlice,
    measure_within_slices,
)
from medfake.vocabulary import Manipulation

FEW = Bootstrap(resamples=200)
SITE = (160.0, 160.0)


def place_map(scores: Any = None, counts: Any = None, places: int = 40) -> PlaceMap:
    shape = (places, places)
    return PlaceMap(
        np.zeros(shape) if scores is None else scores, np.ones(shape, bool) if counts is None else counts, 8.0, 0.0
    )


def nearness(site: tuple[float, float] = SITE, places: int = 40) -> Any:
    """Scores that fall with the distance from a site."""
    y, x = np.indices((places, places)) * 8.0
    return -np.hypot(y - site[0], x - site[1])


def judged(
    scores: Any = None,
    counts: Any = None,
    *,
    patient: str = "p-0",
    spacing: tuple[float, float] = (1.0, 1.0),
    sites: Any = (SITE,),
    said: Any = "strongest",
) -> JudgedSlice:
    where = place_map(scores, counts)
    strongest = where.strongest if said == "strongest" else said
    return JudgedSlice(patient, f"{patient}-scan", Manipulation.REMOVED, spacing, np.array(sites), where, strongest)


def values(measured: WithinSlice) -> tuple[float | None, float | None, float | None]:
    return measured.window_auc.value, measured.slice_auc.value, measured.hit_rate.value


def test_a_perfect_map_gets_one_everywhere() -> None:
    slices = [judged(nearness(), patient=f"p-{n}") for n in range(4)]
    measured = measure_within_slices(slices, FEW)
    assert values(measured) == (1.0, 1.0, 1.0)
    assert (measured.slices, measured.patients, measured.unseen, measured.unit) == (4, 4, 0, "patients")
    for one in (measured.window_auc, measured.slice_auc, measured.hit_rate):
        assert one.interval is not None
        assert (one.interval.low, one.interval.high) == (1.0, 1.0)


def test_a_constant_map_gets_one_half_and_no_hit() -> None:
    measured = measure_within_slices([judged(patient=f"p-{n}") for n in range(3)], FEW)
    assert values(measured) == (0.5, 0.5, 0.0)


def test_a_map_turned_round_gets_nothing() -> None:
    assert values(measure_within_slices([judged(-nearness())], FEW)) == (0.0, 0.0, 0.0)


def test_window_auc_is_that_of_scikit_learn_over_the_pooled_places() -> None:
    rng = np.random.default_rng(0)
    slices = [judged(rng.normal(size=(40, 40)).round(1), patient=f"p-{n}") for n in range(5)]
    pairs = [one.near_and_far() for one in slices]
    scores = np.concatenate([part for pair in pairs for part in pair])
    label = np.concatenate([np.full(len(part), 1 - side) for pair in pairs for side, part in enumerate(pair)])
    measured = measure_within_slices(slices, FEW)
    assert measured.window_auc.value == pytest.approx(roc_auc_score(label, scores))
    peaks = [part.max() for pair in pairs for part in pair]
    assert measured.slice_auc.value == pytest.approx(roc_auc_score([1, 0] * 5, peaks))


@pytest.mark.parametrize(("distance", "near"), [(NEAR_MM, 1), (NEAR_MM + 0.01, 0)])
def test_a_place_is_near_up_to_thirteen_mm(distance: float, near: int) -> None:
    counts = np.zeros((40, 40), bool)
    counts[20, 20] = True
    assert len(judged(counts=counts, sites=[(160 - distance, 160.0)]).near_and_far()[0]) == near


@pytest.mark.parametrize(("distance", "far"), [(FAR_MM, 0), (FAR_MM + 0.01, 1)])
def test_a_place_is_far_beyond_forty_five_mm(distance: float, far: int) -> None:
    counts = np.zeros((40, 40), bool)
    counts[20, 20] = True
    assert len(judged(counts=counts, sites=[(160.0, 160 + distance)]).near_and_far()[1]) == far


@pytest.mark.parametrize(("distance", "hit"), [(HIT_MM, True), (HIT_MM + 0.01, False)])
def test_the_named_place_hits_up_to_fifteen_mm(distance: float, hit: bool) -> None:
    assert judged(said=(160.0, 160 - distance)).hit is hit


def test_distances_are_in_mm_along_rows_and_columns() -> None:
    assert judged(said=(170.0, 160.0), spacing=(1.5, 0.5)).hit
    assert not judged(said=(171.0, 160.0), spacing=(1.5, 0.5)).hit
    assert judged(said=(160.0, 190.0), spacing=(1.5, 0.5)).hit


def test_what_is_near_another_site_of_the_slice_is_not_far() -> None:
    counts = np.zeros((40, 40), bool)
    counts[0, 0] = True
    assert len(judged(counts=counts).near_and_far()[1]) == 1
    assert len(judged(counts=counts, sites=[SITE, (30.0, 0.0)]).near_and_far()[1]) == 0


def test_a_site_outside_what_counts_ranks_below_everything_and_is_told() -> None:
    counts = np.ones((40, 40), bool)
    counts[17:24, 17:24] = False
    measured = measure_within_slices([judged(nearness(), counts)], FEW)
    assert values(measured) == (None, 0.0, 0.0)
    assert measured.unseen == 1


def test_a_site_at_the_border_of_the_image_is_measured_like_any_other() -> None:
    corner = (0.0, 319.0)
    measured = measure_within_slices([judged(nearness(corner), sites=[corner])], FEW)
    assert values(measured) == (1.0, 1.0, 1.0)


def test_slices_without_lung_are_misses_and_leave_the_rest_defined() -> None:
    dark = judged(counts=np.zeros((40, 40), bool), patient="p-1")
    measured = measure_within_slices([judged(nearness()), dark], FEW)
    assert values(measured) == (1.0, 0.5, 0.5)
    assert dark.strongest is None
    assert values(measure_within_slices([dark], FEW)) == (None, None, 0.0)


def test_a_detector_without_a_map_has_its_hits_alone() -> None:
    one = judged(said=SITE)
    bare = JudgedSlice(one.patient_id, one.scan_id, one.manipulation, one.spacing_mm, one.sites, None, SITE)
    assert values(measure_within_slices([bare], FEW)) == (None, None, 1.0)


def test_nothing_is_measured_of_nothing() -> None:
    measured = measure_within_slices([], FEW)
    assert values(measured) == (None, None, None)
    assert measured.patients == 0


def test_patients_are_resampled_whole() -> None:
    right, wrong = judged(nearness()), judged(-nearness(), patient="p-1")
    two = measure_within_slices([right] * 6 + [wrong] * 6, FEW)
    assert two.hit_rate.interval is not None
    assert (two.hit_rate.interval.low, two.hit_rate.interval.high) == (0.0, 1.0)  # two patients, not twelve slices
    assert measure_within_slices([right, wrong], FEW) == measure_within_slices([right, wrong], FEW)


def test_one_patient_alone_resamples_scans_and_one_scan_has_no_interval() -> None:
    one = judged(nearness())
    other = JudgedSlice("p-0", "another", one.manipulation, one.spacing_mm, one.sites, one.map, one.strongest)
    assert measure_within_slices([one, other], FEW).unit == "scans"
    assert measure_within_slices([one], FEW).hit_rate.interval is None


def test_the_strongest_place_counts_and_is_the_first_of_equals() -> None:
    scores = nearness()
    counts = np.ones((40, 40), bool)
    counts[20, 20] = False
    assert place_map(scores, counts).strongest == (152.0, 160.0)
    assert PlaceMap(scores, counts, 16.0, 48.0).strongest == (48 + 19 * 16, 48 + 20 * 16)
    assert place_map(scores, np.zeros((40, 40), bool)).strongest is None
