"""Slices around those of a data set, decoded from its sources: a data set keeps few of a scan's slices."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.config import DatasetParams
from medfake.datasets.run import Run
from medfake.datasets.scans import SCANS_FILE
from medfake.datasets.source_files import find_files
from medfake.dicom.reader import KnownSlice, read_slice, read_volume
from medfake.errors import DicomError, SourceError
from medfake.remedies import Stage, make
from medfake.vocabulary import Modality

_WIDEST_GAP: Final = 1.5  # of the scan's usual step; a wider one is a hole in the series


@dataclass(frozen=True)
class Neighbourhood:
    """A slice among those around it.

    Attributes:
        volume: (slices, rows, cols) int16 Hounsfield units, the slice itself among them.
        z_mm: (slices,) ascending positions.
    """

    volume: NDArray[np.int16]
    z_mm: NDArray[np.float64]


def known_slice(row: Any) -> KnownSlice:
    """What must be known to decode a slice, out of a row of scans.parquet with its `path`."""
    padding = None if pd.isna(row.padding) else (int(row.padding), int(row.padding_high))
    return KnownSlice(
        row.path, row.frame, row.rows, row.cols, row.slope, row.intercept, padding, Modality(row.modality)
    )


def neighbourhoods(
    scans: Path, params: DatasetParams, rows: pd.DataFrame, reach_mm: float
) -> Iterator[Neighbourhood | None]:
    """Read what lies around some slices, in their order.

    Args:
        scans: What `collect_scans` wrote.
        params: The data set's sources.
        rows: Of the manifest: whole slices, scan_id and z_index.
        reach_mm: To either side; the next slice beyond is read, too.

    Yields:
        None where the series ends, has a hole or cannot be read within reach.

    Raises:
        SourceError: The sources are not those that the data set was made of.
    """
    table = _table(scans)
    of_scan = {
        scan_id: own.sort_values("z_index")
        for scan_id, own in table[table.scan_id.isin(rows.scan_id)].groupby("scan_id")
    }
    wanted = zip(rows.scan_id, rows.z_index, strict=True)
    near = [_near(of_scan.get(scan_id), int(z_index), reach_mm) for scan_id, z_index in wanted]
    names = {name for one in near if one is not None for name in one.file}
    paths = find_files(params, names)
    for one in near:
        yield None if one is None else _read(one.assign(path=one.file.map(paths)))


def runs_around(scans: Path, params: DatasetParams, rows: pd.DataFrame, reach_mm: float) -> Iterator[Run]:
    """Read scan by scan what lies around some slices, each slice once; one that cannot be decoded is left out.

    Args:
        scans: What `collect_scans` wrote.
        params: The data set's sources.
        rows: Of the manifest: whole slices, scan_id and z_index.
        reach_mm: To either side of each of them.

    Yields:
        The scans of `rows`, in order of scan_id; a scan of which nothing can be read is left out.

    Raises:
        SourceError: The sources are not those that the data set was made of.
    """
    table = _table(scans)
    table = table[table.scan_id.isin(rows.scan_id)].sort_values(["scan_id", "z_index"])
    if table.empty:
        return
    wanted = rows.groupby("scan_id").z_index.agg(set)
    kept = pd.concat([own[_reached(own, wanted[scan_id], reach_mm)] for scan_id, own in table.groupby("scan_id")])
    paths = find_files(params, set(kept.file))
    for scan_id, own in kept.assign(path=kept.file.map(paths)).groupby("scan_id"):
        found, volume = _decoded(own)
        if len(found):
            yield Run(str(scan_id), volume, found.z_mm.to_numpy(np.float64), found.z_index.to_numpy())


def _table(scans: Path) -> pd.DataFrame:
    if not (scans / SCANS_FILE).is_file():
        raise SourceError(
            "the scans that a data set was made of have no table here: what lies around its slices cannot be read",
            where=scans / SCANS_FILE, remedy=make(Stage.SCANS, scans.name),
        )  # fmt: skip
    return pd.read_parquet(scans / SCANS_FILE)


def _reached(scan: pd.DataFrame, wanted: set[int], reach_mm: float) -> NDArray[np.bool_]:
    z_mm = scan.z_mm.to_numpy()
    ours = z_mm[scan.z_index.isin(wanted).to_numpy()]
    reached: NDArray[np.bool_] = (np.abs(z_mm[:, None] - ours) <= reach_mm).any(axis=1)
    return reached


def _decoded(rows: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int16]]:
    """Rows that can be decoded and are of the first one's size, and their pixels."""
    rows = rows[(rows["rows"] == rows["rows"].iloc[0]) & (rows["cols"] == rows["cols"].iloc[0])]
    known = [known_slice(row) for row in rows.itertuples()]
    try:
        return rows, read_volume(known)  # opens a multi-frame file once
    except (DicomError, OSError):
        pixels = [_pixels(one) for one in known]
    good = [one is not None for one in pixels]
    return rows[good], np.array([one for one in pixels if one is not None], np.int16)


def _pixels(known: KnownSlice) -> NDArray[np.int16] | None:
    try:
        return read_slice(known)
    except (DicomError, OSError):
        return None


def _near(scan: pd.DataFrame | None, z_index: int, reach_mm: float) -> pd.DataFrame | None:
    """Rows of a scan around one of its slices without a hole; None where they do not reach far enough."""
    if scan is None or z_index not in set(scan.z_index):
        return None
    z_mm = scan.z_mm.to_numpy()
    at = int(np.flatnonzero(scan.z_index.to_numpy() == z_index)[0])
    first = int(np.searchsorted(z_mm, z_mm[at] - reach_mm, side="right")) - 1
    last = int(np.searchsorted(z_mm, z_mm[at] + reach_mm, side="left"))
    if first < 0 or last >= len(scan) or first == last:
        return None
    step = float(np.median(np.diff(z_mm)))
    one_size = scan.iloc[first : last + 1][["rows", "cols"]].drop_duplicates()
    holes = bool((np.diff(z_mm[first : last + 1]) > _WIDEST_GAP * step).any())
    return None if holes or len(one_size) > 1 else scan.iloc[first : last + 1]


def _read(rows: pd.DataFrame) -> Neighbourhood | None:
    try:
        volume = read_volume([known_slice(row) for row in rows.itertuples()])
    except (DicomError, OSError):  # a file that is broken or gone: told as a slice without neighbours
        return None
    return Neighbourhood(volume, rows.z_mm.to_numpy(np.float64))
