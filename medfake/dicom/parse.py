"""DICOM files taken apart without trust: regular files only, read under caps, nothing of them printed."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from struct import error as struct_error
from typing import BinaryIO, cast

from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset as parse_elements
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pydicom.valuerep import VR

from medfake.dicom.bounded import BoundedReader, Inflating
from medfake.dicom.folders import NO_PERMISSION
from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import HeaderError, NotDicomError, PixelDataError
from medfake.logs import register_identifier

LARGEST_HEADER = 1 << 26  # bytes; 5000 frames of an enhanced file take some 20 MB
LARGEST_INFLATED = 1 << 30  # bytes of pixels
GONE = "the file is gone"
UNDEFINED_LENGTH = 0xFFFFFFFF  # of encapsulated pixel data, PS3.5 A.4
# what pydicom may raise while it parses hostile bytes; anything else is a bug of ours
PARSE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    NotImplementedError,  # pydicom's, of encodings that it has not
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct_error,
    zlib.error,
)
_PIXEL_GROUP, PIXEL_DATA = 0x7FE0, 0x7FE00010
_ANY_PIXELS = (PIXEL_DATA, 0x7FE00008, 0x7FE00009)  # integer, float and double pixels
_PREFIX_AT, _PREFIX = 128, b"DICM"
META_AT = _PREFIX_AT + len(_PREFIX)  # where the file meta information begins, PS3.10 7.1
_TAIL = 1 << 10  # bytes
_ELEMENT_HEAD = 12  # bytes of tag, VR and length, at most
KNOWN_VRS = frozenset(VR)
_LONGEST_FIRST = 1 << 10  # bytes of the first element of a data set
_FIRST_VRS = (b"UL", b"UI", b"CS", b"DA", b"TM", b"SH", b"LO", b"OB")  # of what a data set may begin with
_IDENTIFYING = ("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "StudyDate", "OtherPatientIDs")


@dataclass(frozen=True)
class PixelElement:
    """Where the value of Pixel Data (7FE0,0010) lies.

    Attributes:
        offset: Of its first byte; in the inflated stream for a deflated file.
        length: Bytes, as the element says; `UNDEFINED_LENGTH` for encapsulated pixels.
        size: Bytes that the file really has; None for a deflated file, which is not inflated to find out.
        vr: Value representation, None where the transfer syntax tells none.
    """

    offset: int
    length: int
    size: int | None
    vr: str | None


Judge = Callable[[Dataset, PixelElement | None, Path], int]


def read_header_elements(path: Path) -> tuple[Dataset, PixelElement | None]:
    """Parse a DICOM file up to its pixels, which are neither read nor inflated nor decoded.

    Returns:
        The elements before Pixel Data, and where that lies; None where the file has no integer Pixel Data.

    Raises:
        NotDicomError: The file is no DICOM, no regular file, or breaks off inside its header.
        HeaderError: No transfer syntax, an element twice, or a header of more than 64 MiB.
    """
    with _opened(path) as (source, meta):
        return _header(source, meta, path)


def read_dataset(path: Path, justify: Judge) -> Dataset:
    """Parse a DICOM file, pixels included (still encoded), as far as its header justifies.

    Args:
        path: The file.
        justify: Bytes that Pixel Data may have at most by the header; raises where they cannot be what it says.

    Raises:
        NotDicomError: The file is no DICOM, no regular file, or breaks off inside its header.
        HeaderError: No transfer syntax, or a header of more than 64 MiB.
        PixelDataError: A deflated file has pixels beyond 1 GiB, or pixels are more than the header justifies, or
            something else than what may stand there follows them.
    """
    with _opened(path) as (source, meta):
        dataset, pixels = _header(source, meta, path)
        most = justify(dataset, pixels, path)
        if pixels is None:
            return dataset
        if isinstance(source, Inflating) and most > LARGEST_INFLATED:
            raise PixelDataError("pixels of more than 1 GiB are deflated", where=path, remedy="store it uncompressed")
        stream = BoundedReader(source, pixels.offset + most, lambda: PixelDataError(
            "the pixel data are too long for the image", where=path, element="(7FE0,0010) Pixel Data",
            received=f"more than {most} bytes", remedy="export the file again",
        ))  # fmt: skip
        if pixels.length == UNDEFINED_LENGTH:
            dataset.update(_elements(stream, meta, _once(path)))
        else:
            dataset[PIXEL_DATA] = _native(source, meta, pixels)
            _require_no_more(source, meta, path)
        return dataset


def _header(source: "BinaryIO | Inflating", meta: FileMetaDataset, path: Path) -> tuple[Dataset, PixelElement | None]:
    found: list[PixelElement] = []
    seen: dict[int, int] = {}

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        place = source.tell()
        # pydicom asks of the first one twice where it is not encoded as the transfer syntax says
        if tag in seen and not (len(seen) == 1 and place - seen[tag] <= _ELEMENT_HEAD):
            raise HeaderError(
                f"readers may see something else in this file: ({tag >> 16:04X},{tag & 0xFFFF:04X}) stands twice",
                where=path, remedy="export the file again",
            )  # fmt: skip
        seen[tag] = place
        if tag >> 16 != _PIXEL_GROUP:  # plain integers: comparing tags as tags doubles the time of a header
            return False
        if int(tag) not in _ANY_PIXELS:
            return False
        if int(tag) == PIXEL_DATA:
            offset = source.tell()
            size = None if isinstance(source, Inflating) else source.seek(0, 2)
            source.seek(offset)
            found.append(PixelElement(offset, length, size, vr))
        return True

    stream = BoundedReader(source, LARGEST_HEADER, lambda: HeaderError(
        f"a header of more than {LARGEST_HEADER >> 20} MiB", where=path, remedy="export the file again, or leave it out"
    ))  # fmt: skip
    dataset = _elements(stream, meta, at_pixels)
    dataset.file_meta = meta
    for keyword in _IDENTIFYING:
        register_identifier(dataset.get(keyword, ""))
    return dataset, found[0] if found else None


def _native(source: "BinaryIO | Inflating", meta: FileMetaDataset, pixels: PixelElement) -> RawDataElement:
    source.seek(pixels.offset)
    value = source.take(pixels.length) if isinstance(source, Inflating) else source.read(pixels.length)
    implicit, little = _encoding(meta)
    return RawDataElement(BaseTag(PIXEL_DATA), pixels.vr, len(value), value, pixels.offset, implicit, little)


def _once(path: Path) -> Callable[[BaseTag, str | None, int], bool]:
    """Stops behind encapsulated pixels; refuses what stands there once more."""
    begun = False

    def stop(tag: BaseTag, _: str | None, __: int) -> bool:
        nonlocal begun
        if begun and tag <= PIXEL_DATA:
            raise _stands_behind(tag, path)
        begun = True
        return bool(tag > PIXEL_DATA)

    return stop


def _require_no_more(source: "BinaryIO | Inflating", meta: FileMetaDataset, path: Path) -> None:
    """Pixels and what gives them their meaning may not follow once more: many readers take the last that they find."""
    place = source.tell()
    start = source.read(4)
    if not any(start):  # the end of the file, or zeros that fill its last block
        if any(source.read(_TAIL)):
            raise _stands_behind(BaseTag(0), path)
        return
    source.seek(place)
    implicit, _ = _encoding(meta)

    def stop(tag: BaseTag, vr: str | None, _: int) -> bool:
        if tag <= PIXEL_DATA and (dictionary_has_tag(tag) if implicit else vr in KNOWN_VRS):
            raise _stands_behind(tag, path)
        return bool(tag <= PIXEL_DATA)  # no element

    stream = BoundedReader(source, place + LARGEST_HEADER, lambda: _stands_behind(BaseTag(PIXEL_DATA), path))
    try:
        _elements(stream, meta, stop)
    except PARSE_ERRORS:
        return  # nor would any reader find an element there


def _stands_behind(tag: BaseTag, path: Path) -> PixelDataError:
    return PixelDataError(
        f"readers may see something else in this file: ({tag >> 16:04X},{tag & 0xFFFF:04X}) stands behind the pixels",
        where=path, remedy="export the file again",
    )  # fmt: skip


@contextmanager
def _opened(path: Path) -> "Iterator[tuple[BinaryIO | Inflating, FileMetaDataset]]":
    try:
        with quiet_pydicom():
            if not S_ISREG(path.stat().st_mode):
                raise NotDicomError("not a regular file", where=path, remedy="leave it out")  # a pipe would never end
            with path.open("rb") as file:
                _require_prefix(file.read(_PREFIX_AT + len(_PREFIX)), path)
                stream = BoundedReader(
                    file, LARGEST_HEADER, lambda: HeaderError("file meta information without end", where=path)
                )
                meta = FileMetaDataset(parse_elements(cast("BinaryIO", stream), False, True, stop_when=_beyond_meta))
                yield _plain(file, meta, path), meta
    except FileNotFoundError:
        raise NotDicomError(GONE, where=path, remedy="run the same command again") from None
    except PermissionError:
        raise NotDicomError(NO_PERMISSION, where=path, remedy=f"chmod u+r {path.name}") from None
    except PARSE_ERRORS as error:
        raise NotDicomError(
            "broken off in its header, or no DICOM file",
            where=path,
            received=type(error).__name__,
            remedy="export the scan again, or leave the file out",
        ) from None


def looks_like_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do (PS3.10 7.1), or without what stands before it: viewers read that, too.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_PREFIX_AT + len(_PREFIX))
    return start[_PREFIX_AT:] == _PREFIX or _lacks_prefix(start)


def _require_prefix(start: bytes, path: Path) -> None:
    """The 128 bytes of preamble and "DICM" with which a DICOM file begins (PS3.10 7.1)."""
    if start[_PREFIX_AT:] == _PREFIX:
        return
    if _lacks_prefix(start):
        raise NotDicomError(
            'a DICOM data set without the prefix "DICM" of a file (PS3.10 7.1); dcmconv of DCMTK adds it',
            where=path, remedy=f"dcmconv {path.name} mended-{path.name}",
        )  # fmt: skip
    raise NotDicomError("not a DICOM file", where=path, remedy="leave the file out")


def _lacks_prefix(start: bytes) -> bool:
    return start.startswith(_PREFIX) or _is_data_set(start)


def _is_data_set(start: bytes) -> bool:
    """Whether bytes begin as a data set does: with an element of group 0002 or 0008, of a short length or a VR."""
    little, big = start[:2] in (b"\x02\0", b"\x08\0"), start[:2] in (b"\0\x02", b"\0\x08")
    explicit = start[4:6] in _FIRST_VRS
    implicit = little and 0 < int.from_bytes(start[4:8], "little") < _LONGEST_FIRST
    return len(start) >= 8 and (implicit or (explicit and (little or big)))


def _beyond_meta(tag: BaseTag, _: str | None, __: int) -> bool:
    return tag >> 16 != 2


def _elements(
    stream: BoundedReader, meta: FileMetaDataset, stop_when: Callable[[BaseTag, str | None, int], bool]
) -> Dataset:
    return parse_elements(cast("BinaryIO", stream), *_encoding(meta), stop_when=stop_when)


def _encoding(meta: FileMetaDataset) -> tuple[bool, bool]:
    """Whether the VR is implicit, whether the least byte comes first."""
    syntax = meta.TransferSyntaxUID
    return syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian


def _plain(file: BinaryIO, meta: FileMetaDataset, path: Path) -> "BinaryIO | Inflating":
    """The file itself, or its data set inflated where the transfer syntax is 1.2.840.10008.1.2.1.99 (PS3.5 A.5)."""
    syntax = meta.get("TransferSyntaxUID")
    if not syntax:
        raise HeaderError("no transfer syntax", where=path, element="(0002,0010) Transfer Syntax UID")
    return Inflating(file) if syntax == DeflatedExplicitVRLittleEndian else file
