"""Images counted by SOP Instance UID (0008,0018): files with one UID and equal pixels are one image (PS3.3 C.12.1)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from medfake.dicom.header import SliceHeader
from medfake.dicom.reader import read_slice, read_stored
from medfake.errors import DicomError, PixelDataError
from medfake.files import sha256_file

REPEATED = "(0008,0018) SOP Instance UID: the image is there twice, with equal pixels; it counts once"


def once_each(headers: Iterable[SliceHeader]) -> tuple[list[SliceHeader], list[SliceHeader]]:
    """Keep the first of each image.

    Pixels are decoded where a UID, a place, a size and what values mean stand twice in files that differ, of each image
    once.

    Args:
        headers: Of any files, in order; UIDs of different folders or series are not compared.

    Returns:
        The images, and the repetitions of some of them. Different images that share a UID are all kept.
    """
    file_digest = cache(sha256_file)  # one file may hold thousands of images
    alike: dict[tuple[object, ...], _Alike] = {}
    repeated: list[SliceHeader] = []
    order: list[SliceHeader] = []
    for header in headers:
        image = (
            header.path.parent, header.series_uid, header.sop_uid, header.frame, header.position_mm, header.rows,
            header.cols, header.slope, header.intercept, header.padding, header.monochrome1,
        )  # fmt: skip
        others = alike.get(image)
        if others is None or not header.sop_uid:
            alike[image] = _Alike(header, file_digest)
            order.append(header)
        else:
            (order if others.takes(header) else repeated).append(header)
    return order, repeated


def share_a_uid(headers: Sequence[SliceHeader]) -> bool:
    """Whether different images have one SOP Instance UID."""
    named = [(header.sop_uid, header.frame) for header in headers if header.sop_uid]
    return len(set(named)) < len(named)


@dataclass
class _Alike:
    """Images of one UID, place and size; what is compared of them is read where there is a second one."""

    first: SliceHeader
    file_digest: Callable[[Path], str]
    files: set[str] = field(default_factory=set)
    pixels: set[str] = field(default_factory=set)

    def takes(self, header: SliceHeader) -> bool:
        """Add an image, unless it is one of those that are there; what cannot be read is told where it is scored."""
        try:
            self.files = self.files or {self.file_digest(self.first.path)}
            own = self.file_digest(header.path)
            if own in self.files:
                return False
            self.files.add(own)
            self.pixels = self.pixels or {_pixel_digest(self.first)}
            shown = _pixel_digest(header)
        except (DicomError, OSError):
            return True
        known = shown in self.pixels
        self.pixels.add(shown)
        return not known


def _pixel_digest(header: SliceHeader) -> str:
    try:
        stored = read_stored([header])
    except PixelDataError:  # behind a table: what comes out of it
        stored = read_slice(header)
    return sha256(f"{stored.dtype}".encode() + stored.tobytes()).hexdigest()
