"""Header elements that give pixels their meaning, as texts that are the same however a file was encoded."""

import json
import math
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from medfake.dicom.fields import FunctionalGroups

GEOMETRY: Final = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "SliceThickness",
    "SpacingBetweenSlices", "GantryDetectorTilt", "PatientPosition", "PatientOrientation", "ImageLaterality",
    "Laterality", "PixelAspectRatio", "InstanceNumber", "EstimatedRadiographicMagnificationFactor",
    "SequenceOfUltrasoundRegions",
)  # fmt: skip
"""Where a pixel is, and in which place the slice is shown."""
RESCALE: Final = (
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "PixelIntensityRelationship", "PixelIntensityRelationshipSign",
    "PresentationLUTShape", "RealWorldValueMappingSequence", "Units", "SUVType", "DecayFactor",
    "DoseCalibrationFactor", "Modality", "SOPClassUID", "HighBit",
    *(f"{colour}PaletteColorLookupTableDescriptor" for colour in ("Red", "Green", "Blue")),
    *(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
    *(f"Segmented{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
)  # fmt: skip
"""What a stored value means, and by which kind of object a viewer reads it. Windows are no part of it: they change how
an image is shown, and viewers store them."""
PHOTOMETRIC: Final = "PhotometricInterpretation"
_DECODED: Final = {"YBR_RCT": "RGB", "YBR_ICT": "RGB", "YBR_FULL_422": "YBR_FULL"}
"""Colour models that exist compressed alone, and what a decoder makes of them."""


def texts(groups: FunctionalGroups, keywords: Iterable[str]) -> dict[str, str]:
    """Values by where they stand (`FunctionalGroups.everywhere`), of those that are there.

    Numbers are written by their value, so that 1, 1.0 and 1.00 are one; a table is written as its digest.
    """
    found = {where: value for keyword in keywords for where, value in groups.everywhere(keyword).items()}
    return {where: _text(value) for where, value in found.items() if not _is_empty(value)}


def photometric(dataset: Dataset) -> str:
    """Photometric Interpretation (0028,0004) of the decoded pixels, as compression has colour models of its own."""
    value = str(dataset.get(PHOTOMETRIC, "")).strip().upper()
    return _DECODED.get(value, value) if dataset.file_meta.TransferSyntaxUID.is_compressed else value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | bytes | MultiValue | Sequence) and len(value) == 0)


def _text(value: Any) -> str:
    if isinstance(value, Sequence):
        return f"sha256 {sha256(_items(value).encode()).hexdigest()}"
    if isinstance(value, bytes):
        return f"sha256 {sha256(value).hexdigest()}"
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(map(_text, value))
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value).strip()
    return f"{number + 0.0:.12g}" if math.isfinite(number) else str(value).strip()  # + 0.0: no minus before zero


def _items(sequence: Sequence) -> str:
    """JSON, so that no text of an element can be taken for another element."""
    return json.dumps([
        {f"{int(one.tag):08x}": _text(_numbers(one.value)) for one in item if not _is_empty(one.value)}
        for item in sequence
    ])  # fmt: skip


def _numbers(value: Any) -> Any:
    """A table as numbers, whether it is written as words (OW) or as numbers (US, SS)."""
    return np.frombuffer(value, "<u2").tolist() if isinstance(value, bytes) and len(value) % 2 == 0 else value
