"""Header elements that give pixels their meaning, as texts that are the same however a file was encoded."""

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
    "Laterality", "PixelAspectRatio", "InstanceNumber",
)  # fmt: skip
"""Where a pixel is, and in which place the slice is shown."""
RESCALE: Final = (
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "PixelIntensityRelationship", "PixelIntensityRelationshipSign",
    "PresentationLUTShape", "Units", "Modality",
)  # fmt: skip
"""What a stored value means. Windows are no part of it: they change how an image is shown, and viewers store them."""
PHOTOMETRIC: Final = "PhotometricInterpretation"


def texts(groups: FunctionalGroups, keywords: Iterable[str]) -> dict[str, str]:
    """Values by keyword, of those that are there.

    Numbers are written by their value, so that 1, 1.0 and 1.00 are one; a table is written as its digest.
    """
    found = {keyword: groups.find(keyword) for keyword in keywords}
    return {keyword: _text(value) for keyword, value in found.items() if not _is_empty(value)}


def photometric(dataset: Dataset) -> str:
    """Photometric Interpretation (0028,0004); colour images only "colour", as compression changes its model."""
    value = str(dataset.get(PHOTOMETRIC, "")).strip().upper()
    return value if value.startswith("MONOCHROME") else "colour"


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
    return "|".join(
        ";".join(f"{int(one.tag):08x}={_text(_numbers(one.value))}" for one in item if not _is_empty(one.value))
        for item in sequence
    )


def _numbers(value: Any) -> Any:
    """A table as numbers, whether it is written as words (OW) or as numbers (US, SS)."""
    return np.frombuffer(value, "<u2").tolist() if isinstance(value, bytes) and len(value) % 2 == 0 else value
