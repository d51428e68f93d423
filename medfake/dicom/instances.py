"""Images counted by SOP Instance UID (0008,0018): files with one UID and equal pixels are one image (PS3.3 C.12.1)."""

import filecmp
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from medfake.dicom.header import SliceHeader
from medfake.dicom.reader import read_slice
from medfake.errors import DicomError

REPEATED = "(0008,0018) SOP Instance UID: the image is there twice, with equal pixels; it counts once"


def once_each(headers: Iterable[SliceHeader]) -> tuple[list[SliceHeader], list[SliceHeader]]:
    """Keep the first of each image.

    Args:
        headers: Of any files, in order; UIDs of different folders or series are not compared.

    Returns:
        The images, and the repetitions of some of them. Different images that share a UID are all kept.
    """
    kept: dict[tuple[object, ...], list[SliceHeader]] = defaultdict(list)
    repeated: list[SliceHeader] = []
    order: list[SliceHeader] = []
    for header in headers:
        alike = kept[header.path.parent, header.series_uid, header.sop_uid, header.frame]
        if header.sop_uid and any(_same_image(header, other) for other in alike):
            repeated.append(header)
        else:
            alike.append(header)
            order.append(header)
    return order, repeated


def share_a_uid(headers: Sequence[SliceHeader]) -> bool:
    """Whether different images have one SOP Instance UID."""
    named = [(header.sop_uid, header.frame) for header in headers if header.sop_uid]
    return len(set(named)) < len(named)


def _same_image(one: SliceHeader, other: SliceHeader) -> bool:
    if one.position_mm != other.position_mm or (one.rows, one.cols) != (other.rows, other.cols):
        return False  # another place: no pixel need be read
    try:
        return filecmp.cmp(one.path, other.path, shallow=False) or np.array_equal(read_slice(one), read_slice(other))
    except (DicomError, OSError):
        return False
