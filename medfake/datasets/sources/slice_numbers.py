"""From the slice that a label row names to the slice of its series: by instance, or by number as a viewer counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from medfake.datasets.sources.labels import LabelRow, Labels
from medfake.datasets.sources.registry import Problem, SourceSite
from medfake.files import path_text

if TYPE_CHECKING:
    from medfake.dicom.folders import Skipped
    from medfake.dicom.series import Series

_PARALLEL = 0.05  # largest difference of direction cosines
_LEFT_OUT = "the scan is left out"


@dataclass(frozen=True)
class Placed:
    """What became of a scan's rows.

    Attributes:
        sites: Each place once; None when a tampered one cannot be found: then no slice of the scan is known to be real.
        rows: How many rows they come from.
    """

    sites: tuple[SourceSite, ...] | None
    rows: int
    problems: tuple[Problem, ...] = ()


def place_sites(
    labels: Labels,
    rows: Sequence[LabelRow],
    series: Series,
    unread: Sequence[Skipped] = (),
    beside: Sequence[Series] = (),
    *,
    by_stem: bool,
) -> Placed:
    """Find the voxels that the rows of a scan name.

    A SOP Instance UID names its slice. A number is the 0-based index after sorting by z, over all slices of the series:
    one that lies there and could not be read counts, too. Where files are numbered in that order, the file's stem is
    the number: a slice that is missing then shifts nothing.

    Args:
        labels: The file, for messages.
        rows: Of one scan.
        series: The scan.
        unread: Files that are in no series; those in the folder of the scan may be slices of it.
        beside: Other series of the same folder.
        by_stem: Whether stems count although the lowest is not 0.
    """
    numbers = _slice_numbers(series, unread, beside, by_stem=by_stem)
    instances: dict[str, int | str] = {}
    for index, header in enumerate(series.headers):
        several = header.sop_uid in instances
        instances[header.sop_uid] = "several slices of the scan have this SOP Instance UID" if several else index
    first = series.headers[0]
    sites: list[SourceSite] = []
    problems: list[Problem] = []
    used, lost = 0, False
    for row in rows:
        if row.site is None:
            used += 1
            continue
        z_index = _index(row, row.site, numbers, instances)
        y, x = row.site.y, row.site.x
        if isinstance(z_index, int) and 0 <= y < first.rows and 0 <= x < first.cols:
            sites.append(SourceSite(row.kind, z_index, y, x, row.site.generator))
            used += 1
            continue
        lost = lost or row.kind.tampered
        if isinstance(z_index, str):
            what = z_index
        else:
            size = f"{len(series.headers)} slices of {first.rows} x {first.cols}"
            what = f"slice {row.site.z_index}, y {y}, x {x} is no voxel of its {size}"
        done = _LEFT_OUT if row.kind.tampered else "the row is left out"
        problems.append(Problem(labels.where(row.line), what, done))
    return Placed(None if lost else tuple(dict.fromkeys(sites)), 0 if lost else used, tuple(problems))


def _index(
    row: LabelRow, site: SourceSite, numbers: dict[int, int] | str, instances: dict[str, int | str]
) -> int | str | None:
    """Index in the series; None where it has no such slice, a sentence where that cannot be known."""
    if row.sop_uid:
        return instances.get(row.sop_uid, "no slice of the scan has this SOP Instance UID")
    return numbers if isinstance(numbers, str) else numbers.get(site.z_index)


def _slice_numbers(
    series: Series, unread: Sequence[Skipped], beside: Sequence[Series], *, by_stem: bool
) -> dict[int, int] | str:
    """Number in the label file -> index in the series; a sentence where slices cannot be counted."""
    from medfake.dicom.series import positions_along_normal
    from medfake.dicom.unread import unread_position

    stems = [header.path.stem for header in series.headers]
    if all(stem.isascii() and stem.isdigit() for stem in stems):
        numbers = [int(stem) for stem in stems]
        rising = all(low < high for low, high in pairwise(numbers))
        if rising and (by_stem or numbers[0] == 0):
            return {number: index for index, number in enumerate(numbers)}
    distinct = {(one.sop_uid, one.position_mm): index for index, one in reversed(list(enumerate(series.headers)))}
    positions = [(float(series.z_mm[index]), index) for index in distinct.values()]  # a copy of an instance is the same
    stacked = [header.position_mm for other in beside if _one_stack(series, other) for header in other.headers]
    along = positions_along_normal([series.headers[0], *(replace(series.headers[0], position_mm=mm) for mm in stacked)])
    positions += [(float(z_mm), -1) for z_mm in along[1:]]
    for one in (one for one in unread if one.path.parent == series.folder):
        position = unread_position(one.path, series)
        if isinstance(position, str):
            return f"slices cannot be counted, because of {path_text(Path(one.path.name))}: {position}"
        if position is not None:
            positions.append((position, -1))
    return {number: index for number, (_, index) in enumerate(sorted(positions)) if index >= 0}


def _one_stack(series: Series, other: Series) -> bool:
    """Whether a viewer shows both as one series: one series UID, slices in parallel; e.g. of two sizes."""
    first, second = series.headers[0], other.headers[0]
    away = max(abs(one - two) for one, two in zip(first.orientation, second.orientation, strict=True))
    return first.series_uid == second.series_uid and away < _PARALLEL
