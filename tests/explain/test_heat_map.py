"""Maps in native resolution: values lie where they belong, and peaks are named or not."""

import numpy as np
import pytest

from medfake.explain.heat_map import HeatMap, spread, stretch

SHAPE = (96, 160)


def test_a_pixel_on_a_place_has_its_value_and_one_between_two_their_mean() -> None:
    grid = np.zeros((7, 11))
    grid[3, 5], grid[3, 6] = 1.0, 3.0
    values = spread(grid, SHAPE, (4.0, 8.0), (16.0, 10.0))
    assert values.shape == SHAPE
    assert values[4 + 3 * 16, 8 + 5 * 10] == 1.0
    assert values[4 + 3 * 16, 8 + 5 * 10 + 5] == 2.0
    assert values[4 + 3 * 16 + 8, 8 + 6 * 10] == 1.5


def test_beyond_the_outermost_places_theirs_go_on() -> None:
    values = spread(np.arange(6.0).reshape(2, 3), (40, 40), (10.0, 10.0), (10.0, 10.0))
    assert (values[0, 0], values[-1, -1], values[-1, 0]) == (0.0, 5.0, 3.0)


def test_cells_that_fill_a_slice_have_their_centres_in_the_middle_of_their_share_of_it() -> None:
    cells = np.zeros((3, 5))
    cells[1, 3] = 1.0
    peak = HeatMap(stretch(cells, SHAPE)).peak
    assert peak in {(y, x) for y in (47.0, 48.0) for x in (111.0, 112.0)}  # 1.5 x 32 and 3.5 x 32, between pixels


def test_a_map_of_the_slice_own_size_stays_as_it_is() -> None:
    values = np.random.default_rng(1).random(SHAPE)
    assert (stretch(values, SHAPE) == values).all()


def test_the_peak_of_a_plateau_is_in_its_middle_and_of_equals_the_first() -> None:
    values = np.zeros(SHAPE)
    values[10:21, 30:51] = values[80:85, 100:105] = 2.0
    assert HeatMap(values).peak == (15.0, 40.0)


@pytest.mark.parametrize("value", [0.0, 0.7, -1.0])
def test_a_map_that_is_the_same_everywhere_names_no_place(value: float) -> None:
    assert HeatMap(np.full(SHAPE, value)).peak is None


def test_a_map_on_which_nothing_speaks_for_tampering_names_no_place() -> None:
    values = np.full(SHAPE, -1.0)
    values[5, 5] = 0.0
    assert HeatMap(values).peak is None
    values[5, 5] = 1e-9
    assert HeatMap(values).peak == (5.0, 5.0)
