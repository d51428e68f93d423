"""Label rows of CT-GAN (type, uuid, slice, x, y) and of one's own folder (scan, type, slice, x, y)."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from medfake.datasets.sources.registry import Kind, SourceSite
from medfake.errors import LabelError

KINDS = get_args(Kind)


@dataclass(frozen=True)
class LabelRow:
    """One row: the scan it names, its type, and its place (None for TB, whose 0,0,0 is no place)."""

    scan: str
    kind: Kind
    site: SourceSite | None
    line: int


def read_labels(path: Path, scan_column: str) -> list[LabelRow]:
    """Read a label file; the slice column may be called `slice` or `z`, line ends may be CRLF.

    Args:
        path: The CSV.
        scan_column: "uuid" or "scan".

    Raises:
        LabelError: A column is missing, a type is unknown, or a number is none; file, row and value are named.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        try:
            columns = [name.strip() for name in reader.fieldnames or []]
        except (UnicodeDecodeError, csv.Error) as error:
            raise _not_csv(path, error) from None
        slice_column = "slice" if "slice" in columns else "z"
        for column in ("type", scan_column, slice_column, "x", "y"):
            if column not in columns:
                wanted = f"type, {scan_column}, slice, x, y"
                raise LabelError(
                    f"column {column!r} is missing", where=path, received=", ".join(columns),
                    remedy=f"give the columns {wanted}",
                )  # fmt: skip
        reader.fieldnames = columns
        try:
            return [_row(path, reader.line_num, row, scan_column, slice_column) for row in reader]
        except (UnicodeDecodeError, csv.Error) as error:
            raise _not_csv(path, error) from None


def _not_csv(path: Path, error: Exception) -> LabelError:
    return LabelError(
        "the label file is no CSV in UTF-8", where=path, received=type(error).__name__, remedy="save it as CSV, UTF-8"
    )


def _row(path: Path, line: int, row: dict[str, str], scan_column: str, slice_column: str) -> LabelRow:
    kind = (row["type"] or "").strip()
    if kind not in KINDS:
        raise LabelError(
            f"unknown type, expected one of {', '.join(KINDS)}", where=f"{path}, line {line}", received=repr(kind)
        )
    if kind == "TB":
        return LabelRow(row[scan_column].strip(), "TB", None, line)
    numbers = {}
    for column in (slice_column, "x", "y"):
        try:
            numbers[column] = int(row[column])
        except (TypeError, ValueError):
            raise LabelError(
                "expected a whole number", where=f"{path}, line {line}, column {column}", received=repr(row[column])
            ) from None
    place = SourceSite(kind, numbers[slice_column], numbers["y"], numbers["x"])  # type: ignore[arg-type]  # checked against KINDS above
    return LabelRow(row[scan_column].strip(), kind, place, line)  # type: ignore[arg-type]  # checked against KINDS above


def require_place_inside(path: Path, row: LabelRow, slices: int, rows: int, cols: int) -> None:
    """Refuse a place that is not a voxel of its scan.

    Raises:
        LabelError: Slice, y or x is outside; both are named.
    """
    site = row.site
    if site and not (0 <= site.z_index < slices and 0 <= site.y < rows and 0 <= site.x < cols):
        raise LabelError(
            f"the place is outside its scan of {slices} slices of {rows} x {cols}",
            where=f"{path}, line {row.line}",
            received=f"slice {site.z_index}, y {site.y}, x {site.x}",
            remedy="mend or remove the row",
        )
