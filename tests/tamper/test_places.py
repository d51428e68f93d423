import itertools

import numpy as np
import pytest

from medfake.lungs import lungs_in_volume
from medfake.tamper.places import APART_MM, END_MM, injection_places, removal_places
from medfake.tamper.site import Site

SPACING = (2.5, 1.4, 1.4)


def find(function, volume: np.ndarray, count: int = 4) -> list[Site]:
    return function(volume, SPACING, np.random.default_rng(2), count)


def test_the_lungs_of_a_volume_are_both_lungs_and_no_outside_air(chest: np.ndarray) -> None:
    mask = lungs_in_volume(chest)
    assert mask.shape == (24, 64, 64)
    assert mask[:, 32, 18].all()
    assert mask[:, 32, 46].all()
    assert not mask[:, 32, 32].any()
    assert not mask[:, 0].any()


@pytest.mark.parametrize("hu", [-1000, 40])
def test_no_lungs_give_no_places(hu: int) -> None:
    volume = np.full((12, 64, 64), hu, np.int16)
    assert not lungs_in_volume(volume).any()
    assert find(injection_places, volume) == []
    assert find(removal_places, volume) == []


def test_injections_lie_in_lung_away_from_the_wall(chest: np.ndarray) -> None:
    for place in find(injection_places, chest):
        around = chest[place.z, place.y - 1 : place.y + 2, place.x - 1 : place.x + 2]
        assert np.median(around) < -700


@pytest.mark.parametrize("function", [injection_places, removal_places])
def test_places_are_apart_and_away_from_the_ends(function, chest: np.ndarray) -> None:
    places = find(function, chest)
    for one, other in itertools.combinations(places, 2):
        assert (
            np.linalg.norm(np.multiply((one.z - other.z, one.y - other.y, one.x - other.x), SPACING)) >= APART_MM - 6
        )  # moved off the grid
    for place in places:
        assert place.z * 2.5 >= END_MM
        assert place.z * 2.5 <= 23 * 2.5 - END_MM + 2.5


def test_a_stack_shorter_than_two_cubes_still_has_places(chest: np.ndarray) -> None:
    assert {place.z for place in find(injection_places, chest[:6])} <= {2, 3}
    assert find(injection_places, chest[:6])


def test_no_more_places_than_asked_for(chest: np.ndarray) -> None:
    assert len(find(injection_places, chest, 1)) == 1
    assert find(injection_places, chest, 2) != []


def test_sites_do_not_stand_on_a_grid(chest: np.ndarray) -> None:
    found = [injection_places(chest, SPACING, np.random.default_rng(seed), 1)[0] for seed in range(12)]
    assert len({place.x % 4 for place in found}) > 1
    assert len({place.y % 4 for place in found}) > 1


def test_a_removal_finds_the_nodule(chest: np.ndarray) -> None:
    place = find(removal_places, chest, 1)[0]
    assert abs(place.z - 12) <= 1
    assert np.hypot(place.y - 124, place.x - 68) <= 3


def test_the_same_generator_state_finds_the_same_places(chest: np.ndarray) -> None:
    assert find(injection_places, chest) == find(injection_places, chest)
