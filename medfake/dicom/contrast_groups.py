"""Images of one MR series parted by contrast, so that no scan holds two; and what cannot be parted."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.header import SliceHeader
from medfake.vocabulary import Modality

SAME_ECHO: Final = 0.01
"""Relative; makers round echo times, and echoes of one excitation lie farther apart."""
SAME_PLACE_MM: Final = 0.01
MIXED: Final = (
    "an MR series with several images at one place that neither echo, b-value, time nor Image Type (0008,0008) tells "
    "apart: several contrasts are never mixed"
)


def by_contrast(group: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Part a stack by what its images say of their contrast; what is no MR stays whole.

    Temporal positions part it only where images repeat a place, and not where each of several places has its own: some
    scanners count images by them.

    Args:
        group: Images of one series, size and orientation.

    Returns:
        Stacks of one contrast each, in the order of their first image.
    """
    if group[0].modality is not Modality.MR:
        return [list(group)]
    parts: dict[tuple[object, ...], list[SliceHeader]] = defaultdict(list)
    echoes = _echoes([header.contrast.echo_ms for header in group])
    for header in group:
        parts[header.contrast.words, echoes.get(header.contrast.echo_ms)].append(header)
    return [stack for part in parts.values() for stack in _by_time(part)]


def repeats_a_place(group: Sequence[SliceHeader]) -> bool:
    """Whether two images of a stack lie at the same position along its normal."""
    return bool((np.diff(_places_mm(group)) <= SAME_PLACE_MM).any())


def _lie_at_one_place(group: Sequence[SliceHeader]) -> bool:
    return bool(np.ptp(_places_mm(group)) <= SAME_PLACE_MM)


def _places_mm(group: Sequence[SliceHeader]) -> NDArray[np.float64]:
    normal = np.cross(group[0].orientation[:3], group[0].orientation[3:])
    return np.sort([float(np.dot(header.position_mm, normal)) for header in group])


def _by_time(group: list[SliceHeader]) -> list[list[SliceHeader]]:
    if not repeats_a_place(group):
        return [group]
    parts: dict[int | None, list[SliceHeader]] = defaultdict(list)
    for header in group:
        parts[header.contrast.time].append(header)
    counts_images = len(parts) == len(group) and not _lie_at_one_place(group)
    return [group] if counts_images else list(parts.values())


def _echoes(times_ms: Sequence[float | None]) -> dict[float | None, int]:
    """Which echo a time belongs to: times that a chain of neighbours links are one."""
    known = sorted({time for time in times_ms if time is not None})
    number, of_time = 0, dict[float | None, int]()
    for before, time in zip([None, *known], known, strict=False):
        number += before is not None and time - before > SAME_ECHO * max(abs(time), 1.0)
        of_time[time] = number
    return of_time
