"""Which slices make one series: by what their headers say of it, and by geometry within tolerances.

Direction cosines and spacings are decimal strings, rounded by whoever wrote them (PS3.3 C.7.6.2.1.1). They are never
compared as exact numbers or on a grid, which has edges: slices are one stack where a chain of neighbours links them, so
that neither their order nor where a value lies matters.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.contrast_groups import by_contrast
from medfake.dicom.header import SliceHeader

SAME_DIRECTION = 2e-3  # length between unit vectors; makers round cosines to three digits
SAME_SPACING = 1e-3  # relative; fields of view of 350 and 351 mm differ by 2.9e-3
_FEWEST_UNNUMBERED = 3  # slices without Series Number that may be one series by their steps alone
_EVEN_STEP = 0.01  # of the median step

Group = list[SliceHeader]


def group_slices(headers: Sequence[SliceHeader]) -> list[Group]:
    """Part slices into series.

    One folder, Series Instance UID (0020,000E), size, orientation and spacing make a series. Where the UID is missing,
    study, frame of reference, Series Number and Acquisition Number stand for it. Where every slice has a UID of its
    own, slices are one series when folder, study, frame of reference, Series Number and geometry agree.

    MR images of several contrasts are several series, see `by_contrast`. Each radiograph is one by itself.

    Args:
        headers: Of any files, each instance once.

    Returns:
        Series in the order of their first header, each in the order given.
    """
    parts: dict[tuple[object, ...], Group] = defaultdict(list)
    for header in headers:
        if header.modality.is_stack:
            parts[header.path.parent, header.series_uid, header.rows, header.cols, header.modality].append(header)
    groups = [group for part in parts.values() for group in _stacks(part)]
    groups = [numbered for group in groups for numbered in _by_numbers(group)]
    groups = [contrast for group in _rejoined(groups) for contrast in by_contrast(group)]
    groups += [[header] for header in headers if not header.modality.is_stack]
    place = {id(header): index for index, header in enumerate(headers)}
    return sorted(groups, key=lambda group: place[id(group[0])])


def has_odd_series_uid(group: Sequence[SliceHeader]) -> bool:
    """Whether Series Instance UID says nothing about a series: it is missing, or each slice has its own."""
    uids = {header.series_uid for header in group}
    return "" in uids or len(uids) > 1


def _stacks(headers: Group) -> list[Group]:
    """Slices linked by neighbours in orientation and spacing (single linkage)."""
    shapes = np.array([_geometry(header) for header in headers])
    distinct, which = np.unique(shapes, axis=0, return_inverse=True)
    labels = _linked(distinct)[which.ravel()]
    found: dict[int, Group] = defaultdict(list)
    for label, header in zip(labels, headers, strict=True):
        found[int(label)].append(header)
    return list(found.values())


def _geometry(header: SliceHeader) -> NDArray[np.float64]:
    """(8,) both directions and both logarithms of the spacing, so that 1 is the tolerance of each."""
    row, column = np.array(header.orientation[:3]), np.array(header.orientation[3:])
    directions = np.concatenate([row / np.linalg.norm(row), column / np.linalg.norm(column)]) / SAME_DIRECTION
    return np.concatenate([directions, np.log(header.spacing_mm) / np.log1p(SAME_SPACING)])


def _linked(points: NDArray[np.float64]) -> NDArray[np.int64]:
    labels = np.full(len(points), -1)
    for seed in range(len(points)):
        if labels[seed] >= 0:
            continue
        labels[seed], reached = seed, [seed]
        while reached:
            apart = points - points[reached.pop()]
            near = np.linalg.norm(apart[:, :3], axis=1) <= 1
            near &= np.linalg.norm(apart[:, 3:6], axis=1) <= 1
            near &= (np.abs(apart[:, 6:]) <= 1).all(axis=1) & (labels < 0)
            labels[near] = seed
            reached += np.flatnonzero(near).tolist()
    return labels


def _by_numbers(group: Group) -> list[Group]:
    """Slices without a Series Instance UID, parted by what is left to tell series apart; never two melted into one."""
    if group[0].series_uid:
        return [group]
    acquisitions = Counter(header.acquisition_number for header in group)
    own = max(acquisitions.values()) == 1  # a number a slice: a table that moves between slices
    parts: dict[tuple[object, ...], Group] = defaultdict(list)
    for header in group:
        acquisition = None if own else header.acquisition_number
        scanner = (header.manufacturer, header.model, header.kernel, header.image_type[:2])
        person = (header.patient_id, header.study_uid, header.frame_of_reference_uid)
        parts[person, header.series_number, acquisition, scanner].append(header)
    return list(parts.values())


def _rejoined(groups: list[Group]) -> list[Group]:
    """Groups, those of a single slice with a UID of its own put together where all else says one series."""
    single: dict[tuple[object, ...], list[Group]] = defaultdict(list)
    whole: list[Group] = []
    uses = Counter((header.path.parent, header.series_uid) for group in groups for header in group)
    for group in groups:
        first = group[0]
        repeated = uses[first.path.parent, first.series_uid] > 1
        if len(group) > 1 or not first.series_uid or repeated or not _says_whose(first):
            whole.append(group)
        else:
            single[_apart_from_uid(first)].append(group)
    for alike in single.values():
        for stack in _stacks([group[0] for group in alike]):
            whole += [stack] if _is_one_stack(stack) else [[header] for header in stack]
    return whole


def _says_whose(header: SliceHeader) -> bool:
    return bool(header.study_uid and header.frame_of_reference_uid)


def _apart_from_uid(header: SliceHeader) -> tuple[object, ...]:
    person = (header.path.parent, header.patient_id, header.study_uid, header.frame_of_reference_uid)
    series = (header.series_number, header.manufacturer, header.model, header.kernel, header.image_type[:2])
    return (*person, *series, header.rows, header.cols)


def _is_one_stack(group: Group) -> bool:
    """Whether single slices lie as those of one series do: no place twice, and evenly where no number joins them."""
    if len(group) < 2:
        return False
    normal = np.cross(group[0].orientation[:3], group[0].orientation[3:])
    steps = np.diff(np.sort([float(np.dot(header.position_mm, normal)) for header in group]))
    if steps.min() <= _EVEN_STEP * np.median(steps):
        return False
    even = bool((np.abs(steps - np.median(steps)) <= _EVEN_STEP * np.median(steps)).all())
    return group[0].series_number is not None or (even and len(group) >= _FEWEST_UNNUMBERED)
