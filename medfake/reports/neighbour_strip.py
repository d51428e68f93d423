"""Strips of the slices around labelled ones, for eyes: what labelling by neighbours calls tampered.

As figure 1 of Alsabbagh and Al-Kadi: a row a labelled slice, its neighbours to both sides, the site marked.
"""

import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter

from medfake.config import DatasetParams, NeighboursLabelling
from medfake.datasets.dataset import Dataset
from medfake.dicom.window import grey_of
from medfake.files import read_json, replace_folder, write_json
from medfake.remedies import Stage, rerun
from medfake.vocabulary import LabelCode, Manipulation, Modality

STRIP_PNG: Final = "strip.png"
_FACTS_FILE: Final = "strip.json"
_EDGE: Final = 96  # px of a tile: a nodule and its surroundings in native resolution
_RING: Final = 22  # px, radius of the mark, beyond a nodule of 3 cm at 0.7 mm
_GAP: Final = 3  # px between tiles
_ROWS_EACH: Final = 2  # of each manipulation
_MARK, _WHITE, _EMPTY = 255, 254, 128  # in the palette: all but the mark are greys
_MARK_RGB: Final = (230, 159, 0)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Strip:
    """What a strip shows.

    Attributes:
        k: Neighbours to each side.
        rows: Manipulation of each row, from the top.
        missing: Slices that the data set does not hold; their tiles are empty.
        why_not: Why there is no picture; "" where there is one.
    """

    k: int
    rows: tuple[str, ...]
    missing: int
    why_not: str = ""


def write_strip(folder: Path, data: Dataset, params: DatasetParams, *, pictured: bool = True) -> Strip:
    """Write strip.png, where there is something to show, and what it shows.

    Slices of private sets are never shown.

    Args:
        folder: Replaced, e.g. reports/neighbours/replica.
        data: The data set.
        params: Its block of params.yaml.
        pictured: Whether the study wants slices shown.
    """
    rule = params.labelling
    why_not = _why_not(data, params, pictured)
    with replace_folder(folder) as partial:
        if why_not or not isinstance(rule, NeighboursLabelling):
            strip = Strip(0, (), 0, why_not)
        else:
            strip, png = draw_strip(data, rule.k)
            if strip.rows:
                (partial / STRIP_PNG).write_bytes(png)
        write_json(partial / _FACTS_FILE, asdict(strip))
    return strip


def read_strip(folder: Path) -> Strip:
    """Read what `write_strip` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    again = rerun(Stage.PROBE, folder.name)
    return read_json(
        folder / _FACTS_FILE, TypeAdapter(Strip).validate_python, missing="there is no strip of neighbours",
        damaged="the strip of neighbours cannot be read", make=again, again=again,
    )  # fmt: skip


def _why_not(data: Dataset, params: DatasetParams, pictured: bool) -> str:
    if not isinstance(params.labelling, NeighboursLabelling) or params.labelling.k == 0:
        return "slices are not labelled by their neighbours"
    if params.identifiers != "public" or not pictured:
        return "slices of this set are not shown"
    if params.view.name != "whole":
        return "slices are not stored whole"
    return "" if not data.sites.empty else "no site is labelled"


def draw_strip(data: Dataset, k: int) -> tuple[Strip, bytes]:
    """Draw up to two labelled slices of each manipulation, those with most neighbours in the data set.

    Args:
        data: Slices stored whole; those that were left out of it stay empty tiles.
        k: Neighbours to each side.

    Returns:
        What is shown, and a PNG file: rows one above the other, the labelled slice framed in the middle.
    """
    rows, names, missing = [], [], 0
    for manipulation, site, stored in _chosen(data, k):
        tiles = {int(row.z_index) - site.z_index: hu for row, hu in _read(data, stored)}
        missing += 2 * k + 1 - len(tiles)
        row = [
            _tile(tiles.get(offset), data.modality, site.y, site.x, framed=offset == 0) for offset in range(-k, k + 1)
        ]
        rows.append(_beside(row, axis=1))
        names.append(str(manipulation))
    strip = Strip(k, tuple(names), missing)
    return strip, _png(_beside(rows, axis=0)) if rows else b""


def _chosen(data: Dataset, k: int) -> Iterator[tuple[Manipulation, Any, pd.DataFrame]]:
    """(manipulation, site, its slices in the data set), one site a scan."""
    whole = data.manifest[(data.manifest["transform"] == "") & (data.manifest.label == 1)]
    found = []
    sites: Iterator[Any] = data.sites.itertuples()
    for site in sites:
        code = LabelCode(site.kind)
        near = whole[(whole.scan_id == site.scan_id) & ((whole.z_index - site.z_index).abs() <= k)]
        if code.tampered and (near.z_index == site.z_index).any():
            found.append((code.manipulation, site, near))
    found.sort(key=lambda one: (-len(one[2]), one[1].scan_id, one[1].z_index))
    for manipulation in Manipulation:
        seen: set[str] = set()
        for kind, site, near in found:
            if kind is manipulation and site.scan_id not in seen and len(seen) < _ROWS_EACH:
                seen.add(site.scan_id)
                yield manipulation, site, near


def _read(data: Dataset, stored: pd.DataFrame) -> Iterator[tuple[Any, NDArray[np.int16]]]:
    return zip(stored.itertuples(), data.mapped(stored), strict=True)


def _tile(hu: NDArray[np.int16] | None, modality: Modality, y: float, x: float, *, framed: bool) -> Pixels:
    """(edge, edge) of the palette around a site, marked; grey where there is no slice, black beyond the image."""
    tile = np.full((_EDGE, _EDGE), _EMPTY, np.uint8)
    if hu is not None:
        half = _EDGE // 2
        top, left = round(y) - half, round(x) - half
        padded = np.pad(np.minimum(grey_of(np.asarray(hu), modality), _WHITE), _EDGE)
        tile[:] = padded[top + _EDGE : top + 2 * _EDGE, left + _EDGE : left + 2 * _EDGE]
        down, across = np.mgrid[:_EDGE, :_EDGE] - half
        tile[np.abs(np.hypot(down, across) - _RING) < 0.5] = _MARK
    if framed:
        tile[:2] = tile[-2:] = tile[:, :2] = tile[:, -2:] = _MARK
    return tile


def _beside(parts: list[Pixels], axis: int) -> Pixels:
    """Put together with white gaps."""
    shape = list(parts[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, _WHITE, np.uint8)
    return np.concatenate([piece for part in parts for piece in (part, gap)][:-1], axis=axis)


def _png(pixels: Pixels) -> bytes:
    """With a palette, which takes a third of the space of colours."""
    from PIL import Image

    picture = Image.fromarray(pixels).convert("P")
    picture.putpalette([level for grey in range(_MARK) for level in (grey, grey, grey)] + list(_MARK_RGB))
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return buffer.getvalue()
