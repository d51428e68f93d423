"""Maps over slices, for eyes: grey (of CT a lung window) under a translucent colour, as PNG.

The colours are those of inferno: perceptually uniform, ordered by lightness, told apart by colour-blind readers. Where
nothing speaks for "tampered", the slice shows as it is.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.window import grey_of
from medfake.explain.heat_map import HeatMap, Place
from medfake.vocabulary import Modality

if TYPE_CHECKING:
    from PIL.Image import Image

SOFTWARE: Final = "medfake explain"
"""Stands in every PNG under the keyword Software, so that an earlier one can be told from foreign files."""
_OPACITY: Final = 0.65
_FAINTEST: Final = 0.35
"""Share of the colours that is not used: the darkest would only darken the slice."""
_SITE: Final = (86, 180, 233)
"""Sky blue of Okabe and Ito, which inferno has not."""
_PEAK: Final = (255, 255, 255)
_EDGE: Final = (0, 0, 0)
_PALETTE: Final = 160
"""Colours of small pictures; more make larger files and no better ones."""

Pixels = NDArray[np.uint8]


def overlay(hu: NDArray[np.int16], heat: HeatMap, modality: Modality = Modality.CT) -> Pixels:
    """Lay a map over its slice, pixel on pixel.

    Args:
        hu: (rows, cols) int16 Hounsfield units, or those of the modality.
        heat: Its map; the highest value of the slice is brightest.
        modality: What made the slice.

    Returns:
        (rows, cols, 3) uint8.
    """
    return under_colour(grey_of(hu, modality), strength(heat))


def strength(heat: HeatMap) -> NDArray[np.float64]:
    """(rows, cols) what speaks for "tampered" as a share of the most that does in this slice, 0..1."""
    positive = np.maximum(heat.values, 0.0)
    highest = float(positive.max())
    return positive / highest if highest > 0 else positive


def under_colour(grey: Pixels, share: NDArray[np.float64]) -> Pixels:
    """(rows, cols) grey -> (rows, cols, 3), the more coloured the higher a share of 0..1 is, low ones next to not."""
    colours, opacity = _coloured(share)
    mixed: Pixels = np.rint(grey[..., None] * (1 - opacity) + colours * opacity).astype(np.uint8)
    return mixed


def translucent(share: NDArray[np.float64]) -> Pixels:
    """(rows, cols) shares of 0..1 -> (rows, cols, 4) red, green, blue and alpha, to lay over whatever grey."""
    colours, opacity = _coloured(share)
    laid: Pixels = np.rint(np.concatenate([colours, 255.0 * opacity], axis=-1)).astype(np.uint8)
    return laid


def _coloured(share: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(rows, cols, 3) colours of 0..255 and (rows, cols, 1) how opaque they are, 0..1."""
    import matplotlib as mpl

    colours = mpl.colormaps["inferno"](_FAINTEST + (1 - _FAINTEST) * share)[..., :3] * 255.0
    return colours, (_OPACITY * np.clip(share, 0.0, 1.0) ** 2)[..., None]


def png_of(pixels: Pixels, *, peak: Place | None = None) -> bytes:
    """A PNG at the pixels' own resolution; a cross beside the peak hides none of it."""
    from PIL import Image

    image = Image.fromarray(pixels)
    if peak is not None:
        _cross(image, peak, reach=max(6.0, max(pixels.shape) / 50))
    return _bytes(image)


def panels(
    plain: Pixels, mapped: Pixels, edge: int, *, site: Place | None, radius_px: tuple[float, float], peak: Place | None
) -> bytes:
    """A small PNG of few colours: the slice with its site left, the same under the map with site and peak right.

    Args:
        plain: (rows, cols, 3).
        mapped: Likewise.
        edge: Of the longer side of each half, px.
        site: True place, px of the slice; None where none is known.
        radius_px: Of the circle around it, down and across.
        peak: Of the map; None where it has none.
    """
    from PIL import Image

    rows, cols = plain.shape[:2]
    scale = edge / max(rows, cols)
    size = max(1, round(cols * scale)), max(1, round(rows * scale))
    both = Image.new("RGB", (2 * size[0] + 4, size[1]), (128, 128, 128))
    for number, pixels in enumerate((plain, mapped)):
        half = Image.fromarray(pixels).resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)
        if site is not None:
            _circle(half, _scaled(site, scale), (radius_px[0] * scale, radius_px[1] * scale))
        if peak is not None and number:
            _cross(half, _scaled(peak, scale), reach=7.0)
        both.paste(half, (number * (size[0] + 4), 0))
    return _bytes(both.quantize(_PALETTE, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE))


def is_ours(path: Path) -> bool:
    """Whether a file is a PNG that `png_of` made."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as image:
            return image.info.get("Software") == SOFTWARE
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return False


def _scaled(place: Place, scale: float) -> Place:
    return (place[0] + 0.5) * scale - 0.5, (place[1] + 0.5) * scale - 0.5


def _circle(image: "Image", centre: Place, radius: tuple[float, float]) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    (y, x), (down, across) = centre, radius
    for grown, colour in ((1, _EDGE), (0, _SITE)):
        draw.ellipse(
            (x - across - grown, y - down - grown, x + across + grown, y + down + grown), outline=colour, width=1
        )


def _cross(image: "Image", centre: Place, reach: float) -> None:
    """Four short lines that point at a place and leave it free."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    y, x = centre
    gap = reach / 3

    def lines(paint: Callable[[tuple[float, float, float, float]], None]) -> None:
        for sign in (-1, 1):
            paint((x + sign * gap, y, x + sign * reach, y))
            paint((x, y + sign * gap, x, y + sign * reach))

    lines(lambda ends: draw.line(ends, fill=_EDGE, width=3))
    lines(lambda ends: draw.line(ends, fill=_PEAK, width=1))


def _bytes(image: "Image") -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info, buffer = PngInfo(), io.BytesIO()
    info.add_text("Software", SOFTWARE)
    image.save(buffer, format="PNG", optimize=True, pnginfo=info)
    return buffer.getvalue()
