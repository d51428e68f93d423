"""Headers of CT, MR and X-ray images, validated before a pixel is decoded.

One `SliceHeader` is one slice of a scan, or one radiograph; a frame of an enhanced multi-frame file counts as one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset

from medfake.dicom import fields
from medfake.dicom.contrasts import NO_CONTRAST, Contrast, contrast_of
from medfake.dicom.fields import FunctionalGroups
from medfake.dicom.images import require_image, require_stored_bits
from medfake.dicom.modality_lut import rises
from medfake.dicom.parse import PARSE_ERRORS, read_header_elements
from medfake.dicom.pixel_size import frame_count, justified_size
from medfake.dicom.projection import NO_PROJECTION, Projection, detector_spacing, projection_of
from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import HeaderError
from medfake.vocabulary import Modality

SYNTHETIC_MARK = "medfake"
AXIAL: Final = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class SliceHeader:
    """What the header of one image says.

    Attributes:
        path: The file.
        frame: Index in a multi-frame file, 0 in others.
        modality: What made it, (0008,0060).
        position_mm: x, y, z of the first voxel, (0020,0032); zeros of a radiograph, which has none.
        orientation: Row and column direction cosines, (0020,0037); those of an axial image for a radiograph.
        spacing_mm: Between rows, between columns, (0028,0030); of a radiograph on the detector, (0018,1164).
        thickness_mm: (0018,0050), None when absent, and for a radiograph.
        slope: Rescale Slope (0028,1053), not 0; 1 where a Modality LUT stands instead, or -1
            where that of a radiograph falls, and 1 where MR or X-ray lack it.
        intercept: Rescale Intercept (0028,1052), HU of CT; 0 where slope is 1 for lack of it.
        padding: Lowest and highest stored value that means "no data", (0028,0120) and (0028,0121).
        monochrome1: Whether low values are to be shown white, (0028,0004); Hounsfield units do not depend on it.
        kernel: Convolution Kernel (0018,1210).
        body_part: Body Part Examined (0018,0015), or Anatomic Region (0008,2218) of an enhanced file, upper case; ""
            when neither says.
        instance_number: (0020,0013), None when absent; no order of slices depends on it.
        series_number: (0020,0011), None when absent.
        acquisition_number: (0020,0012), None when absent.
        lossy: Whether the pixels ever went through lossy compression, (0028,2110) or the transfer syntax; JPEG 2000 of
            either kind counts where (0028,2110) is missing.
        synthetic: medfake's own mark, an `Evidence`, None for scans that medfake did not make.
        contrast: Of an MR image; says nothing of others.
        projection: Of a radiograph; says nothing of others.
    """

    path: Path
    frame: int
    patient_id: str = field(repr=False)
    study_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    sop_uid: str = field(repr=False)
    instance_number: int | None
    frame_of_reference_uid: str = field(repr=False)
    series_number: int | None
    acquisition_number: int | None
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
    body_part: str
    transfer_syntax: str
    lossy: bool
    image_type: tuple[str, ...]
    synthetic: str | None
    modality: Modality = Modality.CT
    contrast: Contrast = NO_CONTRAST
    projection: Projection = NO_PROJECTION

    @property
    def dense_is_dark(self) -> bool:
        """Whether what stops the beam has low stored values: by the sign, or else as an eye is to see it."""
        return self.projection.sign > 0 if self.projection.sign else self.monochrome1 == (self.slope > 0)


def read_headers(path: Path) -> list[SliceHeader]:
    """Read and validate the header of a CT, MR, CR or DX file; pixels stay undecoded.

    Args:
        path: A file of a single frame, or an enhanced multi-frame one.

    Returns:
        One header per frame, in file order.

    Raises:
        NotDicomError: The file is no DICOM.
        UnsupportedImageError: DICOM, but of another modality, a localizer, in colour or no image; CT that is not axial
            or not in Hounsfield units.
        HeaderError: A field is missing or impossible.
        PixelDataError: Pixel Data are missing or not as large as the header says.
    """
    dataset, pixels = read_header_elements(path)
    try:
        with quiet_pydicom():
            modality = require_image(dataset, path)
            justified_size(dataset, pixels, path)
            require_stored_bits(dataset, path)
            return [_frame_header(dataset, path, frame, modality) for frame in range(frame_count(dataset, path))]
    except PARSE_ERRORS as error:
        raise HeaderError(
            "the header cannot be read", where=path, received=type(error).__name__, remedy="export the scan again"
        ) from None


def _frame_header(dataset: Dataset, path: Path, frame: int, modality: Modality) -> SliceHeader:
    groups = FunctionalGroups(dataset, frame)
    syntax = dataset.file_meta.TransferSyntaxUID
    own = _OWN[modality](dataset, groups, path)
    return SliceHeader(
        **own,
        modality=modality,
        path=path,
        frame=frame,
        patient_id=str(dataset.get("PatientID", "") or ""),
        study_uid=str(dataset.get("StudyInstanceUID", "")),
        series_uid=str(dataset.get("SeriesInstanceUID", "")),
        sop_uid=str(dataset.get("SOPInstanceUID", "")),
        instance_number=fields.whole(dataset.get("InstanceNumber")),
        frame_of_reference_uid=fields.text(dataset, "FrameOfReferenceUID"),
        series_number=fields.whole(dataset.get("SeriesNumber")),
        acquisition_number=fields.acquisition_number(groups),
        rows=int(dataset.Rows),
        cols=int(dataset.Columns),
        padding=fields.padding(dataset),
        monochrome1=fields.text(dataset, "PhotometricInterpretation").upper() == "MONOCHROME1",
        bits_stored=int(dataset.BitsStored),
        signed=bool(dataset.PixelRepresentation),
        manufacturer=fields.text(dataset, "Manufacturer"),
        model=fields.text(dataset, "ManufacturerModelName"),
        kernel=fields.kernel(groups),
        body_part=fields.body_part(dataset, groups),
        transfer_syntax=str(syntax),
        lossy=_lossy(dataset),
        image_type=fields.image_type(dataset, groups),
        synthetic=synthetic_mark(dataset),
    )


def _ct(dataset: Dataset, groups: FunctionalGroups, path: Path) -> dict[str, Any]:
    slope, intercept = fields.rescale(dataset, groups, path)
    return {
        "position_mm": fields.position(groups, path),
        "orientation": fields.axial_orientation(groups, path),
        "spacing_mm": fields.spacing(groups, path),
        "thickness_mm": fields.thickness(groups),
        "slope": slope,
        "intercept": intercept,
    }


def _mr(dataset: Dataset, groups: FunctionalGroups, path: Path) -> dict[str, Any]:
    slope, intercept = fields.rescale_if_any(dataset, groups, path)
    return {
        "position_mm": fields.position(groups, path),
        "orientation": fields.orientation(groups, path),
        "spacing_mm": fields.spacing(groups, path),
        "thickness_mm": fields.thickness(groups),
        "slope": slope,
        "intercept": intercept,
        "contrast": contrast_of(groups),
    }


def _radiograph(dataset: Dataset, groups: FunctionalGroups, path: Path) -> dict[str, Any]:
    slope, intercept = fields.rescale_if_any(dataset, groups, path)
    if _falls(dataset):
        slope = -1.0
    return {
        "position_mm": (0.0, 0.0, 0.0),
        "orientation": AXIAL,
        "spacing_mm": detector_spacing(groups, path),
        "thickness_mm": None,
        "slope": slope,
        "intercept": intercept,
        "projection": projection_of(dataset, path),
    }


def _falls(dataset: Dataset) -> bool:
    """Whether a Modality LUT turns the order of values; what is wrong with one is told where pixels are decoded."""
    try:
        with quiet_pydicom():
            return "ModalityLUTSequence" in dataset and not rises(dataset)
    except PARSE_ERRORS:
        return False


_OWN: Final[dict[Modality, Callable[[Dataset, FunctionalGroups, Path], dict[str, Any]]]] = {
    Modality.CT: _ct,
    Modality.MR: _mr,
    Modality.XRAY: _radiograph,
}


def _lossy(dataset: Dataset) -> bool:
    """Whether pixels ever lost something; JPEG 2000 that may be of either kind counts where the header says nothing."""
    said, syntax = str(dataset.get("LossyImageCompression", "") or ""), dataset.file_meta.TransferSyntaxUID.name
    if any(word in syntax for word in ("Lossy", "Baseline", "Extended", "Near-Lossless")):
        return True
    return said == "01" or (not said and syntax.endswith("JPEG 2000 Image Compression"))


def synthetic_mark(dataset: Dataset) -> str | None:
    """What medfake itself says that it made, an `Evidence`, in (0018,A001); None for whatever it did not make."""
    for item in dataset.get("ContributingEquipmentSequence", None) or ():
        if str(item.get("Manufacturer", "")) == SYNTHETIC_MARK:
            return str(item.get("ContributionDescription", "")) or SYNTHETIC_MARK
    return None
