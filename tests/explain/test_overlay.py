"""Pictures: pixel on pixel, few bytes, and told from foreign files."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medfake.dicom.window import to_grey
from medfake.explain.heat_map import HeatMap
from medfake.explain.overlay import is_ours, overlay, panels, png_of, strength

SHAPE = (100, 160)


def hu() -> np.ndarray:
    return np.random.default_rng(1).normal(-800, 80, SHAPE).astype(np.int16)


def one_warm_pixel(place: tuple[int, int] = (30, 120), value: float = 2.0) -> HeatMap:
    values = np.full(SHAPE, -1.0)
    values[place] = value
    return HeatMap(values)


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_where_nothing_speaks_for_tampering_the_slice_shows_as_it_is() -> None:
    grey = to_grey(hu())
    pixels = overlay(hu(), one_warm_pixel())
    assert pixels.shape == (*SHAPE, 3)
    coloured = np.ptp(pixels.astype(int), axis=2) > 0
    assert np.argwhere(coloured).tolist() == [[30, 120]]
    assert (pixels[~coloured] == grey[~coloured][:, None]).all()


def test_colours_tell_a_map_relative_to_its_own_highest_value() -> None:
    assert (overlay(hu(), one_warm_pixel(value=2.0)) == overlay(hu(), one_warm_pixel(value=0.001))).all()
    assert strength(HeatMap(np.array([[-1.0, 1.0, 4.0]]))).tolist() == [[0.0, 0.25, 1.0]]
    assert strength(HeatMap(np.full((1, 3), -1.0))).tolist() == [[0.0] * 3]


def test_a_picture_has_the_native_resolution_and_its_peak_is_marked_beside_and_not_on_it() -> None:
    pixels = overlay(hu(), one_warm_pixel())
    assert (np.asarray(opened(png_of(pixels))) == pixels).all()
    marked = np.asarray(opened(png_of(pixels, peak=(30.0, 120.0))))
    assert (marked[30, 120] == pixels[30, 120]).all()
    assert (marked[30, 125] == 255).all()
    assert (marked[25, 120] == 255).all()


def test_two_halves_of_few_colours_have_the_site_on_both_and_the_peak_on_one() -> None:
    grey = np.repeat(to_grey(hu())[..., None], 3, axis=2)
    png = panels(grey, grey, 80, site=(50.0, 40.0), radius_px=(20.0, 20.0), peak=(50.0, 120.0))
    image = opened(png)
    assert (image.size, image.mode) == ((164, 50), "P")
    pixels = np.asarray(image.convert("RGB")).astype(int)
    blue = pixels[..., 2] - pixels[..., 0] > 60
    left, right = blue[:, :80], blue[:, 84:]
    assert left.any()
    assert (left == right).all()
    assert np.argwhere(left)[:, 1].mean() == pytest.approx(20, abs=1)  # column 40 of 160, at half the size
    assert (pixels[:, 84:] != pixels[:, :80]).any()
    assert png == panels(grey, grey, 80, site=(50.0, 40.0), radius_px=(20.0, 20.0), peak=(50.0, 120.0))


def test_our_pictures_are_told_from_others(tmp_path: Path) -> None:
    ours, theirs, text, empty = (tmp_path / name for name in ("a.png", "b.png", "c.png", "d.png"))
    ours.write_bytes(png_of(overlay(hu(), one_warm_pixel())))
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(theirs)
    text.write_text("no image")
    empty.touch()
    assert [is_ours(path) for path in (ours, theirs, text, empty)] == [True, False, False, False]
