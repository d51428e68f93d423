"""Label rows of CT-GAN (type, uuid, slice, x, y) and of one's own folder (scan, type, slice, x, y)."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import cast, get_args

from medfake.datasets.sources.registry import Kind, Problem, SourceSite
from medfake.dicom.series import Series
from medfake.errors import LabelError

KINDS = get_args(Kind)
TAMPERED = ("FM", "FB")


@dataclass(frozen=True)
class LabelRow:
    """One row: the scan it names, its type, and its place as the file has it (None for TB, whose 0,0,0 is no place)."""

    scan: str
    kind: Kind
    site: SourceSite | None
    line: int


@dataclass(frozen=True)
class Labels:
    """A label file.

    Attributes:
        rows: Of each scan that the file names.
        spoilt: Scans with a row that cannot be read: what they show is not known, so they are not to be used.
    """

    path: Path
    rows: dict[str, list[LabelRow]]
    spoilt: frozenset[str]
    problems: list[Problem] = field(default_factory=list)


def read_labels(path: Path, scan_column: str) -> Labels:
    """Read a label file; the slice column may be called `slice` or `z`, line ends may be CRLF.

    Args:
        path: The CSV.
        scan_column: "uuid" or "scan".

    Raises:
        LabelError: A column is missing, or the file is no CSV at all; file, column and what is there are named.
    """
    rows: dict[str, list[LabelRow]] = defaultdict(list)
    spoilt: set[str] = set()
    problems: list[Problem] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = [name.strip() for name in reader.fieldnames or []]
            slice_column = _require_columns(path, columns, scan_column)
            reader.fieldnames = columns
            for values in reader:
                row = _row(path, reader.line_num, values, scan_column, slice_column)
                if isinstance(row, Problem):
                    spoilt.add((values[scan_column] or "").strip())
                    problems.append(row)
                elif row.site and any(row.site == other.site for other in rows[row.scan]):
                    problems.append(Problem(_line(path, row.line), "the row repeats another", "it counts once"))
                else:
                    rows[row.scan].append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(
            "the label file is no CSV in UTF-8", where=path, received=type(error).__name__,
            remedy="save it as CSV, UTF-8; `medfake data template` writes an example",
        ) from None  # fmt: skip
    return Labels(path, dict(rows), frozenset(spoilt), problems)


def place_sites(
    labels: Path, rows: Sequence[LabelRow], series: Series, *, by_stem: bool
) -> tuple[tuple[SourceSite, ...] | None, list[Problem]]:
    """Find the voxels that the rows of a scan name.

    A slice number is the 0-based index after sorting by z. Where files are numbered in that order it is the file's stem
    as well, and the stem counts: a missing slice then shifts nothing.

    Args:
        labels: The file, for messages.
        rows: Of one scan.
        series: The scan.
        by_stem: Whether stems count although the lowest is not 0.

    Returns:
        The sites, or None when a tampered place cannot be found: then no slice of the scan is known to be real.
    """
    first = series.headers[0]
    numbers = _slice_numbers(series, by_stem=by_stem)
    sites: list[SourceSite] = []
    problems: list[Problem] = []
    lost = False
    for row in rows:
        if row.site is None:
            continue
        z_index, y, x = numbers.get(row.site.z_index), row.site.y, row.site.x
        if z_index is not None and 0 <= y < first.rows and 0 <= x < first.cols:
            sites.append(SourceSite(row.kind, z_index, y, x))
            continue
        lost = lost or row.kind in TAMPERED
        size = f"{len(series.headers)} slices of {first.rows} x {first.cols}"
        what = f"slice {row.site.z_index}, y {y}, x {x} is no voxel of its {size}"
        done = "the scan is left out" if row.kind in TAMPERED else "the row is left out"
        problems.append(Problem(_line(labels, row.line), what, done))
    return (None if lost else tuple(dict.fromkeys(sites))), problems


def _slice_numbers(series: Series, *, by_stem: bool) -> dict[int, int]:
    """Slice number in the label file -> index in the series."""
    stems = [header.path.stem for header in series.headers]
    if all(stem.isascii() and stem.isdigit() for stem in stems):
        numbers = [int(stem) for stem in stems]
        rising = all(low < high for low, high in pairwise(numbers))
        if rising and (by_stem or numbers[0] == 0):
            return {number: index for index, number in enumerate(numbers)}
    return {index: index for index in range(len(stems))}


def _require_columns(path: Path, columns: Sequence[str], scan_column: str) -> str:
    slice_column = "slice" if "slice" in columns else "z"
    for column in ("type", scan_column, slice_column, "x", "y"):
        if column not in columns:
            raise LabelError(
                f"column {column!r} is missing", where=path, received=", ".join(columns),
                remedy=f"give the columns type, {scan_column}, slice, x, y; `medfake data template` writes an example",
            )  # fmt: skip
    return slice_column


def _row(path: Path, line: int, row: dict[str, str], scan_column: str, slice_column: str) -> LabelRow | Problem:
    kind, scan = (row["type"] or "").strip(), (row[scan_column] or "").strip()
    if kind not in KINDS:
        what = f"type {kind!r} is unknown, expected one of {', '.join(KINDS)}"
        return Problem(_line(path, line), what, "its scan is left out")
    if kind == "TB":
        return LabelRow(scan, "TB", None, line)
    numbers = {}
    for column in (slice_column, "x", "y"):
        try:
            numbers[column] = int(row[column])
        except (TypeError, ValueError):
            what = f"column {column} must be a whole number, but is {row[column]!r}"
            return Problem(_line(path, line), what, "its scan is left out")
    known = cast("Kind", kind)
    return LabelRow(scan, known, SourceSite(known, numbers[slice_column], numbers["y"], numbers["x"]), line)


def _line(path: Path, line: int) -> str:
    return f"{path.name}, line {line}"
