"""What a seal remembers of a file: of each frame a digest of its decoded pixels and what gives them their meaning.

Pixels are digested as they are stored, decoded but in no unit, so that a lossless change of the transfer syntax breaks
no seal. What identifies anybody is not kept: UIDs become digests with a salt, names and dates are never read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.pixels.utils import get_expected_length, pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import UID

from medfake.dicom import fields
from medfake.dicom.codestream import claimed_shape
from medfake.dicom.parse import PARSE_ERRORS, PixelElement, read_dataset, read_header_elements
from medfake.dicom.quiet import quiet_pydicom
from medfake.dicom.unambiguous import require_unambiguous
from medfake.errors import DicomError, HeaderError, PixelDataError
from medfake.seal.document import SealedSlice
from medfake.seal.elements import GEOMETRY, RESCALE, photometric, texts

_LARGEST_PIXELS: Final = 1 << 32  # bytes of a file's pixels once decoded
_MOST_BITS: Final = 32  # of a stored value; PS3.5 8.1.1 knows no integers of more in images
_FRAME_OVERHEAD = 1 << 14  # bytes of a compressed frame that are no pixels


@dataclass(frozen=True)
class FileHead:
    """What tells an image from others before it is decoded.

    Attributes:
        series: Salted digest of Series Instance UID (0020,000E).
        instance: Salted digest of SOP Instance UID (0008,0018).
        signatures: Ways in which Digital Signatures (FFFA,FFFA) of the file itself were made, 0 where it has none.
    """

    path: Path
    series: str
    instance: str
    signatures: int


def read_head(path: Path, salt: str) -> FileHead | None:
    """Read a header; None where the file holds no image, as reports and directories do.

    Raises:
        DicomError: It cannot be read, or says of no series or instance that it is.
    """
    dataset, pixels = read_header_elements(path)
    try:
        with quiet_pydicom():
            if pixels is None and not _is_image(dataset):
                return None
            series, instance = (_uid(dataset, keyword, path) for keyword in ("SeriesInstanceUID", "SOPInstanceUID"))
            return FileHead(path, salted(series, salt), salted(instance, salt), _signatures(dataset))
    except PARSE_ERRORS as error:
        raise HeaderError(
            "its header cannot be read", where=path, received=type(error).__name__, remedy="export the file again"
        ) from None


def read_slices(head: FileHead, salt: str) -> list[SealedSlice]:
    """Decode a file, and digest every frame of it.

    Raises:
        DicomError: It cannot be read or decoded.
    """
    dataset = read_dataset(head.path, _most_bytes)
    try:
        with quiet_pydicom():
            require_unambiguous(head.path, _frame_count(dataset))
            little = dataset.file_meta.TransferSyntaxUID.is_little_endian
            correct_ambiguous_vr(dataset, little)  # implicit VR leaves open how some values are written
            return list(_frames(dataset, head, salt))
    except PARSE_ERRORS as error:
        raise PixelDataError(
            "the pixels cannot be decoded", where=head.path, received=type(error).__name__,
            remedy="export the file again",
        ) from None  # fmt: skip


def salted(text: str, salt: str) -> str:
    """SHA-256 of a salt and a text, hex: who has the text can compare, who has not learns nothing of it."""
    return sha256(f"{salt}:{text}".encode()).hexdigest()


def _uid(dataset: Dataset, keyword: str, path: Path) -> str:
    value = fields.text(dataset, keyword)
    if not value:
        raise DicomError("a seal needs this to tell files apart", where=path, element=fields.element(keyword),
                         received="nothing", remedy="export the file again")  # fmt: skip
    return value


def _is_image(dataset: Dataset) -> bool:
    """Whether a file without pixels should have some: by its rows, or by its SOP class where it broke off before."""
    sop_class = dataset.file_meta.get("MediaStorageSOPClassUID")
    return "Rows" in dataset or "Image" in UID(str(sop_class or "")).name


def _signatures(dataset: Dataset) -> int:
    """MAC Parameters (4FFE,0001), which stand before the pixels; the signatures that need them come after."""
    sequence = dataset.get("MACParametersSequence")
    return len(sequence) if isinstance(sequence, Sequence) else 0


def _frames(dataset: Dataset, head: FileHead, salt: str) -> Iterator[SealedSlice]:
    frames = _frame_count(dataset)
    for frame in range(frames):
        groups = fields.FunctionalGroups(dataset, frame)
        geometry = texts(groups, GEOMETRY)
        for where, reference in groups.everywhere("FrameOfReferenceUID").items():
            geometry[where] = f"sha256 {salted(str(reference), salt)}"
        yield SealedSlice(
            instance=head.instance,
            frame=frame,
            pixels=_pixels_digest(dataset, frame, frames),
            geometry=geometry,
            rescale=texts(groups, RESCALE) | {"PhotometricInterpretation": photometric(dataset)},
        )


def _pixels_digest(dataset: Dataset, frame: int, frames: int) -> str:
    """SHA-256 over what the image is (rows, columns, samples, bits, sign) and its values, lowest byte first.

    Bits above Bits Stored hold no pixel (PS3.5 8.1.1), and are left out as compression may drop them.
    """
    samples = int(dataset.get("SamplesPerPixel", 1) or 1)
    shape = (int(dataset.Rows), int(dataset.Columns), samples)
    if dataset.file_meta.TransferSyntaxUID.is_compressed and claimed_shape(dataset, frame, frames) not in (None, shape):
        raise ValueError("another size than the header says")  # a decoder would allocate it
    stored: NDArray[Any] = pixel_array(dataset, index=frame if frames > 1 else None, raw=True)
    bits, signed = int(dataset.BitsStored), int(dataset.PixelRepresentation)
    words = np.dtype("<i4" if bits > 16 else "<i2") if signed else np.dtype("<u4" if bits > 16 else "<u2")
    unused = words.itemsize * 8 - bits
    values = stored.astype(words)
    if unused:
        values = np.right_shift(np.left_shift(values, unused), unused)
    facts = f"{dataset.Rows} {dataset.Columns} {samples} {bits} {signed}\n"
    return sha256(facts.encode() + np.ascontiguousarray(values).tobytes()).hexdigest()


def _frame_count(dataset: Dataset) -> int:
    return int(dataset.get("NumberOfFrames", 1) or 1)


def _most_bytes(dataset: Dataset, pixels: PixelElement | None, path: Path) -> int:
    """Bytes that Pixel Data may have by the header of any image, not of CT alone."""
    if pixels is None:
        raise PixelDataError("holds no integer pixels", where=path, remedy="leave the file out")
    try:
        frames = _frame_count(dataset)
        needed = get_expected_length(dataset) * (0 < int(dataset.BitsAllocated) <= _MOST_BITS)
    except PARSE_ERRORS:
        needed = 0
    if not 0 < needed <= _LARGEST_PIXELS:
        raise PixelDataError("the header says of no image how large it is", where=path, remedy="export the file again")
    compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    if not compressed and pixels.length < needed:
        raise PixelDataError(
            "the pixel data are too short for the image", where=path,
            received=f"{pixels.length} of {needed} bytes", remedy="export the file again",
        )  # fmt: skip
    return 2 * needed + frames * _FRAME_OVERHEAD if compressed else max(needed + 1, pixels.length)
