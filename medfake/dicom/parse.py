"""DICOM files taken apart without trust: regular files only, inflated under a cap, nothing of them printed."""

import logging
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from struct import error as struct_error
from typing import BinaryIO

from pydicom import config as pydicom_config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset as parse_elements
from pydicom.filereader import read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from medfake.errors import HeaderError, NotDicomError, PixelDataError
from medfake.logs import register_identifier

LARGEST_INFLATED = 1 << 30  # bytes
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
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct_error,
    zlib.error,
)
_PIXEL_GROUP, _PIXEL_DATA = 0x7FE0, 0x7FE00010
_ANY_PIXELS = (_PIXEL_DATA, 0x7FE00008, 0x7FE00009)  # integer, float and double pixels
_IDENTIFYING = ("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "StudyDate", "OtherPatientIDs")

# pydicom's warnings and log lines quote raw values of the file; its loggers below this one inherit the level
pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class PixelElement:
    """Where the value of Pixel Data (7FE0,0010) lies.

    Attributes:
        offset: Of its first byte; in the inflated stream for a deflated file.
        length: Bytes, as the element says; `UNDEFINED_LENGTH` for encapsulated pixels.
        size: Bytes that the file, or the inflated stream, really has.
    """

    offset: int
    length: int
    size: int


@contextmanager
def silenced() -> Iterator[None]:
    """Drop warnings, which quote values of the file whenever one of them is converted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_dataset(path: Path) -> Dataset:
    """Parse a whole DICOM file, pixels included (still encoded).

    Raises:
        NotDicomError: The file is no DICOM, no regular file, or breaks off inside its header.
        HeaderError: No transfer syntax.
        PixelDataError: A deflated file grows beyond 1 GiB.
    """
    return _opened(path, _elements)


def read_header_elements(path: Path) -> tuple[Dataset, PixelElement | None]:
    """Parse a DICOM file up to its pixels, which are neither read nor decoded.

    Returns:
        The elements before Pixel Data, and where that lies; None where the file has no integer Pixel Data.

    Raises:
        NotDicomError: The file is no DICOM, no regular file, or breaks off inside its header.
        HeaderError: No transfer syntax.
        PixelDataError: A deflated file grows beyond 1 GiB.
    """
    found: list[PixelElement] = []

    def parse(stream: BinaryIO, meta: FileMetaDataset) -> Dataset:
        def at_pixels(tag: BaseTag, _: str | None, length: int) -> bool:
            if tag >> 16 != _PIXEL_GROUP:  # plain integers: comparing tags as tags doubles the time of a header
                return False
            if int(tag) not in _ANY_PIXELS:
                return False
            if int(tag) == _PIXEL_DATA:
                offset = stream.tell()
                found.append(PixelElement(offset, length, stream.seek(0, 2)))
                stream.seek(offset)
            return True

        return _elements(stream, meta, at_pixels)

    dataset = _opened(path, parse)
    return dataset, found[0] if found else None


def _opened(path: Path, parse: Callable[[BinaryIO, FileMetaDataset], Dataset]) -> Dataset:
    try:
        with silenced():
            if not S_ISREG(path.stat().st_mode):
                raise NotDicomError("not a regular file", where=path, remedy="leave it out")  # a pipe would never end
            with path.open("rb") as file:
                read_preamble(file, force=False)
                meta = FileMetaDataset(parse_elements(file, False, True, stop_when=_beyond_meta))
                dataset = parse(_plain(file, meta, path), meta)
            dataset.file_meta = meta
            for keyword in _IDENTIFYING:
                register_identifier(dataset.get(keyword, ""))
    except PermissionError:
        raise NotDicomError("permission denied", where=path, remedy=f"chmod u+r {path.name}") from None
    except PARSE_ERRORS as error:
        raise NotDicomError(
            "not a DICOM file, or broken off in its header",
            where=path,
            received=type(error).__name__,
            remedy="export the scan again, or leave the file out",
        ) from None
    return dataset


def _beyond_meta(tag: BaseTag, _: str | None, __: int) -> bool:
    return tag >> 16 != 2


def _elements(
    stream: BinaryIO, meta: FileMetaDataset, stop_when: Callable[[BaseTag, str | None, int], bool] | None = None
) -> Dataset:
    syntax = meta.TransferSyntaxUID
    return parse_elements(stream, syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian, stop_when=stop_when)


def _plain(file: BinaryIO, meta: FileMetaDataset, path: Path) -> BinaryIO:
    """The file itself, or its data set inflated where the transfer syntax is 1.2.840.10008.1.2.1.99 (PS3.5 A.5)."""
    syntax = meta.get("TransferSyntaxUID")
    if not syntax:
        raise HeaderError("no transfer syntax", where=f"{path} (0002,0010) Transfer Syntax UID")
    if syntax != DeflatedExplicitVRLittleEndian:
        return file
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    body = engine.decompress(file.read(), LARGEST_INFLATED)
    if engine.unconsumed_tail:
        raise PixelDataError("a deflated file inflates to more than 1 GiB", where=path, remedy="store it uncompressed")
    return BytesIO(body)
