"""Words burned into pictures, for viewers that show nothing else; never an identifier."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_INK: Final = (255, 255, 255)
_LINE: Final = 1.5  # of the height of a letter
_MOST_OBLONG: Final = 8.0
_LARGEST: Final = 4096  # px
_LEAST, _MOST = 512, 1024  # px of the longer side of a picture

Pixels = NDArray[np.uint8]


def readable(pixels: Pixels) -> Pixels:
    """A picture whose longer side has 512 to 1024 pixels: small ones enlarged by a whole factor, large ones shrunk.

    Args:
        pixels: (rows, cols, 3).
    """
    from PIL import Image

    longer = max(pixels.shape[:2])
    if longer < _LEAST:
        factor = -(-_LEAST // longer)
        return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    if longer <= _MOST:
        return pixels
    size = [max(1, round(edge * _MOST / longer)) for edge in pixels.shape[1::-1]]
    return np.asarray(Image.fromarray(pixels).resize((size[0], size[1]), Image.Resampling.BOX))


def squared(pixels: Pixels, spacing_mm: tuple[float, float]) -> Pixels:
    """A picture whose pixels are squares, by more rows or more columns: viewers show pictures so (PS3.3 C.7.6.3.1.7).

    Args:
        pixels: (rows, cols, 3).
        spacing_mm: Between rows, between columns; beyond a ratio of 8 headers are no more believed.
    """
    from PIL import Image

    tall = min(max(spacing_mm[0] / spacing_mm[1], 1 / _MOST_OBLONG), _MOST_OBLONG)
    rows, cols = pixels.shape[:2]
    size = (cols, round(rows * tall)) if tall > 1 else (round(cols / tall), rows)
    if size == (cols, rows):
        return pixels
    if max(size) > _LARGEST:
        size = (max(1, size[0] * _LARGEST // max(size)), max(1, size[1] * _LARGEST // max(size)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def captioned(pixels: Pixels, lines: Sequence[str]) -> Pixels:
    """A picture above a band with words; it hides nothing of the picture.

    Args:
        pixels: (rows, cols, 3).
        lines: Shortened where they are too long for the picture.

    Returns:
        (rows and band, cols, 3).
    """
    from PIL import Image, ImageDraw, ImageFont

    rows, cols = pixels.shape[:2]
    size = max(10, cols // 36)
    font, step = ImageFont.load_default(size), round(_LINE * size)
    image = Image.new("RGB", (cols, rows + step * len(lines) + size // 2))
    image.paste(Image.fromarray(pixels), (0, 0))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((size // 2, rows + step * number + size // 4), _fitted(line, cols - size, font.getlength), _INK, font)
    return np.asarray(image)


def _fitted(line: str, width: int, length: Callable[[str], float]) -> str:
    while line and length(line) > width:
        line = line[:-4].rstrip() + "..." if len(line) > 4 else ""
    return line
