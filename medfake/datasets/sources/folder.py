"""One's own scans: a folder of series or of radiographs, with or without a labels.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from medfake.datasets.sources.label_files import label_file
from medfake.datasets.sources.labels import LabelRow, Labels, read_labels
from medfake.datasets.sources.registry import (
    Find,
    Problem,
    Reading,
    SourceScan,
    UnknownLabel,
    source,
)
from medfake.datasets.sources.scan_names import Resolved, resolve
from medfake.datasets.sources.slice_numbers import place_sites
from medfake.dicom.patients import patient_or_folder
from medfake.errors import SourceError
from medfake.files import path_text
from medfake.vocabulary import TAMPERED_CODES, Evidence, Manipulation

if TYPE_CHECKING:
    from medfake.dicom.series import Series

LABELS = "labels.csv"


def _looks_like_folder(root: Path) -> bool:
    return root.is_dir()


@source("folder", _looks_like_folder, catch_all=True)
def read_folder(root: Path, find: Find) -> Reading:
    """Read every series; rows of labels.csv (scan, type, slice, x, y) name scans by their folder.

    Radiographs that share a folder are named by their file, "folder/image.dcm".

    A scan without rows is real. A column `manipulation` may name what made a tampered place. The patient is the
    header's PatientID, or the folder where there is none or one that an anonymiser gives to everybody.

    Raises:
        SourceError: No series of the modality at all.
        LabelError: labels.csv lacks a column, or is not where it is read.
    """
    from medfake.dicom.series import told_reasons

    series, skipped = find(root)
    if not series:
        raise SourceError(
            "no CT series below this folder, nor one of the modality that is asked for", where=root,
            received=told_reasons(skipped),
            remedy="point the path at a folder of scans; their modality stands beside reals and fakes in params.yaml",
        )  # fmt: skip
    path = label_file(root, LABELS, (one.path for one in skipped))
    labels = Labels(root / LABELS, {}, frozenset()) if path is None else read_labels(path, "scan")
    of_folder: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        of_folder[scan_name(one, root)].append(one)
    of_folder = {name: members for folder in of_folder.items() for name, members in _radiographs_apart(*folder)}
    resolved = resolve(labels, of_folder)
    reading = Reading([], [one for one in skipped if one.path != path], list(labels.problems))
    reading.label_rows.read = labels.count
    for name, members in of_folder.items():
        _read_scan(name, members, labels, resolved, reading)
    names = {id(one): name for name, members in of_folder.items() for one in members}
    for name in resolved.unknown:
        _tell_unknown(name, names, labels, resolved, reading)
    return reading


def scan_name(series: Series, root: Path) -> str:
    """What labels.csv calls a scan: its folder, relative to the root, as `path_text` tells it."""
    below = series.folder.relative_to(root) if series.folder.is_relative_to(root) else Path(series.folder.name)
    return path_text(below)


def _radiographs_apart(name: str, members: list[Series]) -> Iterator[tuple[str, list[Series]]]:
    """Radiographs of one folder, each under the name of its file; series stay together under the folder's."""
    single = [one for one in members if not one.modality.is_stack]
    if len(single) < 2:
        yield name, members
        return
    for one in single:
        yield str(PurePosixPath(name, path_text(Path(one.headers[0].path.name)))), [one]
    if len(single) < len(members):
        yield name, [one for one in members if one.modality.is_stack]


def _folder_of(name: str, series: Series) -> str:
    """The folder of a scan that may be named by its file."""
    path = PurePosixPath(name)
    by_file = not series.modality.is_stack and path.name == path_text(Path(series.headers[0].path.name))
    return str(path.parent) if by_file else name


def _read_scan(name: str, members: list[Series], labels: Labels, resolved: Resolved, reading: Reading) -> None:
    rows, count = resolved.rows.get(name, []), resolved.counts.get(name, 0)
    if name in resolved.spoilt:
        reading.label_rows.left_out += count  # told with its row
        return
    beside: list[Series] = []
    if rows and len(members) > 1:
        chosen, problem = _labelled_series(name, members, rows)
        reading.problems.append(problem)
        if chosen is None:
            reading.label_rows.left_out += count
            return
        members, beside = [chosen], [one for one in members if one is not chosen]
    for series in members:
        placed = place_sites(labels, rows, series, reading.skipped, beside, by_stem=False)
        reading.problems.extend(placed.problems)
        reading.label_rows.left_out += count - placed.rows
        if placed.sites is None:
            continue
        first = series.headers[0]
        kinds = {row.kind for row in rows}
        manipulation = next((kind.manipulation for kind in TAMPERED_CODES if kind in kinds), Manipulation.NONE)
        maker = "medfake" if first.synthetic == Evidence.FORGED else "unknown"
        sites = tuple(
            replace(site, generator=site.generator or maker) if site.kind.tampered else site for site in placed.sites
        )
        generator = " + ".join(sorted({site.generator for site in sites if site.kind.tampered}))
        key = f"{name}/{first.series_uid}/{first.rows}x{first.cols}/{first.position_mm}{series.apart}"
        group = patient_or_folder(first.patient_id, _folder_of(name, series))
        scan = SourceScan(series, "folder", key, group, "", generator, manipulation, sites, placed.rows)
        reading.scans.append(scan)


def _labelled_series(name: str, members: list[Series], rows: list[LabelRow]) -> tuple[Series | None, Problem]:
    """The one series of a folder that its rows speak of: that of their SOP Instance UIDs, or else the longest."""
    uids = {row.sop_uid for row in rows if row.sop_uid}
    holding = [one for one in members if uids & {header.sop_uid for header in one.headers}]
    what = f"{len(members)} series in one labelled folder"
    if not holding:
        most = max(len(one.headers) for one in members)
        holding = [one for one in members if len(one.headers) == most]
        what += "" if len(holding) == 1 else f", {len(holding)} of them of {most} slices"
    if len(holding) > 1:
        return None, Problem(name, what, "all are left out: which one the rows speak of is not known")
    others = sum(len(one.headers) for one in members) - len(holding[0].headers)
    return holding[0], Problem(name, what, f"{others} slices of the others are left out")


def _tell_unknown(name: str, names: Mapping[int, str], labels: Labels, resolved: Resolved, reading: Reading) -> None:
    what = f"no scan lies in a folder {name!r}{resolved.unknown[name].hint}" if name else "no scan is named"
    problem = Problem(labels.where_named(name), what, "its rows are left out")
    doubtful = resolved.doubtful(name, {names[id(scan.series)] for scan in reading.scans})
    keys = frozenset(scan.key for scan in reading.scans if names[id(scan.series)] in doubtful)
    reading.problems.append(problem)
    reading.label_rows.left_out += len(labels.lines[name])
    reading.unknown.append(UnknownLabel(problem, keys))
