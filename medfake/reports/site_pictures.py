"""Labelled slices for eyes: the slice, and what the detector says of its places, side by side."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.window import to_grey
from medfake.metrics.judged_slices import JudgedSet
from medfake.metrics.within_slice import JudgedSlice, PlaceMap
from medfake.vocabulary import Manipulation

LARGEST_PX: Final = 288
_OPACITY: Final = 0.62

Point = tuple[float, float]
"""Left and top in percent of the picture's width and height."""


@dataclass(frozen=True)
class SitePicture:
    """A labelled slice.

    Attributes:
        plain: Data URI, lung window.
        mapped: The same under the detector's map, dark for the lowest and bright for the highest place of this slice;
            "" without a map.
        sites: Labelled.
        strongest: Place that the detector names; None where it names none.
    """

    plain: str
    mapped: str
    caption: str
    hit: bool
    sites: tuple[Point, ...]
    strongest: Point | None


def site_pictures(judged: JudgedSet, most: int = 6) -> list[SitePicture]:
    """Some slices, hits and misses alike as they come, removals first; decoded anew.

    Args:
        judged: What was said of them.
        most: Pictures of each kind of site, evenly spread over the slices in the order of their pseudonyms.
    """
    shown: list[int] = []
    for kind in (Manipulation.REMOVED, Manipulation.INJECTED, Manipulation.GENERATED):
        shown += _spread([index for index, one in enumerate(judged.slices) if one.manipulation is kind], most)
    return [picture(judged.labelled[index].read(), judged.slices[index]) for index in shown]


def picture(hu: NDArray[np.int16], said: JudgedSlice) -> SitePicture:
    """One slice and its map.

    Args:
        hu: (rows, cols) int16 Hounsfield units.
        said: What the detector says of it.
    """
    step = -(-max(hu.shape) // LARGEST_PX)
    grey = to_grey(hu)[::step, ::step]
    rows, cols = hu.shape

    def point(y: float, x: float) -> Point:
        return round(100 * (x + 0.5) / cols, 2), round(100 * (y + 0.5) / rows, 2)

    return SitePicture(
        plain=_uri(np.repeat(grey[..., None], 3, axis=2)),
        mapped=_uri(_under_map(grey, hu.shape, said.map)) if said.map is not None and said.map.counts.any() else "",
        caption=f"{said.manipulation}, {said.patient_id}",
        hit=said.hit,
        sites=tuple(point(y, x) for y, x in said.sites.tolist()),
        strongest=point(*said.strongest) if said.strongest else None,
    )


def _spread(indices: Sequence[int], count: int) -> list[int]:
    if not indices:
        return []
    return [indices[at] for at in np.unique(np.linspace(0, len(indices) - 1, count).round().astype(int))]


def _under_map(grey: NDArray[np.uint8], shape: tuple[int, ...], of: PlaceMap) -> NDArray[np.uint8]:
    """(rows, cols, 3) with every place that counts in the colour of its rank of score, a square around its centre."""
    import matplotlib as mpl

    values = of.scores[of.counts]
    span = float(values.max() - values.min()) or 1.0
    colours = mpl.colormaps["inferno"]((of.scores - values.min()) / span)[..., :3] * 255.0
    down, across = (
        np.clip(np.rint((np.linspace(0, size - 1, shown) - of.first_px) / of.step_px).astype(int), 0, places - 1)
        for size, shown, places in zip(shape, grey.shape, of.counts.shape, strict=True)
    )
    at = np.ix_(down, across)
    opacity = np.where(of.counts[at], _OPACITY, 0.0)[..., None]
    mixed: NDArray[np.uint8] = np.rint(grey[..., None] * (1 - opacity) + colours[at] * opacity).astype(np.uint8)
    return mixed


def _uri(pixels: NDArray[np.uint8]) -> str:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
