"""The pointing game: hits, misses and controls whose rates are known."""

import numpy as np
import pytest

from medfake.explain.heat_map import HeatMap
from medfake.explain.pointing import measure_pointing, pointed
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.localisation import HIT_MM
from medfake.metrics.within_slice import JudgedSlice
from medfake.vocabulary import Manipulation
from tests.fixtures.bodies import chest

FEW = Bootstrap(resamples=200)
EMPTY = np.full((160, 160), -850, np.int16)  # no body around it: every place counts


def judged(patient: str, peak: tuple[int, int] | None, site: tuple[float, float] = (80.0, 80.0)) -> JudgedSlice:
    values = np.zeros((160, 160))
    if peak is not None:
        values[peak] = 1.0
    of = JudgedSlice(patient, patient, Manipulation.REMOVED, (1.0, 1.0), np.array([site]), None, None)
    return pointed(of, EMPTY, HeatMap(values))


@pytest.mark.parametrize(("peak", "hit"), [((80, 96), 1.0), ((80, 97), 0.0), ((69, 91), 1.0), (None, 0.0)])
def test_a_peak_hits_up_to_16_mm_from_the_site(peak: tuple[int, int] | None, hit: float) -> None:
    assert HIT_MM == 16.0
    assert measure_pointing([judged("a", peak)], [EMPTY], FEW).hit_rate.value == hit


def test_the_rate_is_the_share_of_slices_and_its_interval_is_over_patients() -> None:
    slices = [judged(patient, (80, 80)) for patient in "aaabbc"] + [judged(patient, (8, 8)) for patient in "de"]
    found = measure_pointing(slices, [EMPTY] * 8, FEW)
    assert (found.hit_rate.value, found.slices, found.patients, found.unit) == (0.75, 8, 5, "patients")
    assert found.hit_rate.interval is not None
    assert found.hit_rate.interval.low < 0.75 < found.hit_rate.interval.high
    assert found.without_peak == 0


def test_maps_without_a_peak_are_counted() -> None:
    found = measure_pointing([judged("a", None), judged("b", (80, 80))], [EMPTY] * 2, FEW)
    assert (found.without_peak, found.hit_rate.value) == (1, 0.5)


def test_the_random_control_is_the_share_of_lung_places_near_the_site() -> None:
    found = measure_pointing([judged("a", (80, 80))], [EMPTY], FEW)
    y, x = np.mgrid[0:160:8, 0:160:8]
    assert found.random.value == pytest.approx(float((np.hypot(y - 80, x - 80) <= 16).mean()))


@pytest.mark.parametrize(("site", "rate"), [((80.0, 80.0), 1.0), ((20.0, 20.0), 0.0)])
def test_the_centre_control_names_the_middle_of_the_lungs(site: tuple[float, float], rate: float) -> None:
    assert measure_pointing([judged("a", (80, 80), site)], [EMPTY], FEW).centre.value == rate


def test_controls_name_lung_alone_where_a_body_surrounds_it() -> None:
    hu = chest()
    of = JudgedSlice("a", "a", Manipulation.REMOVED, (1.0, 1.0), np.array([[0.0, 0.0]]), None, None)
    said = pointed(of, hu, HeatMap(np.zeros(hu.shape)))
    assert said.map is not None
    assert 0 < said.map.counts.mean() < 0.6
