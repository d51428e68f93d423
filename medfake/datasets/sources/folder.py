"""One's own scans: a folder of CT series, with or without a labels.csv."""

import difflib
from collections import defaultdict
from pathlib import Path

from medfake.datasets.sources.labels import LabelRow, Labels, place_sites, read_labels
from medfake.datasets.sources.registry import MANIPULATION_OF, Find, Problem, Reading, SourceScan, source
from medfake.dicom.series import Series
from medfake.errors import SourceError
from medfake.files import path_text

LABELS = "labels.csv"


def _looks_like_folder(root: Path) -> bool:
    return root.is_dir()


@source("folder", _looks_like_folder)
def read_folder(root: Path, find: Find) -> Reading:
    """Read every CT series; rows of labels.csv (scan, type, slice, x, y) name scans by their folder.

    A scan without rows is real. The patient is the header's PatientID, or the folder where there is none.

    Raises:
        SourceError: No CT series at all.
        LabelError: labels.csv lacks a column.
    """
    series, skipped = find(root)
    if not series:
        raise SourceError(
            "no CT series below this folder", where=root, received=f"{len(skipped)} other files",
            remedy="point the path at a folder of CT scans",
        )  # fmt: skip
    path = root / LABELS
    labels = read_labels(path, "scan") if path.exists() else Labels(path, {}, frozenset())
    reading = Reading([], [one for one in skipped if one.path != path], list(labels.problems))
    of_folder: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        of_folder[scan_name(one, root)].append(one)
    reading.problems.extend(_unknown_scans(labels, of_folder))
    for name, members in of_folder.items():
        if name in labels.spoilt:
            continue  # told with its row
        _read_scan(name, members, labels, reading)
    return reading


def scan_name(series: Series, root: Path) -> str:
    """What labels.csv calls a scan: its folder, relative to the root, as `path_text` tells it."""
    below = series.folder.relative_to(root) if series.folder.is_relative_to(root) else Path(series.folder.name)
    return path_text(below)


def _unknown_scans(labels: Labels, known: dict[str, list[Series]]) -> list[Problem]:
    problems = []
    for scan, rows in labels.rows.items():
        if scan not in known:
            near = difflib.get_close_matches(scan, known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            where = f"{labels.path.name}, line {rows[0].line}"
            problems.append(Problem(where, f"no CT series lies in a folder {scan!r}{hint}", "its rows are left out"))
    return problems


def _read_scan(name: str, members: list[Series], labels: Labels, reading: Reading) -> None:
    rows: list[LabelRow] = labels.rows.get(name, [])
    if rows and len(members) > 1:  # the rows speak of one series
        largest = max(members, key=lambda one: len(one.headers))
        others = sum(len(one.headers) for one in members) - len(largest.headers)
        what = f"{len(members)} series in one labelled folder"
        reading.problems.append(Problem(name, what, f"{others} slices of the shorter ones are left out"))
        members = [largest]
    for series in members:
        sites, problems = place_sites(labels.path, rows, series, by_stem=False)
        reading.problems.extend(problems)
        if sites is None:
            continue
        first = series.headers[0]
        manipulation = next(
            (MANIPULATION_OF[kind] for kind in ("FM", "FB") if kind in {row.kind for row in rows}), "none"
        )
        generator = "" if manipulation == "none" else ("medfake" if first.synthetic == "forged" else "unknown")
        key = f"{name}/{first.series_uid}/{first.rows}x{first.cols}/{first.position_mm}"
        group = first.patient_id or name
        reading.scans.append(SourceScan(series, "folder", key, group, "", generator, manipulation, sites))
