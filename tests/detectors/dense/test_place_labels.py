"""What a place of a manipulated slice is called in training."""

import numpy as np
import pytest

from medfake.detectors.dense.statistics import place_labels
from medfake.tamper.bank import Change


def changed(pixels: int, kind: Change) -> int:
    """Label of the place at row 32, column 32 when so many of its 576 px changed."""
    change = np.zeros((64, 64), np.uint8)
    square = np.zeros(24 * 24, np.uint8)
    square[:pixels] = kind
    change[20:44, 20:44] = square.reshape(24, 24)
    labels = place_labels(change)
    assert labels.shape == (9, 9)
    return int(labels[4, 4])


@pytest.mark.parametrize(("pixels", "label"), [(576, 1), (346, 1), (345, -1), (6, -1), (5, 0), (0, 0)])
def test_a_place_is_tampered_above_60_percent_and_untouched_below_1(pixels: int, label: int) -> None:
    assert changed(pixels, Change.STRONG) == label


@pytest.mark.parametrize(("pixels", "label"), [(17, 0), (18, -1), (576, -1)])
def test_a_place_that_changed_a_little_is_neither_from_3_percent_on(pixels: int, label: int) -> None:
    assert changed(pixels, Change.WEAK) == label


def test_places_at_the_border_count_what_is_there() -> None:
    change = np.full((64, 64), Change.STRONG, np.uint8)
    labels = place_labels(change)
    assert labels[4, 4] == 1
    assert labels[0, 0] == -1  # a quarter of its square lies in the slice
