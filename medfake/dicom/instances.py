"""Images counted by SOP Instance UID (0008,0018): files with one UID and equal pixels are one image (PS3.3 C.12.1)."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from medfake.dicom.header import SliceHeader
from medfake.dicom.reader import read_stored
from medfake.errors import DicomError
from medfake.files import sha256_file

REPEATED = "(0008,0018) SOP Instance UID: the image is there twice, with equal pixels; it counts once"


def once_each(headers: Iterable[SliceHeader]) -> tuple[list[SliceHeader], list[SliceHeader]]:
    """Keep the first of each image.

    Pixels are decoded where a UID, a place and a size stand twice, of each file once.

    Args:
        headers: Of any files, in order; UIDs of different folders or series are not compared.

    Returns:
        The images, and the repetitions of some of them. Different images that share a UID are all kept.
    """
    first: dict[tuple[object, ...], SliceHeader] = {}
    seen: dict[tuple[object, ...], set[str]] = {}
    repeated: list[SliceHeader] = []
    order: list[SliceHeader] = []
    for header in headers:
        image = (header.path.parent, header.series_uid, header.sop_uid, header.frame, header.position_mm, header.rows,
                 header.cols)  # fmt: skip
        alike = first.setdefault(image, header)
        if alike is header or not header.sop_uid:
            order.append(header)
            continue
        if image not in seen:
            seen[image] = {_digest(alike)}
        digests, own = seen[image], _digest(header)
        (repeated if own in digests else order).append(header)
        digests.add(own)
    return order, repeated


def share_a_uid(headers: Sequence[SliceHeader]) -> bool:
    """Whether different images have one SOP Instance UID."""
    named = [(header.sop_uid, header.frame) for header in headers if header.sop_uid]
    return len(set(named)) < len(named)


def _digest(header: SliceHeader) -> str:
    """Of the stored pixels; of the file where they cannot be decoded, and of its name where it cannot be read."""
    try:
        try:
            stored = read_stored([header])
            return sha256(f"{stored.dtype}".encode() + stored.tobytes()).hexdigest()
        except DicomError:
            return f"file {sha256_file(header.path)}"
    except OSError:
        return f"name {header.path}"
