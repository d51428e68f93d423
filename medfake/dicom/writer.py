"""CT, MR and X-ray files of our own: valid UIDs, no clock, a synthetic mark; the same input makes the same bytes."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from medfake.dicom.header import SYNTHETIC_MARK, SliceHeader
from medfake.dicom.projection import Projection
from medfake.dicom.series import Series
from medfake.dicom.written_modules import FOR_EYES, MODULES, decimal
from medfake.errors import PixelDataError
from medfake.files import write_atomic
from medfake.vocabulary import Evidence, Modality

_DATE, _TIME = "20190101", "120000"  # no clock: the bytes depend on the arguments alone
_PHANTOMS = {Modality.CT: "chest", Modality.MR: "MR", Modality.XRAY: "X-ray"}
_WORDS = {
    Evidence.PHANTOM: "Synthetic: parametric {} phantom, no patient",
    Evidence.FORGED: "Synthetic: pixels altered on purpose to train detectors of tampering",
}


Pixels = NDArray[np.int16] | NDArray[np.uint16]


class Limits(NamedTuple):
    """Lowest and highest stored value."""

    min: int
    max: int


@dataclass(frozen=True, kw_only=True)
class SeriesTemplate:
    """What all slices of a series share.

    Attributes:
        patient_id: (0010,0020); also stands in for the name.
        spacing_mm: Between rows, between columns.
        intercept: Rescale Intercept, HU; the stored value is (HU - intercept) / slope. MR: only told in the header;
            X-ray: not told.
        slope: Rescale Slope, not 0; likewise.
        signed: Pixel Representation.
        padding: Stored value that means "no data"; None for none. One beyond the stored type can mark no voxel and is
            not written.
        padding_limit: Other end of a range of such values; None for none.
        localizer: Image Type LOCALIZER, for scouts.
        modality: What the files say made them; each radiograph is a scan by itself.
        body_part: Body Part Examined (0018,0015); "" for none.
        bits_stored: (0028,0101), of 16 allocated.
        echo_ms: Echo Time (0018,0081) of MR; None for unknown.
        projection: What a radiograph says of its values.
        monochrome1: Photometric Interpretation MONOCHROME1: low values are to be shown white.
    """

    patient_id: str
    manufacturer: str
    model: str
    kernel: str
    thickness_mm: float
    spacing_mm: tuple[float, float]
    orientation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    intercept: float = 0
    slope: float = 1
    signed: bool = True
    padding: int | None = None
    padding_limit: int | None = None
    localizer: bool = False
    modality: Modality = Modality.CT
    body_part: str = ""
    bits_stored: int = 16
    echo_ms: float | None = None
    projection: Projection = FOR_EYES
    monochrome1: bool = False

    @classmethod
    def from_series(cls, series: Series) -> "SeriesTemplate":
        """What a series that was read shares, so that a copy with other pixels differs in nothing else."""
        first: SliceHeader = series.headers[0]
        lowest, highest = first.padding or (None, None)
        return cls(
            patient_id=first.patient_id,
            manufacturer=first.manufacturer,
            model=first.model,
            kernel=first.kernel,
            thickness_mm=first.thickness_mm or series.spacing_zyx_mm[0],
            spacing_mm=first.spacing_mm,
            orientation=first.orientation,
            intercept=first.intercept,
            slope=first.slope,
            signed=first.signed,
            padding=lowest,
            padding_limit=None if lowest == highest else highest,
            **_beside_ct(first),
        )

    def storable(self, volume: NDArray[np.int16]) -> NDArray[np.int16]:
        """The nearest Hounsfield units that the stored type, slope and intercept can hold; such ones stay as they are.

        Args:
            volume: HU, or of MR and X-ray stored values; any shape.
        """
        slope, intercept = self.rescale
        limits = self.limits
        stored = np.clip(np.rint((volume.astype(np.float64) - intercept) / slope), limits.min, limits.max)
        held = np.iinfo(np.int16)
        return np.clip(np.rint(stored * slope + intercept), held.min, held.max).astype(np.int16)

    @property
    def rescale(self) -> tuple[float, float]:
        """Slope and intercept between volume and stored values, as the header spells them; (1, 0) but for CT."""
        if self.modality is not Modality.CT:
            return 1.0, 0.0
        return float(decimal(self.slope)), float(decimal(self.intercept))

    @property
    def limits(self) -> Limits:
        """Of the stored bits."""
        values = 1 << self.bits_stored
        return Limits(-values // 2, values // 2 - 1) if self.signed else Limits(0, values - 1)


def _beside_ct(first: SliceHeader) -> dict[str, Any]:
    """What a template of MR or X-ray says besides; slope and intercept go where values are those stored."""
    if first.modality is Modality.CT:
        return {}
    return {
        "modality": first.modality,
        "body_part": first.body_part,
        "bits_stored": first.bits_stored,
        "echo_ms": first.contrast.echo_ms,
        "projection": first.projection,
        "monochrome1": first.monochrome1 == (first.modality is Modality.MR or first.slope > 0),
    }


def write_series(
    folder: Path,
    volume: Pixels,
    positions_mm: NDArray[np.float64],
    template: SeriesTemplate,
    *,
    uid_seed: str,
    synthetic: Evidence | None,
    derivation: str = "",
) -> None:
    """Write one file a slice, "0.dcm", "1.dcm", ..., Explicit VR Little Endian.

    They are CT Image Storage (PS3.3 A.3), MR Image Storage (A.4) or Digital X-Ray Image Storage (A.26), as the template
    says.

    Args:
        folder: Made when missing.
        volume: (slices, rows, cols) int16 Hounsfield units of CT; of MR and X-ray int16 or uint16, the values that are
            stored, see `read_stored`.
        positions_mm: (slices, 3) Image Position (Patient), x, y, z; of X-ray not written.
        template: What all slices share.
        uid_seed: Same seed, same UIDs.
        synthetic: Phantom or forged: Image Type DERIVED, (0008,2111) Derivation Description and a (0018,A001)
            Contributing Equipment item say so.
        derivation: Derivation Description instead of the usual one of that word.

    Raises:
        PixelDataError: A value does not fit the stored type or is not exactly what slope and intercept give back, or
            there is not one position a slice. Nothing is written then.
    """
    if volume.ndim != 3 or np.shape(positions_mm) != (len(volume), 3):
        raise PixelDataError(
            "expected a volume and one position x, y, z a slice",
            where=folder,
            received=f"volume {volume.shape}, positions {np.shape(positions_mm)}",
        )
    pixels = _stored(volume, template, folder)
    shared = _shared(template, uid_seed, synthetic, derivation, volume.shape[1:])
    for index, position in enumerate(positions_mm):
        _write_slice(folder / f"{index}.dcm", shared, pixels[index], index, position, uid_seed)


def _stored(
    volume: NDArray[np.int16] | NDArray[np.uint16], template: SeriesTemplate, folder: Path
) -> NDArray[np.generic]:
    """(slices, rows, cols) stored values, little endian, from which a reader gets the same Hounsfield units."""
    (slope, intercept), limits = template.rescale, template.limits
    pixels = np.empty(volume.shape, "<i2" if template.signed else "<u2")
    for index, hu in enumerate(volume):
        stored = np.rint((hu - intercept) / slope)
        if stored.size and (stored.min() < limits.min or stored.max() > limits.max):
            raise PixelDataError(
                f"stored values must lie within {limits.min}..{limits.max}",
                where=folder,
                received=f"{stored.min():g}..{stored.max():g} with intercept {intercept:g} and slope {slope:g}",
            )
        if not np.array_equal(np.rint(stored * slope + intercept), hu):
            raise PixelDataError(
                "Hounsfield units cannot be stored exactly", where=folder,
                received=f"intercept {intercept:g} and slope {slope:g}", remedy="use a whole intercept and slope 1",
            )  # fmt: skip
        pixels[index] = stored
    return pixels


def _shared(
    template: SeriesTemplate, uid_seed: str, synthetic: Evidence | None, derivation: str, shape: tuple[int, ...]
) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    modules = MODULES[template.modality]
    kind = "LOCALIZER" if template.localizer else modules.third
    dataset.ImageType = ["DERIVED" if synthetic else "ORIGINAL", "SECONDARY" if synthetic else "PRIMARY", kind]
    dataset.SOPClassUID = modules.sop_class(template)
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = _DATE
    dataset.StudyTime = dataset.ContentTime = _TIME
    dataset.Modality = modules.word
    dataset.Manufacturer, dataset.ManufacturerModelName = template.manufacturer, template.model
    if synthetic:
        _mark(dataset, synthetic, template.modality, derivation)
    dataset.PatientName = dataset.PatientID = template.patient_id
    dataset.PatientBirthDate = dataset.PatientSex = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.AcquisitionNumber = None  # type 2 in PS3.3 C.8.2.1: there, and empty where unknown
    if template.body_part:
        dataset.BodyPartExamined = template.body_part
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[uid_seed, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[uid_seed, "series"])
    dataset.StudyID, dataset.SeriesNumber = "1", "1"
    if template.modality.is_stack:
        dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=[uid_seed, "frame"])
        dataset.PositionReferenceIndicator = ""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if template.monochrome1 else "MONOCHROME2"
    dataset.Rows, dataset.Columns = shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, template.bits_stored, template.bits_stored - 1
    dataset.PixelRepresentation = int(template.signed)
    _pad(dataset, template)
    modules.fill(dataset, template)
    return dataset


def _pad(dataset: Dataset, template: SeriesTemplate) -> None:
    ends = [end for end in (template.padding, template.padding_limit) if end is not None]
    limits = np.iinfo(np.int16 if template.signed else np.uint16)
    if template.padding is not None and all(limits.min <= end <= limits.max for end in ends):
        for keyword, end in zip(("PixelPaddingValue", "PixelPaddingRangeLimit"), ends, strict=False):
            dataset.add_new(keyword, "SS" if template.signed else "US", end)


def _mark(dataset: Dataset, synthetic: Evidence, modality: Modality, derivation: str) -> None:
    dataset.DerivationDescription = derivation or _WORDS[synthetic].format(_PHANTOMS[modality])
    equipment, purpose = Dataset(), Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = "109102", "DCM", "Processing Equipment"
    equipment.Manufacturer = SYNTHETIC_MARK
    equipment.ContributionDescription = str(synthetic)
    equipment.PurposeOfReferenceCodeSequence = DicomSequence([purpose])
    dataset.ContributingEquipmentSequence = DicomSequence([equipment])


def _write_slice(
    path: Path, shared: Dataset, pixels: NDArray[np.generic], index: int, position: NDArray[np.float64], uid_seed: str
) -> None:
    sop_uid = generate_uid(entropy_srcs=[uid_seed, "instance", str(index)])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = shared.SOPClassUID
    meta.MediaStorageSOPInstanceUID = sop_uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), dict(shared), file_meta=meta, preamble=bytes(128))
    dataset.SOPInstanceUID = sop_uid
    dataset.InstanceNumber = str(index + 1)
    if "ImageOrientationPatient" in shared:
        dataset.ImagePositionPatient = [f"{number:.10g}" for number in position]
    dataset.add_new("PixelData", "OW", pixels.tobytes())
    whole = BytesIO()  # pydicom would wrap the error of a full disk
    dataset.save_as(whole, enforce_file_format=True)
    with write_atomic(path, "wb") as file:
        file.write(whole.getbuffer())
