"""What a file of ours says beyond what all share: the modules of CT, MR and digital X-ray images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    MRImageStorage,
)

from medfake.dicom.projection import RAW, Projection
from medfake.vocabulary import Modality

if TYPE_CHECKING:
    from medfake.dicom.writer import SeriesTemplate

FOR_EYES: Final = Projection(intent="FOR PRESENTATION", relationship="LOG", sign=-1, view="PA")
"""Of a radiograph that nobody describes further: the logarithm of the beam, dense things bright."""
_REGIONS: Final = {"CHEST": "51185008", "HEAD": "69536005", "BRAIN": "12738006", "HAND": "85562004"}
_ANY_REGION: Final = "38266002", "Entire body"


@dataclass(frozen=True)
class Modules:
    """Of one modality.

    Attributes:
        sop_class: Storage class that a template's images have.
        fill: Adds the modules' elements to what all images of a series share.
        third: Value 3 of Image Type.
    """

    word: str
    sop_class: "Callable[[SeriesTemplate], str]"
    fill: "Callable[[Dataset, SeriesTemplate], None]"
    third: str


def decimal(number: float) -> str:
    """A number as Decimal String, at most 16 characters (PS3.5 table 6.2-1)."""
    return f"{number:.9g}"


def _ct(dataset: Dataset, template: "SeriesTemplate") -> None:
    """The CT Image module (PS3.3 C.8.2.1)."""
    dataset.KVP = None  # type 2: there, and empty where unknown
    dataset.ConvolutionKernel = template.kernel
    _place_of_slices(dataset, template)
    dataset.RescaleIntercept, dataset.RescaleSlope = decimal(template.intercept), decimal(template.slope)
    dataset.RescaleType = "HU"


def _mr(dataset: Dataset, template: "SeriesTemplate") -> None:
    """The MR Image module (PS3.3 C.8.3.1)."""
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.ScanOptions = "SE", "NONE", ""
    dataset.MRAcquisitionType, dataset.RepetitionTime, dataset.EchoTrainLength = "2D", None, None
    dataset.EchoTime = None if template.echo_ms is None else decimal(template.echo_ms)
    _place_of_slices(dataset, template)
    if (template.slope, template.intercept) != (1, 0):
        dataset.RescaleIntercept, dataset.RescaleSlope = decimal(template.intercept), decimal(template.slope)
        dataset.RescaleType = "US"


def _radiograph(dataset: Dataset, template: "SeriesTemplate") -> None:
    """DX Series, Anatomy Imaged, Image, Detector and Positioning modules (PS3.3 C.8.11.1 to C.8.11.5)."""
    said = template.projection
    dataset.PresentationIntentType = said.intent or FOR_EYES.intent  # a CR image may say nothing of the three
    dataset.PixelIntensityRelationship = said.relationship or FOR_EYES.relationship
    dataset.PixelIntensityRelationshipSign = said.sign or (1 if template.monochrome1 else -1)
    dataset.ViewPosition = said.view
    if said.magnification is not None:
        dataset.EstimatedRadiographicMagnificationFactor = decimal(said.magnification)
    dataset.PresentationLUTShape = "INVERSE" if template.monochrome1 else "IDENTITY"
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    dataset.LossyImageCompression, dataset.BurnedInAnnotation, dataset.ImageLaterality = "00", "NO", "U"
    dataset.PatientOrientation = ["L", "F"]
    dataset.DetectorType, dataset.AcquisitionContextSequence = "", DicomSequence()
    dataset.ImagerPixelSpacing = [f"{number:.6g}" for number in template.spacing_mm]
    region = Dataset()
    code = _REGIONS.get(template.body_part.upper())
    region.CodeValue, region.CodeMeaning = (code, template.body_part.capitalize()) if code else _ANY_REGION
    region.CodingSchemeDesignator = "SCT"
    dataset.AnatomicRegionSequence = DicomSequence([region])
    if said.intent != RAW:  # a window is asked for in what is for eyes (C.8.11.3.1.5)
        top = (1 << template.bits_stored) - 1
        dataset.WindowCenter, dataset.WindowWidth = f"{(top + 1) / 2:g}", f"{top + 1}"


def _place_of_slices(dataset: Dataset, template: "SeriesTemplate") -> None:
    dataset.PatientPosition = ""
    dataset.SliceThickness = f"{template.thickness_mm:g}"
    dataset.ImageOrientationPatient = [f"{number:.6g}" for number in template.orientation]
    dataset.PixelSpacing = [f"{number:.6g}" for number in template.spacing_mm]


def _digital_xray(template: "SeriesTemplate") -> str:
    raw = template.projection.intent == RAW
    return DigitalXRayImageStorageForProcessing if raw else DigitalXRayImageStorageForPresentation


MODULES: Final = {
    Modality.CT: Modules("CT", lambda _: CTImageStorage, _ct, "AXIAL"),
    Modality.MR: Modules("MR", lambda _: MRImageStorage, _mr, "OTHER"),
    Modality.XRAY: Modules("DX", _digital_xray, _radiograph, ""),
}
