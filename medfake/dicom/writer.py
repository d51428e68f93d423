"""CT files of our own: valid UIDs, no clock, a synthetic mark; the same input makes the same bytes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from medfake.dicom.header import SYNTHETIC_MARK, SliceHeader
from medfake.dicom.series import Series
from medfake.errors import PixelDataError
from medfake.files import write_atomic

_DATE, _TIME = "20190101", "120000"  # no clock: the bytes depend on the arguments alone
_WORDS = {
    "phantom": "Synthetic: parametric chest phantom, no patient",
    "forged": "Synthetic: pixels altered on purpose to train detectors of tampering",
}


@dataclass(frozen=True, kw_only=True)
class SeriesTemplate:
    """What all slices of a series share.

    Attributes:
        patient_id: (0010,0020); also stands in for the name.
        spacing_mm: Between rows, between columns.
        intercept: Rescale Intercept, HU; with slope 1 the stored value is HU - intercept.
        signed: Pixel Representation.
        padding: Stored value that means "no data"; None for none.
        localizer: Image Type LOCALIZER, for scouts.
    """

    patient_id: str
    manufacturer: str
    model: str
    kernel: str
    thickness_mm: float
    spacing_mm: tuple[float, float]
    orientation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    intercept: int = 0
    signed: bool = True
    padding: int | None = None
    localizer: bool = False

    @classmethod
    def from_series(cls, series: Series) -> "SeriesTemplate":
        """What a series that was read shares, so that a copy with other pixels differs in nothing else."""
        first: SliceHeader = series.headers[0]
        return cls(
            patient_id=first.patient_id,
            manufacturer=first.manufacturer,
            model=first.model,
            kernel=first.kernel,
            thickness_mm=first.thickness_mm or series.spacing_zyx_mm[0],
            spacing_mm=first.spacing_mm,
            orientation=first.orientation,
            intercept=round(first.intercept),
            signed=first.signed,
        )


def write_series(
    folder: Path,
    volume: NDArray[np.int16],
    positions_mm: NDArray[np.float64],
    template: SeriesTemplate,
    *,
    uid_seed: str,
    synthetic: str | None,
) -> None:
    """Write one file a slice, "0.dcm", "1.dcm", ..., as CT Image Storage (PS3.3 A.3), Explicit VR Little Endian.

    Args:
        folder: Made when missing.
        volume: (slices, rows, cols) int16 Hounsfield units.
        positions_mm: (slices, 3) Image Position (Patient), x, y, z.
        template: What all slices share.
        uid_seed: Same seed, same UIDs.
        synthetic: "phantom" or "forged": Image Type DERIVED, (0008,2111) Derivation Description and a (0018,A001)
            Contributing Equipment item say so.

    Raises:
        PixelDataError: A value does not fit the stored type.
    """
    stored = volume.astype(np.int32) - template.intercept
    limits = np.iinfo(np.int16 if template.signed else np.uint16)
    if stored.min() < limits.min or stored.max() > limits.max:
        raise PixelDataError(
            f"stored values must lie within {limits.min}..{limits.max}",
            where=folder,
            received=f"{stored.min()}..{stored.max()} with intercept {template.intercept}",
        )
    pixels = stored.astype("<i2" if template.signed else "<u2")
    shared = _shared(template, uid_seed, synthetic, volume.shape[1:])
    for index, position in enumerate(positions_mm):
        _write_slice(folder / f"{index}.dcm", shared, pixels[index], index, position, uid_seed)


def _shared(template: SeriesTemplate, uid_seed: str, synthetic: str | None, shape: tuple[int, ...]) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    kind = "LOCALIZER" if template.localizer else "AXIAL"
    dataset.ImageType = ["DERIVED" if synthetic else "ORIGINAL", "SECONDARY" if synthetic else "PRIMARY", kind]
    dataset.SOPClassUID = CTImageStorage
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = _DATE
    dataset.StudyTime = dataset.ContentTime = _TIME
    dataset.Modality = "CT"
    dataset.Manufacturer, dataset.ManufacturerModelName = template.manufacturer, template.model
    if synthetic:
        _mark(dataset, synthetic)
    dataset.PatientName = dataset.PatientID = template.patient_id
    dataset.PatientBirthDate = dataset.PatientSex = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.SliceThickness = f"{template.thickness_mm:g}"
    dataset.ConvolutionKernel = template.kernel
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[uid_seed, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[uid_seed, "series"])
    dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=[uid_seed, "frame"])
    dataset.StudyID, dataset.SeriesNumber, dataset.PositionReferenceIndicator = "1", "1", ""
    dataset.ImageOrientationPatient = [f"{number:.6g}" for number in template.orientation]
    dataset.PixelSpacing = [f"{number:.6g}" for number in template.spacing_mm]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(template.signed)
    if template.padding is not None:
        dataset.add_new("PixelPaddingValue", "SS" if template.signed else "US", template.padding)
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = str(template.intercept), "1", "HU"
    return dataset


def _mark(dataset: Dataset, synthetic: str) -> None:
    dataset.DerivationDescription = _WORDS[synthetic]
    equipment, purpose = Dataset(), Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = "109102", "DCM", "Processing Equipment"
    equipment.Manufacturer = SYNTHETIC_MARK
    equipment.ContributionDescription = synthetic
    equipment.PurposeOfReferenceCodeSequence = DicomSequence([purpose])
    dataset.ContributingEquipmentSequence = DicomSequence([equipment])


def _write_slice(
    path: Path, shared: Dataset, pixels: NDArray[np.generic], index: int, position: NDArray[np.float64], uid_seed: str
) -> None:
    sop_uid = generate_uid(entropy_srcs=[uid_seed, "instance", str(index)])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = sop_uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), dict(shared), file_meta=meta, preamble=bytes(128))
    dataset.SOPInstanceUID = sop_uid
    dataset.InstanceNumber = str(index + 1)
    dataset.ImagePositionPatient = [f"{number:.10g}" for number in position]
    dataset.add_new("PixelData", "OW", pixels.tobytes())
    with write_atomic(path, "wb") as file:
        dataset.save_as(file, enforce_file_format=True)
