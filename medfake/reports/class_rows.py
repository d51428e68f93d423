"""Slices of each class, one row a class, sites marked, for eyes (Solaiyappan and Wen, figures 1, 4 and 7)."""

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter

from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.dicom.window import grey_of
from medfake.files import read_json, replace_folder, write_json
from medfake.remedies import Stage, rerun
from medfake.vocabulary import Manipulation, Modality, Split

ROWS_PNG: Final = "rows.png"
_FACTS_FILE: Final = "rows.json"
_ORDER: Final = (Manipulation.REMOVED, Manipulation.INJECTED, Manipulation.GENERATED, Manipulation.NONE)
_EACH: Final = 4  # slices of a class, each of another scan as far as there are any
_LARGEST_PX: Final = 128
_GAP: Final = 3  # px between tiles
_RING: Final = 0.09  # radius of the mark, of the tile's larger edge; at least
_SMALLEST_RING_PX: Final = 8
_MARK: Final = (213, 94, 0)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ClassRows:
    """What a picture shows.

    Attributes:
        rows: Manipulation of each row, from the top.
        columns: Slices of the longest row.
        negatives: Untampered slices by whether they show an annotated nodule, as `Dataset.facts` counts them; empty
            where nobody counted.
        why_not: Why there is no picture; "" where there is one.
    """

    rows: tuple[str, ...]
    columns: int
    negatives: dict[str, int]
    why_not: str = ""


def write_class_rows(folder: Path, data: Dataset, params: DatasetParams, *, pictured: bool = True) -> ClassRows:
    """Write rows.png, and what it shows; slices of private sets are never shown.

    Args:
        folder: Replaced, e.g. reports/class_rows/raw.
        data: The data set; its train split is shown, without copies.
        params: Its block of params.yaml.
        pictured: Whether the study wants slices shown.
    """
    train = data.split(Split.TRAIN)
    train = train[train["transform"] == ""]
    shown = {word: _chosen(train[train.manipulation == word]) for word in _ORDER}
    shown = {word: rows for word, rows in shown.items() if len(rows)}
    why_not = ""
    if params.identifiers != "public" or not pictured:
        why_not, shown = "slices of this set are not shown", {}
    facts = ClassRows(
        rows=tuple(map(str, shown)),
        columns=max(map(len, shown.values()), default=0),
        negatives=dict(data.facts.get("negatives", {})),
        why_not=why_not,
    )
    with replace_folder(folder) as partial:
        if shown:
            (partial / ROWS_PNG).write_bytes(draw_rows(data, list(shown.values())))
        write_json(partial / _FACTS_FILE, asdict(facts))
    return facts


def read_class_rows(folder: Path) -> ClassRows:
    """Read what `write_class_rows` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    again = rerun(Stage.PROBE, folder.name)
    return read_json(
        folder / _FACTS_FILE, TypeAdapter(ClassRows).validate_python, missing="there are no rows of slices",
        damaged="the rows of slices cannot be read", make=again, again=again,
    )  # fmt: skip


def draw_rows(data: Dataset, rows: list[pd.DataFrame]) -> bytes:
    """Draw rows of slices below each other, lung window; a ring marks the site of a manipulated one.

    Args:
        data: That holds them.
        rows: Of its manifest, one table a row, at least one.

    Returns:
        A PNG file.
    """
    tiles = [
        [_tile(hu, row, data.modality) for hu, row in zip(data.mapped(one), one.itertuples(), strict=True)]
        for one in rows
    ]
    height, width = (max(tile.shape[axis] for row in tiles for tile in row) + _GAP for axis in (0, 1))
    canvas = np.full((height * len(tiles), width * max(map(len, tiles)), 3), 255, np.uint8)
    for down, row in enumerate(tiles):
        for across, tile in enumerate(row):
            top, left = down * height, across * width
            canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return _png(canvas[:-_GAP, :-_GAP])


def _chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """A few rows evenly spread, one a scan where there are as many."""
    first = rows.drop_duplicates("scan_id")
    pool = first if len(first) >= _EACH else rows
    return pool.iloc[np.unique(np.linspace(0, len(pool) - 1, min(_EACH, len(pool))).round().astype(int))]


def _tile(hu: NDArray[np.int16], row: Any, modality: Modality) -> Pixels:
    step = -(-max(hu.shape) // _LARGEST_PX)
    grey = grey_of(np.asarray(hu)[::step, ::step], modality)
    tile = np.repeat(grey[..., None], 3, axis=2)
    if row.label == 1:
        down, across = np.mgrid[: tile.shape[0], : tile.shape[1]]
        away = np.hypot(down - row.site_y / step, across - row.site_x / step)
        tile[np.abs(away - max(_RING * max(tile.shape), _SMALLEST_RING_PX)) < 0.75] = _MARK
    return tile


def _png(pixels: Pixels) -> bytes:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    nameless: Any = {"Software": None}  # matplotlib's version, so that equal pixels give equal bytes
    imsave(buffer, pixels, format="png", metadata=nameless)
    return buffer.getvalue()
