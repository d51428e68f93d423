"""One's own scans: a folder of CT series, with or without a labels.csv."""

from collections import defaultdict
from pathlib import Path

from medfake.datasets.sources.labels import LabelRow, read_labels, require_place_inside
from medfake.datasets.sources.registry import MANIPULATION_OF, SourceScan, source
from medfake.dicom.series import Series, Skipped, find_series
from medfake.errors import LabelError, SourceError

LABELS = "labels.csv"


@source("folder")
def read_folder(root: Path, jobs: int) -> tuple[list[SourceScan], list[Skipped]]:
    """Read every CT series; rows of labels.csv (scan, type, slice, x, y) name scans by their folder.

    A scan without rows is real. The patient is the header's PatientID, or the folder where there is none.

    Raises:
        SourceError: No CT series at all.
        LabelError: A row names no scan or no voxel.
    """
    series, skipped = find_series(root, jobs)
    if not series:
        raise SourceError(
            "no CT series below this folder", where=root, received=f"{len(skipped)} other files",
            remedy="point the path at a folder of CT scans",
        )  # fmt: skip
    labels = root / LABELS
    rows = _rows_by_scan(labels, {_name(one, root) for one in series}) if labels.exists() else {}
    skipped = [entry for entry in skipped if entry.path != labels]
    return [_scan(one, root, labels, rows.get(_name(one, root), [])) for one in series], skipped


def _name(series: Series, root: Path) -> str:
    return series.folder.relative_to(root).as_posix() if series.folder.is_relative_to(root) else series.folder.name


def _rows_by_scan(labels: Path, known: set[str]) -> dict[str, list[LabelRow]]:
    grouped: dict[str, list[LabelRow]] = defaultdict(list)
    for row in read_labels(labels, "scan"):
        if row.scan not in known:
            raise LabelError(
                "a row names a scan that is no folder here",
                where=f"{labels}, line {row.line}",
                received="a folder that is missing or holds no CT",
                remedy="write the folder's path relative to labels.csv",
            )
        grouped[row.scan].append(row)
    return grouped


def _scan(series: Series, root: Path, labels: Path, rows: list[LabelRow]) -> SourceScan:
    first = series.headers[0]
    for row in rows:
        require_place_inside(labels, row, len(series.headers), first.rows, first.cols)
    kinds = {row.kind for row in rows}
    manipulation = next((MANIPULATION_OF[kind] for kind in ("FM", "FB") if kind in kinds), "none")
    generator = "" if manipulation == "none" else ("medfake" if first.synthetic == "forged" else "unknown")
    return SourceScan(
        series,
        "folder",
        first.patient_id or _name(series, root),
        "",
        generator,
        manipulation,
        tuple(dict.fromkeys(row.site for row in rows if row.site)),
    )
