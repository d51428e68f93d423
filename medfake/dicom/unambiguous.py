"""Whether a file is taken alike by every reader: elements once and in their order, and nothing that only some look at.

A lenient reader keeps the first or the last of two elements of one tag, looks for pixels by a table of offsets or one
after the other, and goes on behind the pixels or does not. Who forges a file may show each of them something else.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from pydicom.datadict import dictionary_VR
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from medfake.dicom.parse import (
    KNOWN_VRS,
    LARGEST_HEADER,
    LARGEST_INFLATED,
    META_AT,
    PIXEL_DATA,
    UNDEFINED_LENGTH,
)
from medfake.errors import HeaderError, PixelDataError

_OFFSETS, _LENGTHS = 0x7FE00001, 0x7FE00002  # of frames, PS3.3 C.7.6.3.1.8
_META_LENGTH, _SYNTAX = 0x00020000, 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD  # PS3.5 7.5
_DEEPEST: Final = 32  # sequences within one another
_TAIL: Final = 1 << 16  # zeros that some writers fill the last block with


@dataclass
class _Pixels:
    """Encapsulated pixels (PS3.5 A.4), offsets from the first byte behind the table.

    Attributes:
        table: Offsets of frames, as Basic Offset Table.
        fragments: Offset and length of each.
    """

    table: tuple[int, ...] = ()
    fragments: list[tuple[int, int]] = field(default_factory=list)


def require_unambiguous(path: Path, frames: int) -> None:
    """Go through a file that could be parsed, element by element, values left out.

    Args:
        path: The file.
        frames: That its header tells of.

    Raises:
        HeaderError: An element stands twice, or not behind those with lower tags, in the file or in an item of a
            sequence; one reaches beyond what holds it; or its value representation is none of PS3.5 6.2.
        PixelDataError: Tables of offsets do not lead to all fragments in their order, or frames are of several.
    """
    with path.open("rb") as file:
        try:
            file.seek(META_AT)
            meta = _Walk(file, path, "<", implicit=False).meta()
            syntax = meta.decode("ascii").rstrip("\0 ")
            with _data_set(file, syntax) as stream:
                order = ">" if syntax == ExplicitVRBigEndian else "<"
                walk = _Walk(stream, path, order, implicit=syntax == ImplicitVRLittleEndian)
                walk.data_set()
        except (struct.error, zlib.error, UnicodeDecodeError):
            raise _refused(path, "it ends within an element") from None
        if walk.pixels:
            _require_order(walk, walk.pixels, frames, path)


@contextmanager
def _data_set(file: BinaryIO, syntax: str) -> Iterator[BinaryIO]:
    """What stands behind the file meta information, inflated where it is deflated (PS3.5 A.5)."""
    if syntax != DeflatedExplicitVRLittleEndian:
        yield file
        return
    most = LARGEST_HEADER + LARGEST_INFLATED
    yield io.BytesIO(zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(), most))


class _Walk:
    """One pass over elements."""

    def __init__(self, stream: BinaryIO, path: Path, order: str, *, implicit: bool) -> None:
        self.stream, self.path, self.order, self.implicit = stream, path, order, implicit
        self.pixels: _Pixels | None = None
        self.kept: dict[int, bytes] = {}
        start = stream.tell()
        self.size = stream.seek(0, 2)
        stream.seek(start)

    def meta(self) -> bytes:
        """Group 0002; returns its transfer syntax and stays behind it."""
        last, length_at = -1, None
        while (at := self.stream.tell()) < self.size:
            (group,) = struct.unpack("<H", self._take(2))
            self.stream.seek(at)
            if group != 2:
                break
            last = self._element(last, self.size, self.implicit, 0, keep=(_META_LENGTH, _SYNTAX))
            length_at = self.stream.tell() if last == _META_LENGTH else length_at
        if length_at is not None and self.stream.tell() - length_at != struct.unpack("<I", self.kept[_META_LENGTH])[0]:
            raise _refused(self.path, "its group 0002 is not as long as it says")
        return self.kept.get(_SYNTAX, b"")

    def data_set(self) -> None:
        """All that follows, to the end of the file."""
        last = -1
        while (left := self.size - self.stream.tell()) > 0:
            if left <= _TAIL and not any(self._peek(left)):
                return
            last = self._element(last, self.size, self.implicit, 0, keep=(_OFFSETS, _LENGTHS))

    def _element(self, last: int, end: int, implicit: bool, depth: int, keep: tuple[int, ...] = ()) -> int:
        tag, vr, length = self._head(implicit)
        if tag <= last:
            raise _refused(self.path, f"({tag >> 16:04X},{tag & 0xFFFF:04X}) stands twice, or behind a higher one")
        if length == UNDEFINED_LENGTH:
            if tag == PIXEL_DATA:
                found = self._fragments()
                self.pixels = found if depth == 0 else self.pixels
            else:
                self._items(None, end, implicit or vr == VR.UN, depth)
            return tag
        at = self.stream.tell()
        if at + length > end:
            raise _refused(self.path, f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is longer than what it stands in")
        if vr == VR.SQ:
            self._items(at + length, end, implicit, depth)
        elif vr == VR.UN and _known_vr(tag) == VR.SQ:
            self._items(at + length, end, True, depth)  # PS3.5 6.2.2: as with implicit VR
        elif tag in keep:
            self.kept[tag] = self._take(length)
        else:
            self.stream.seek(at + length)
        return tag

    def _head(self, implicit: bool) -> tuple[int, str, int]:
        tag = self._tag()
        if implicit:
            (length,) = self._unpack("I", 4)
            return tag, _known_vr(tag), length
        name = self._take(2).decode("ascii", "replace")
        if name not in KNOWN_VRS:
            raise _refused(self.path, f"({tag >> 16:04X},{tag & 0xFFFF:04X}) has no value representation")
        if name not in EXPLICIT_VR_LENGTH_32:
            return tag, name, self._unpack("H", 2)[0]
        self._take(2)
        return tag, name, self._unpack("I", 4)[0]

    def _items(self, end: int | None, within: int, implicit: bool, depth: int) -> None:
        """Items of a sequence, up to `end` or to their delimiter (PS3.5 7.5)."""
        if depth == _DEEPEST:
            raise _refused(self.path, f"more than {_DEEPEST} sequences stand within one another")
        most = within if end is None else end
        while self.stream.tell() != end:
            tag, (length,) = self._tag(), self._unpack("I", 4)
            if tag == _SEQUENCE_END and end is None:
                return
            at = self.stream.tell()
            if tag != _ITEM or (length != UNDEFINED_LENGTH and at + length > most):
                raise _refused(self.path, "a sequence does not end where it says")
            self._item(None if length == UNDEFINED_LENGTH else at + length, most, implicit, depth)

    def _item(self, end: int | None, within: int, implicit: bool, depth: int) -> None:
        last = -1
        while self.stream.tell() != end:
            if end is None:
                at = self.stream.tell()
                if self._tag() == _ITEM_END:
                    self._take(4)
                    return
                self.stream.seek(at)
            last = self._element(last, within if end is None else end, implicit, depth + 1)

    def _fragments(self) -> _Pixels:
        found, start = _Pixels(), None
        while True:
            at, tag, (length,) = self.stream.tell(), self._tag(), self._unpack("I", 4)
            if tag == _SEQUENCE_END:
                return found
            if tag != _ITEM or length > self.size - self.stream.tell():
                raise _refused(self.path, "its pixels do not end where they say")
            if start is None:
                found.table = struct.unpack(f"{self.order}{length // 4}I", self._take(length // 4 * 4))
                self._take(length % 4)
                start = self.stream.tell()
            else:
                found.fragments.append((at - start, length))
                self.stream.seek(length, 1)

    def _tag(self) -> int:
        group, number = self._unpack("HH", 4)
        return int(group) << 16 | int(number)

    def _unpack(self, form: str, size: int) -> tuple[int, ...]:
        return struct.unpack(self.order + form, self._take(size))

    def _take(self, size: int) -> bytes:
        taken = self.stream.read(min(size, self.size))
        if len(taken) != size:
            raise struct.error
        return taken

    def _peek(self, size: int) -> bytes:
        at = self.stream.tell()
        seen = self.stream.read(size)
        self.stream.seek(at)
        return seen


def _require_order(walk: _Walk, pixels: _Pixels, frames: int, path: Path) -> None:
    """The fragments in their order have to be the frames, whichever table a reader goes by, or none."""
    starts = [start for start, _ in pixels.fragments]
    offsets, lengths = (_longs(walk.kept.get(tag, b""), walk.order) for tag in (_OFFSETS, _LENGTHS))
    if frames not in (1, len(starts)):
        raise PixelDataError(
            "readers may see other pixels in this file: its frames are not one fragment each", where=path,
            received=f"{len(starts)} fragments of {frames} frames", remedy="export the file again",
        )  # fmt: skip
    tables_lead_to_all = all(list(table) == starts[:frames] for table in (pixels.table, offsets) if table)
    ends = zip(pixels.fragments, lengths, strict=False)
    lengths_are_whole = not lengths or (len(lengths) == frames and all(own - told in (0, 1) for (_, own), told in ends))
    if not (tables_lead_to_all and lengths_are_whole):
        raise PixelDataError(
            "readers may see other pixels in this file: its tables do not lead to all fragments in their order",
            where=path, received=f"{len(starts)} fragments of {frames} frames", remedy="export the file again",
        )  # fmt: skip


def _longs(value: bytes, order: str) -> tuple[int, ...]:
    return struct.unpack(f"{order}{len(value) // 8}Q", value[: len(value) // 8 * 8])


def _known_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return VR.UN


def _refused(path: Path, what: str) -> HeaderError:
    return HeaderError(
        f"readers may see something else in this file: {what}", where=path, remedy="export the file again"
    )
