"""Single fields of a CT header, each taken from where it may stand and refused when it cannot be true."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from medfake.errors import HeaderError, UnsupportedImageError

_COSINE_TOLERANCE = 0.01  # of unit length and right angle; makers round to three digits
_LEAST_AXIAL_COSINE = 0.7  # of the normal with the body's axis; a gantry tilts by 30 degrees at most (0.87)
_LARGEST_SPACING_MM = 10.0
_HOUNSFIELD_TYPES = ("", "HU", "US")  # US is "unspecified"


class FunctionalGroups:
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


def position(groups: FunctionalGroups, path: Path) -> tuple[float, float, float]:
    """Image Position (Patient) (0020,0032): x, y, z of the first voxel, mm.

    Raises:
        HeaderError: Not three finite numbers.
    """
    x, y, z = _numbers(groups, "ImagePositionPatient", 3, path)
    return x, y, z


def orientation(groups: FunctionalGroups, path: Path) -> tuple[float, ...]:
    """Image Orientation (Patient) (0020,0037): direction cosines of a row and of a column (PS3.3 C.7.6.2.1.1).

    Raises:
        HeaderError: Not two unit vectors at a right angle.
        UnsupportedImageError: A sagittal or coronal image.
    """
    cosines = _numbers(groups, "ImageOrientationPatient", 6, path)
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    faults = (np.linalg.norm(row) - 1, np.linalg.norm(column) - 1, row @ column)
    where = f"{path} (0020,0037) Image Orientation (Patient)"
    if max(abs(float(fault)) for fault in faults) > _COSINE_TOLERANCE:
        raise HeaderError("expected two unit vectors at a right angle", where=where, received=cosines)
    if abs(row[0] * column[1] - row[1] * column[0]) < _LEAST_AXIAL_COSINE:
        raise UnsupportedImageError("a sagittal or coronal image, not an axial one", where=where, received=cosines)
    return cosines


def spacing(groups: FunctionalGroups, path: Path) -> tuple[float, float]:
    """Pixel Spacing (0028,0030): between rows, between columns, mm.

    Raises:
        HeaderError: Not two numbers within (0, 10].
    """
    rows, cols = _numbers(groups, "PixelSpacing", 2, path)
    if min(rows, cols) <= 0 or max(rows, cols) > _LARGEST_SPACING_MM:
        raise HeaderError(
            f"expected a pixel spacing within (0, {_LARGEST_SPACING_MM:g}] mm",
            where=f"{path} (0028,0030) Pixel Spacing",
            received=(rows, cols),
        )
    return rows, cols


def thickness(groups: FunctionalGroups) -> float | None:
    """Slice Thickness (0018,0050), mm; None when it is absent or no number."""
    return _number(groups.find("SliceThickness"))


def rescale(dataset: Dataset, groups: FunctionalGroups, path: Path) -> tuple[float, float]:
    """Rescale Slope (0028,1053) and Intercept (0028,1052), type 1 in a CT image (PS3.3 C.8.2.1); (1, 0) beside a LUT.

    Raises:
        HeaderError: One is missing or no number, or the slope is 0.
        UnsupportedImageError: The rescaled values are no Hounsfield units, Rescale Type (0028,1054).
    """
    if "ModalityLUTSequence" in dataset:
        kind = dataset.ModalityLUTSequence[0].get("ModalityLUTType", "")
    else:
        kind = groups.find("RescaleType")
    if str(kind or "").strip() not in _HOUNSFIELD_TYPES:
        raise UnsupportedImageError("no Hounsfield units", where=f"{path} (0028,1054) Rescale Type", received=kind)
    if "ModalityLUTSequence" in dataset:
        return 1.0, 0.0
    slope, intercept = _number(groups.find("RescaleSlope")), _number(groups.find("RescaleIntercept"))
    if not slope:
        raise HeaderError(
            "expected a slope other than 0", where=f"{path} (0028,1053) Rescale Slope",
            received="nothing" if slope is None else slope, remedy="export the scan again",
        )  # fmt: skip
    if intercept is None:
        raise HeaderError(
            "expected an intercept", where=f"{path} (0028,1052) Rescale Intercept",
            received="nothing", remedy="export the scan again",
        )  # fmt: skip
    return slope, intercept


def padding(dataset: Dataset) -> tuple[int, int] | None:
    """Pixel Padding Value (0028,0120) and Range Limit (0028,0121), lowest first; None for none.

    Both are 16-bit words. Some makers write them unsigned beside signed pixels, or the other way round; they are
    wrapped to the signedness that Pixel Representation gives the pixels (PS3.3 C.7.5.1.1.2).
    """
    signed = bool(int(dataset.get("PixelRepresentation", 0)))
    first, last = _word(dataset.get("PixelPaddingValue"), signed), _word(dataset.get("PixelPaddingRangeLimit"), signed)
    if first is None:
        return None
    return (first, first) if last is None else (min(first, last), max(first, last))


def image_type(dataset: Dataset, groups: FunctionalGroups) -> tuple[str, ...]:
    """Image Type (0008,0008), or Frame Type (0008,9007) where that is absent."""
    value = dataset.get("ImageType") or groups.find("FrameType") or ()
    return tuple(str(part) for part in ([value] if isinstance(value, str) else value))


def kernel(groups: FunctionalGroups) -> str:
    """Convolution Kernel (0018,1210), its values joined by backslashes; "" when it is absent."""
    value = groups.find("ConvolutionKernel")
    return "" if value is None else str(value if isinstance(value, str) else "\\".join(map(str, value))).strip()


def body_part(dataset: Dataset, groups: FunctionalGroups) -> str:
    """Body Part Examined (0018,0015), else the meaning of Anatomic Region (0008,2218), upper case; "" for neither.

    Enhanced CT says the region in a functional group (PS3.3 C.7.6.16.2.8).
    """
    stated = text(dataset, "BodyPartExamined")
    if not stated:
        regions = groups.find("AnatomicRegionSequence")
        stated = text(regions[0], "CodeMeaning") if regions else ""
    return stated.upper()


def acquisition_number(groups: FunctionalGroups) -> int | None:
    """Acquisition Number (0020,0012), or Frame Acquisition Number (0020,9156) of an enhanced file; None for neither."""
    number = whole(groups.find("AcquisitionNumber"))
    return whole(groups.find("FrameAcquisitionNumber")) if number is None else number


def whole(value: Any) -> int | None:
    """An Integer String (PS3.5 6.2) as a number; None when it is absent or none."""
    try:
        return int(value)
    except (ArithmeticError, TypeError, ValueError):
        return None


def text(dataset: Dataset, keyword: str) -> str:
    """A text field without surrounding blanks; "" when it is absent."""
    return str(dataset.get(keyword, "") or "").strip()


def _numbers(groups: FunctionalGroups, keyword: str, count: int, path: Path) -> tuple[float, ...]:
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


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 1e6 else None


def _word(value: Any, signed: bool) -> int | None:
    if not isinstance(value, int):
        return None
    wrapped = value % (1 << 16)
    return wrapped - (1 << 16) if signed and wrapped >= 1 << 15 else wrapped
