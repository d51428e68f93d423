"""What all results say: whose they are, which software made them, that they are for research, and in which series."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta, timezone, tzinfo
from io import BytesIO
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from medfake import __version__
from medfake.dicom.quiet import quiet_pydicom
from medfake.pacs.results.codes import PROCESSING_EQUIPMENT, coded
from medfake.pacs.results.judgement import Judgement
from medfake.pacs.results.kinds import ResultKind
from medfake.pacs.results.source import ImageReference, Source, grouped_by_series
from medfake.pacs.results.uids import ResultUids, derived_uid
from medfake.pacs.results.values import long_string
from medfake.serving.report import ScanVerdict

RESEARCH_USE: Final = "Research use only. Not a diagnostic device."
MANUFACTURER: Final = "medfake"
MODEL: Final = "medfake authenticity"
EQUIPMENT: Final = "medfake (research use only)"
"""Not the bare word, which marks scans that medfake made up."""
IMPLEMENTATION_UID: Final = derived_uid("medfake implementation class")
_SHORT: Final = 16  # characters of Short String


@dataclass(frozen=True)
class SeriesKind:
    """The series that a kind of result goes into.

    Attributes:
        sop_class: Of its objects.
        modality: (0008,0060).
        number: Series Number (0020,0011); high, so that the scan comes first, and always the same.
    """

    sop_class: UID
    modality: str
    number: int


SERIES: Final = {
    ResultKind.SR: SeriesKind(Comprehensive3DSRStorage, "SR", 99001),
    ResultKind.SEG: SeriesKind(SegmentationStorage, "SEG", 99002),
    ResultKind.SC: SeriesKind(SecondaryCaptureImageStorage, "OT", 99003),
    ResultKind.GSPS: SeriesKind(GrayscaleSoftcopyPresentationStateStorage, "PR", 99004),
}


@dataclass(frozen=True)
class Basis:
    """What every builder of results works from.

    Attributes:
        kinds: All that are built, as they refer to each other.
    """

    judgement: Judgement
    source: Source
    uids: ResultUids
    kinds: frozenset[ResultKind]


def new_object(basis: Basis, kind: ResultKind, number: int = 1) -> Dataset:
    """An object of a kind without its content: Patient, Study, Series, Equipment and SOP Common modules.

    Args:
        basis: Of the results.
        kind: Says series and class.
        number: Of the object in its series, from 1.
    """
    series, made = SERIES[kind], basis.judgement.made
    made_here = Dataset()
    made_here.update(basis.source.patient_study)
    zone = str(made_here.get("TimezoneOffsetFromUTC", ""))
    made = made.astimezone(_zone(zone)) if zone else made  # the element speaks of all times of an object
    date, time = made.strftime("%Y%m%d"), made.strftime("%H%M%S.%f")
    made_here.StudyInstanceUID = basis.source.study_uid
    made_here.SeriesInstanceUID = basis.uids.series(kind)
    made_here.SeriesNumber, made_here.Modality = series.number, series.modality
    made_here.SeriesDescription = series_description(basis.judgement.verdict)
    made_here.SeriesDate = made_here.ContentDate = made_here.InstanceCreationDate = date
    made_here.SeriesTime = made_here.ContentTime = made_here.InstanceCreationTime = time
    made_here.SOPClassUID, made_here.SOPInstanceUID = series.sop_class, basis.uids.instance(kind, number)
    made_here.InstanceNumber = number
    made_here.Manufacturer, made_here.ManufacturerModelName = MANUFACTURER, MODEL
    made_here.SoftwareVersions = __version__
    made_here.DeviceSerialNumber = basis.judgement.package_sha256  # 64 characters; two packages are two devices
    made_here.ContributingEquipmentSequence = DicomSequence([_equipment(basis.judgement)])
    made_here.file_meta = _meta(made_here)
    made_here.preamble = bytes(128)
    return made_here


def series_description(verdict: ScanVerdict) -> str:
    """Series Description (0008,103E), 64 characters at most: lists of series show the verdict, and what it is not.

    Args:
        verdict: On the scan.
    """
    return f"medfake: {verdict.verdict}, P {verdict.p_tampered:.3f} - research use only"


def file_bytes(made: Dataset) -> bytes:
    """A result as a DICOM file (PS3.10): Explicit VR Little Endian; the same object gives the same bytes."""
    whole = BytesIO()
    with quiet_pydicom():
        made.save_as(whole, enforce_file_format=True)
    return whole.getvalue()


def references(images: Iterable[ImageReference], keyword: str = "ReferencedSOPSequence") -> DicomSequence:
    """Items of Referenced Series Sequence (0008,1115).

    Args:
        images: Each is named once.
        keyword: Of the sequence of images in each item.
    """
    items = []
    for series, members in grouped_by_series(images):
        item = Dataset()
        item.SeriesInstanceUID = series
        setattr(item, keyword, DicomSequence([one.item() for one in members]))
        items.append(item)
    return DicomSequence(items)


def detector_version(judgement: Judgement) -> str:
    """Which version of a detector judged, with the beginning of its package's digest."""
    return long_string(f"{judgement.package_sha256[:12]} {judgement.model.name}")


def _equipment(judgement: Judgement) -> Dataset:
    """An item of Contributing Equipment Sequence (0018,A001), PS3.3 C.12.1."""
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = DicomSequence([coded(PROCESSING_EQUIPMENT)])
    item.Manufacturer, item.ManufacturerModelName = EQUIPMENT, long_string(judgement.model.card.detector)
    item.SoftwareVersions = __version__
    item.ContributionDescription = f"{RESEARCH_USE} Detector: {judgement.model.name}"
    item.ContributionDateTime = judgement.made.strftime("%Y%m%d%H%M%S.%f%z")
    return item


def _meta(made: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = f"MEDFAKE_{__version__}"[:_SHORT]
    return meta


def _zone(offset: str) -> tzinfo:
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
