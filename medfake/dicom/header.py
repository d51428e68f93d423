"""Headers of CT images, validated before a pixel is decoded.

One `SliceHeader` is one axial image; a frame of an enhanced multi-frame file counts as one.
"""

import warnings
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import config as pydicom_config
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medfake.errors import HeaderError, NotDicomError, PixelDataError, UnsupportedImageError
from medfake.logs import register_identifier

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
DICOMDIR = "1.2.840.10008.1.3.10"
LARGEST_EDGE = 4096  # rows or columns; CT detectors end at 2048
MOST_FRAMES = 5000
LARGEST_INFLATED = 1 << 30  # bytes
SYNTHETIC_MARK = "medfake"
_IDENTIFYING = ("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "StudyDate", "OtherPatientIDs")
# what pydicom may raise while it parses hostile bytes; anything else is a bug of ours
PARSE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
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
    zlib.error,
)

# warnings would print raw values
pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE


@dataclass(frozen=True, kw_only=True)
class SliceHeader:
    """What the header of one axial image says.

    Attributes:
        path: The file.
        frame: Index in a multi-frame file, 0 in others.
        position_mm: x, y, z of the first voxel, (0020,0032).
        orientation: Row and column direction cosines, (0020,0037).
        spacing_mm: Between rows, between columns, (0028,0030).
        thickness_mm: (0018,0050), None when absent.
        slope: Rescale Slope (0028,1053).
        intercept: Rescale Intercept (0028,1052), HU.
        padding: Lowest and highest stored value that means "no data", (0028,0120) and (0028,0121).
        kernel: Convolution Kernel (0018,1210).
        lossy: Whether the pixels ever went through lossy compression, (0028,2110) or the transfer syntax.
        synthetic: medfake's own mark ("phantom", "forged"), None for scans that medfake did not make.
    """

    path: Path
    frame: int
    patient_id: str = field(repr=False)
    study_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    sop_uid: str = field(repr=False)
    rows: int
    cols: int
    position_mm: tuple[float, float, float]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, float]
    thickness_mm: float | None
    slope: float
    intercept: float
    padding: tuple[int, int] | None
    monochrome1: bool
    bits_stored: int
    signed: bool
    manufacturer: str
    model: str
    kernel: str
    transfer_syntax: str
    lossy: bool
    image_type: tuple[str, ...]
    synthetic: str | None


def read_headers(path: Path) -> list[SliceHeader]:
    """Read and validate the header of a CT file; pixels stay undecoded.

    Args:
        path: A single-frame CT or an enhanced multi-frame CT file.

    Returns:
        One header per frame, in file order.

    Raises:
        NotDicomError: The file is no DICOM.
        UnsupportedImageError: DICOM, but a localizer, no CT, or no image.
        HeaderError: A field is missing or impossible.
        PixelDataError: The pixel data cannot be as large as the header says.
    """
    dataset = read_dataset(path, pixels=False)
    try:
        _require_ct_image(dataset, path)
        frames = _frame_count(dataset, path)
        _require_plausible_size(dataset, path, frames)
        return [_frame_header(dataset, path, frame) for frame in range(frames)]
    except PARSE_ERRORS as error:
        raise HeaderError(
            "the header cannot be read", where=path, received=type(error).__name__, remedy="export the scan again"
        ) from None


def read_dataset(path: Path, *, pixels: bool) -> FileDataset:
    """Parse a DICOM file; a deflated one is inflated under a cap first.

    Args:
        path: The file.
        pixels: False stops before Pixel Data (7FE0,0010).

    Raises:
        NotDicomError: The file is no DICOM or breaks off inside its header.
        PixelDataError: A deflated file grows beyond 1 GiB.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings quote values of the file
            source: Any = _inflated(path) or str(path)
            dataset = dcmread(source, stop_before_pixels=not pixels, force=False)
            dataset.filename = str(path)
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


def _inflated(path: Path) -> BytesIO | None:
    """The whole file with its data set inflated, or None when it is not deflated (1.2.840.10008.1.2.1.99)."""
    with path.open("rb") as file:
        preamble = read_preamble(file, force=False)
        start = file.tell()
        meta = read_file_meta_info(path)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return None
        length = meta.get("FileMetaInformationGroupLength")
        file.seek(start)
        head = file.read(int(length) + 12)  # the group length element itself takes 12 bytes
        engine = zlib.decompressobj(-zlib.MAX_WBITS)
        body = engine.decompress(file.read(), LARGEST_INFLATED)
        if engine.unconsumed_tail:
            raise PixelDataError(
                "a deflated file inflates to more than 1 GiB", where=path, remedy="store it uncompressed"
            )
    plain = head.replace(b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.1\x00\x00\x00")
    return BytesIO((preamble or bytes(128)) + b"DICM" + plain + body)


def _require_ct_image(dataset: Dataset, path: Path) -> None:
    sop_class = str(dataset.file_meta.get("MediaStorageSOPClassUID", dataset.get("SOPClassUID", "")))
    if sop_class == DICOMDIR:
        raise UnsupportedImageError("a DICOMDIR, not an image", where=path, remedy="give the folder it lies in")
    modality = str(dataset.get("Modality", "")) or "none"
    if modality != "CT":
        raise UnsupportedImageError("no CT image", where=f"{path} (0008,0060) Modality", received=modality)
    if "Rows" not in dataset or "Columns" not in dataset:
        raise UnsupportedImageError("holds no image", where=path)
    if "LOCALIZER" in _image_type(dataset, 0):
        raise UnsupportedImageError("a localizer, not an axial slice", where=f"{path} (0008,0008) Image Type")
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise UnsupportedImageError(
            "a colour image", where=f"{path} (0028,0002) Samples per Pixel", received=dataset.SamplesPerPixel
        )


def _frame_count(dataset: Dataset, path: Path) -> int:
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    if not 1 <= frames <= MOST_FRAMES:
        raise HeaderError(f"expected 1 to {MOST_FRAMES} frames", where=f"{path} (0028,0008)", received=frames)
    if frames > 1 and "PerFrameFunctionalGroupsSequence" not in dataset:
        raise UnsupportedImageError("a multi-frame image without positions of its frames", where=path)
    return frames


def _require_plausible_size(dataset: Dataset, path: Path, frames: int) -> None:
    """PS3.5 section 8: uncompressed pixel data need Rows x Columns x Frames x bytes; the file must hold them."""
    rows, cols = int(dataset.Rows), int(dataset.Columns)
    if not (1 <= rows <= LARGEST_EDGE and 1 <= cols <= LARGEST_EDGE):
        raise HeaderError(
            f"expected 1 to {LARGEST_EDGE} rows and columns",
            where=f"{path} (0028,0010) Rows, (0028,0011) Columns",
            received=f"{rows} x {cols}",
        )
    allocated = int(dataset.get("BitsAllocated", 0))
    if allocated not in (8, 16, 32):
        raise HeaderError("expected 8, 16 or 32 bits", where=f"{path} (0028,0100) Bits Allocated", received=allocated)
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise HeaderError("no transfer syntax", where=f"{path} (0002,0010) Transfer Syntax UID")
    needed = rows * cols * frames * allocated // 8
    size = path.stat().st_size
    if not syntax.is_compressed and size < needed:
        raise PixelDataError(
            "the file is too short for its pixels (truncated?)",
            where=path,
            received=f"{size} bytes for {rows} x {cols} x {frames} pixels of {allocated} bits",
            remedy="copy or export the file again",
        )


def _frame_header(dataset: Dataset, path: Path, frame: int) -> SliceHeader:
    groups = _FunctionalGroups(dataset, frame)
    syntax = dataset.file_meta.TransferSyntaxUID
    lossy_name = any(word in syntax.name for word in ("Lossy", "Baseline", "Extended", "Near-Lossless"))
    header = SliceHeader(
        path=path,
        frame=frame,
        patient_id=str(dataset.get("PatientID", "") or ""),
        study_uid=str(dataset.get("StudyInstanceUID", "")),
        series_uid=str(dataset.get("SeriesInstanceUID", "")),
        sop_uid=str(dataset.get("SOPInstanceUID", "")),
        rows=int(dataset.Rows),
        cols=int(dataset.Columns),
        position_mm=_numbers(groups, "ImagePositionPatient", 3, path),  # type: ignore[arg-type]  # three by the count
        orientation=_numbers(groups, "ImageOrientationPatient", 6, path),
        spacing_mm=_numbers(groups, "PixelSpacing", 2, path),  # type: ignore[arg-type]  # two by the count
        thickness_mm=_number_or(groups.find("SliceThickness"), None),
        slope=_number_or(groups.find("RescaleSlope"), 1.0) or 1.0,
        intercept=_number_or(groups.find("RescaleIntercept"), 0.0) or 0.0,
        padding=_padding(dataset),
        monochrome1=str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1",
        bits_stored=int(dataset.get("BitsStored", dataset.BitsAllocated)),
        signed=bool(int(dataset.get("PixelRepresentation", 0))),
        manufacturer=_text(dataset, "Manufacturer"),
        model=_text(dataset, "ManufacturerModelName"),
        kernel=_kernel(groups.find("ConvolutionKernel")),
        transfer_syntax=str(syntax),
        lossy=str(dataset.get("LossyImageCompression", "00")) == "01" or lossy_name,
        image_type=_image_type(dataset, frame),
        synthetic=_synthetic(dataset),
    )
    if min(header.spacing_mm) <= 0 or max(header.spacing_mm) > 10:
        raise HeaderError(
            "expected a pixel spacing within (0, 10] mm",
            where=f"{path} (0028,0030) Pixel Spacing",
            received=header.spacing_mm,
        )
    return header


class _FunctionalGroups:
    """Looks a keyword up where it may stand: the data set, then per-frame, then shared groups (PS3.3 C.7.6.16)."""

    def __init__(self, dataset: Dataset, frame: int) -> None:
        self._places: list[Dataset] = [dataset]
        for name, index in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
            sequence = dataset.get(name)
            if sequence and len(sequence) > index:
                self._places += [item[0] for item in (e.value for e in sequence[index] if e.VR == "SQ") if item]

    def find(self, keyword: str) -> Any:
        """The first value found, None when it stands nowhere."""
        return next((place[keyword].value for place in self._places if keyword in place), None)


def _numbers(groups: _FunctionalGroups, keyword: str, count: int, path: Path) -> tuple[float, ...]:
    value = groups.find(keyword)
    try:
        numbers = tuple(float(number) for number in value)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != count or not all(abs(number) < 1e6 for number in numbers):
        raise HeaderError(
            f"expected {count} finite numbers",
            where=f"{path} {keyword}",
            received="nothing" if value is None else f"{len(numbers)} numbers",
        )
    return numbers


def _number_or(value: Any, default: float | None) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return number if abs(number) < 1e6 else default


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    first = dataset.get("PixelPaddingValue")
    if not isinstance(first, int):
        return None
    last = dataset.get("PixelPaddingRangeLimit", first)
    return (min(first, last), max(first, last)) if isinstance(last, int) else (first, first)


def _image_type(dataset: Dataset, frame: int) -> tuple[str, ...]:
    value = dataset.get("ImageType") or _FunctionalGroups(dataset, frame).find("FrameType") or ()
    return tuple(str(part) for part in ([value] if isinstance(value, str) else value))


def _text(dataset: Dataset, keyword: str) -> str:
    return str(dataset.get(keyword, "") or "").strip()


def _kernel(value: Any) -> str:
    return "" if value is None else str(value if isinstance(value, str) else "\\".join(map(str, value))).strip()


def _synthetic(dataset: Dataset) -> str | None:
    for item in dataset.get("ContributingEquipmentSequence", None) or ():
        if str(item.get("Manufacturer", "")) == SYNTHETIC_MARK:
            return str(item.get("ContributionDescription", "")) or SYNTHETIC_MARK
    return None
