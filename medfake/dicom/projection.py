"""What the header of a radiograph says of its values and its geometry: CR and DX (PS3.3 C.8.1, C.8.11)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset

from medfake.dicom import fields
from medfake.dicom.fields import FunctionalGroups
from medfake.errors import HeaderError

LINEAR: Final = "LIN"
RAW: Final = "FOR PROCESSING"
_SHAPES: Final = {"IDENTITY": False, "INVERSE": True}
_DETECTOR, _PIXEL = "ImagerPixelSpacing", "PixelSpacing"


@dataclass(frozen=True)
class Projection:
    """Of one radiograph.

    Attributes:
        intent: Presentation Intent Type (0008,0068), upper case; "" where the header does not say.
        relationship: Pixel Intensity Relationship (0028,1040), upper case: LIN is proportional to the intensity of the
            beam, LOG to its logarithm, DISP was made for eyes; "" likewise.
        sign: Pixel Intensity Relationship Sign (0028,1041): 1 where lower stored values mean less of the beam, -1
            where higher ones do; 0 likewise.
        view: View Position (0018,5101), e.g. "PA"; "" likewise.
        magnification: Estimated Radiographic Magnification Factor (0018,1114); None likewise. Lengths are those on the
            detector, and nothing is divided by it.
    """

    intent: str = ""
    relationship: str = ""
    sign: int = 0
    view: str = ""
    magnification: float | None = None


NO_PROJECTION: Final = Projection()


def projection_of(dataset: Dataset, path: Path) -> Projection:
    """Read what a header says of a radiograph.

    Raises:
        HeaderError: The sign is neither 1 nor -1, or Photometric Interpretation (0028,0004) and Presentation LUT Shape
            (2050,0020) contradict each other (PS3.3 C.8.11.3.1.2).
    """
    sign = dataset.get("PixelIntensityRelationshipSign")
    if sign is not None and fields.whole(sign) not in (1, -1):
        raise HeaderError(
            "expected 1 or -1", where=path, element=fields.element("PixelIntensityRelationshipSign"),
            received=fields.shown(sign), remedy="export the image again",
        )  # fmt: skip
    shape = fields.text(dataset, "PresentationLUTShape").upper()
    photometric = fields.text(dataset, "PhotometricInterpretation").upper()
    if _SHAPES.get(shape, photometric == "MONOCHROME1") != (photometric == "MONOCHROME1"):
        raise HeaderError(
            f"contradicts Photometric Interpretation (0028,0004), {fields.shown(photometric)}: black and white are "
            "not told apart", where=path, element=fields.element("PresentationLUTShape"),
            received=fields.shown(shape), remedy="export the image again",
        )  # fmt: skip
    return Projection(
        intent=fields.text(dataset, "PresentationIntentType").upper(),
        relationship=fields.text(dataset, "PixelIntensityRelationship").upper(),
        sign=fields.whole(sign) or 0,
        view=fields.text(dataset, "ViewPosition").upper(),
        magnification=fields.number(dataset.get("EstimatedRadiographicMagnificationFactor")),
    )


def detector_spacing(groups: FunctionalGroups, path: Path) -> tuple[float, float]:
    """Imager Pixel Spacing (0018,1164), or Pixel Spacing (0028,0030) where that is absent, mm on the detector.

    Raises:
        HeaderError: Neither is there, or it is not two numbers within (0, 10].
    """
    there = groups.find(_DETECTOR) not in (None, "") or groups.find(_PIXEL) in (None, "")
    return fields.spacing(groups, path, _DETECTOR if there else _PIXEL)
