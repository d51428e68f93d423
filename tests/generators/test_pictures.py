"""Grids as PNG: every slice in its place, black air and white bone."""

import io

import numpy as np
import pytest
from PIL import Image

from medfake.generators.pictures import beside, grid


def test_slices_stand_row_by_row_with_white_between_them() -> None:
    pixels = np.stack([np.full((64, 64, 1), value, np.float32) for value in (-1, 0, 1)])
    page = grid(pixels, 2, 2)
    assert page.shape == (130, 130)
    assert page[10, 10] == 0
    assert page[10, 70] in (127, 128)
    assert (page[70:, 70:] == 255).all(), "a place without a slice"
    assert (page[:, 64:66] == 255).all()


@pytest.mark.parametrize(("size", "drawn"), [(64, 64), (128, 128), (256, 128)])
def test_samples_stand_left_of_real_slices_and_large_ones_are_drawn_smaller(size: int, drawn: int) -> None:
    dark, bright = (np.full((4, size, size, 1), value, np.float32) for value in (-1, 1))
    image = np.asarray(Image.open(io.BytesIO(beside(dark, bright, 2, 2))))
    assert image.shape == (2 * drawn + 2, 2 * (2 * drawn + 2) + 16)
    assert image[0, 0] == 0
    assert image[0, -1] == 255
