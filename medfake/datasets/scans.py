"""Headers and labels of a data set's scans as tables; raw identifiers end here."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pandas as pd

from medfake.config import DatasetParams
from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.datasets.sources.registry import Problem, Reading, SourceScan, all_sources
from medfake.dicom.header_cache import HeaderCache
from medfake.dicom.series import CHANGED, Skipped, find_series
from medfake.errors import SourceError
from medfake.files import path_text, replace_folder, write_json

SCANS_FILE, SITES_FILE = "scans.parquet", "sites.parquet"
SKIPPED_FILE, PROBLEMS_FILE = "skipped.json", "problems.json"
_TOLD = 5
_FAULTS = ("permission denied", "the folder cannot be listed", CHANGED)
_FLAGS = {
    "gap": "slices are missing",
    "duplicate": "slices are there twice",
    "mixed": "slices differ in kernel, thickness or patient",
}
SITE_COLUMNS = ("scan_id", "kind", "z_index", "z_mm", "y", "x")


def collect_scans(params: DatasetParams, out: Path, jobs: int = 1, cache: Path | None = None) -> list[Problem]:
    """Write scans.parquet (one row a slice, in source order), sites.parquet, skipped.json and problems.json.

    No pixel is decoded; with a cache, headers of files that have not changed since the last time are not read again.

    Args:
        params: The data set's sources.
        out: Replaced.
        jobs: Processes that read headers.
        cache: File of headers read before; made when missing.

    Returns:
        Faults of the sources, each with what was done about it.

    Raises:
        SourceError: A folder is missing or holds nothing of its kind; or there are faults and the data set is `strict`.
        LabelError: A label file lacks a column.
    """
    key = pseudonym_key(params.identifiers)
    slices: list[dict[str, object]] = []
    sites: list[dict[str, object]] = []
    skipped: list[Skipped] = []
    problems: list[Problem] = []
    store = HeaderCache(cache) if cache else None
    for entry in dict.fromkeys((params.reals, params.fakes)):
        reading = read_source(entry.kind, Path(entry.path), jobs, store)
        skipped += reading.skipped
        problems += reading.problems
        for scan in reading.scans:
            scan_id = pseudonym(f"{entry.kind}/{scan.key}", key, "scan")
            slices += _slice_rows(scan, scan_id, pseudonym(scan.group, key, "patient"))
            sites += _site_rows(scan, scan_id)
    if store:
        store.close()
    if problems and params.strict:
        raise SourceError(
            "the sources have faults, and the data set is strict", where=f"{params.reals.path}, {params.fakes.path}",
            received=told(problems), remedy="mend them, or set strict to false to leave out what is at fault",
        )  # fmt: skip
    with replace_folder(out) as folder_:
        pd.DataFrame(slices).to_parquet(folder_ / SCANS_FILE, index=False)
        pd.DataFrame(sites, columns=list(SITE_COLUMNS)).to_parquet(folder_ / SITES_FILE, index=False)
        write_json(folder_ / SKIPPED_FILE, [{"path": path_text(one.path), "reason": one.reason} for one in skipped])
        write_json(folder_ / PROBLEMS_FILE, [asdict(one) for one in problems])
    return problems


def read_source(kind: str, root: Path, jobs: int, cache: HeaderCache | None = None) -> Reading:
    """Read a tree; what its scans show (gaps, repeated slices) counts among its problems.

    Raises:
        SourceError: The folder is missing or holds nothing of its kind.
        LabelError: A label file lacks a column.
    """
    if not root.is_dir():
        raise SourceError(
            "the source folder is missing", where=root, remedy="mend datasets.<name>.<reals|fakes>.path in params.yaml"
        )
    reading = all_sources()[kind].read(root, partial(find_series, jobs=jobs, cache=cache))
    faults = [one for one in reading.skipped if one.reason in _FAULTS]
    reading.problems.extend(Problem(_relative(one.path, root), one.reason, "it is left out") for one in faults)
    for scan in reading.scans:
        where = _relative(scan.series.folder, root)
        flags = (_FLAGS[flag] for flag in scan.series.quality_flags if flag in _FLAGS)
        reading.problems.extend(Problem(where, what, "the scan is used as it is and flagged") for what in flags)
    return reading


def told(problems: Sequence[Problem]) -> str:
    """The first five, and how many more there are."""
    more = len(problems) - _TOLD
    listed = "; ".join(str(one) for one in problems[:_TOLD])
    return listed + (f"; and {more} more" if more > 0 else "")


def _relative(path: Path, root: Path) -> str:
    return path_text(path.relative_to(root) if path.is_relative_to(root) else Path(path.name))


def _slice_rows(scan: SourceScan, scan_id: str, patient_id: str) -> list[dict[str, object]]:
    flags = ",".join(scan.series.quality_flags)
    return [
        {
            "scan_id": scan_id,
            "patient_id": patient_id,
            "source": scan.source,
            "experiment": scan.experiment,
            "generator": scan.generator,
            "manipulation": scan.manipulation,
            "path": path_text(header.path),
            "frame": header.frame,
            "z_index": index,
            "z_mm": float(z_mm),
            "rows": header.rows,
            "cols": header.cols,
            "spacing_mm": header.spacing_mm[0],
            "thickness_mm": header.thickness_mm,
            "manufacturer": header.manufacturer,
            "kernel": header.kernel,
            "transfer_syntax": header.transfer_syntax,
            "lossy": header.lossy,
            "bits_stored": header.bits_stored,
            "slope": header.slope,
            "intercept": header.intercept,
            "padding": float(header.padding[0]) if header.padding else None,
            "padding_high": float(header.padding[1]) if header.padding else None,
            "quality_flags": flags,
            "synthetic": header.synthetic or "",
        }
        for index, (header, z_mm) in enumerate(zip(scan.series.headers, scan.series.z_mm, strict=True))
    ]


def _site_rows(scan: SourceScan, scan_id: str) -> list[dict[str, object]]:
    z_mm = scan.series.z_mm
    return [
        dict(zip(SITE_COLUMNS, (scan_id, s.kind, s.z_index, float(z_mm[s.z_index]), s.y, s.x), strict=True))
        for s in scan.sites
    ]
