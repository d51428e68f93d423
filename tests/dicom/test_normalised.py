"""Percentiles of a slice to one range: what stays, what is clipped, what shows nothing."""

from pathlib import Path

import numpy as np
import pytest

from medfake.dicom.normalised import BEYOND, DARKEST, HIGH, LOW, normalise
from medfake.errors import PixelDataError

WHERE = Path("image.dcm")
RAMP = np.arange(1001, dtype=np.uint16).reshape(7, 143)  # its 0.5th percentile is 5, its 99.5th 995


def test_percentiles_become_the_ends_of_the_range_and_the_rest_follows_linearly() -> None:
    units = normalise(RAMP, None, WHERE).ravel()
    assert units.dtype == np.int16
    assert (units[5], units[500], units[995]) == (LOW, 0, HIGH)
    np.testing.assert_array_equal(units, np.rint((np.arange(1001) - 5.0) * (2000 / 990) - 1000))


def test_what_lies_far_beyond_is_clipped() -> None:
    image = RAMP.astype(np.int32)
    image[0, 0], image[-1, -1] = -30000, 65535
    units = normalise(image, None, WHERE)
    assert (units.min(), units.max()) == (LOW - BEYOND, HIGH + BEYOND)


@pytest.mark.parametrize(("slope", "intercept"), [(3, 0), (0.25, -40), (1, 1000)])
def test_a_linear_rescaling_changes_nothing(slope: float, intercept: float) -> None:
    np.testing.assert_array_equal(normalise(RAMP * slope + intercept, None, WHERE), normalise(RAMP, None, WHERE))


def test_padding_is_in_no_percentile_and_darkest() -> None:
    padded = np.zeros((7, 286), bool)
    padded[:, 143:] = True
    image = np.hstack([RAMP, np.full_like(RAMP, 60000)])
    units = normalise(image, padded, WHERE)
    np.testing.assert_array_equal(units[:, :143], normalise(RAMP, None, WHERE))
    assert (units[:, 143:] == DARKEST).all()


def test_a_few_pixels_on_one_value_are_still_shown() -> None:
    image = np.zeros((100, 100), np.uint16)
    image[50, 50:60] = 800
    units = normalise(image, None, WHERE)
    assert (units[0, 0], units[50, 55]) == (LOW, HIGH)


@pytest.mark.parametrize("value", [0, 7])
def test_an_image_of_one_value_shows_nothing(value: int) -> None:
    with pytest.raises(PixelDataError, match="shows nothing") as caught:
        normalise(np.full((8, 8), value, np.uint16), None, WHERE)
    assert caught.value.received == f"the value {value} everywhere"


def test_padding_alone_is_refused() -> None:
    with pytest.raises(PixelDataError, match="padding alone"):
        normalise(RAMP, np.ones(RAMP.shape, bool), WHERE)
