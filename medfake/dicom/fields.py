"""Single fields of a header, each taken from where it may stand and refused when it cannot be true."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from medfake.dicom.units import means_hounsfield
from medfake.errors import HeaderError, UnsupportedImageError
from medfake.logs import redact

_COSINE_TOLERANCE = 0.01  # of unit length and right angle; makers round to three digits
_LEAST_AXIAL_COSINE = 0.7  # of the normal with the body's axis; a gantry tilts by 30 degrees at most (0.87)
_LARGEST_SPACING_MM = 10.0
_LARGEST = 1e6  # of any length, cosine, slope or intercept
_SHOWN = 40  # characters of a value
_AGAIN = "export the scan again"


class FunctionalGroups:
    """Looks a keyword up where it may stand: the data set, then per-frame, then shared groups (PS3.3 C.7.6.16)."""

    def __init__(self, dataset: Dataset, frame: int) -> None:
        self._dataset, self._frame = dataset, frame
        self._places: list[Dataset] = [dataset]
        for name, index in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
            sequence = dataset.get(name)
            if sequence and len(sequence) > index:
                self._places += [item[0] for item in (e.value for e in sequence[index] if e.VR == "SQ") if item]

    def find(self, keyword: str) -> Any:
        """The first value found, None when it stands nowhere."""
        return next((place[keyword].value for place in self._places if keyword in place), None)

    def find_of_frame(self, keyword: str) -> Any:
        """As `find`, but the groups before the data set, which may sum up all frames ("MIXED")."""
        places = [*self._places[1:], self._places[0]]
        return next((place[keyword].value for place in places if keyword in place), None)

    def everywhere(self, keyword: str) -> dict[str, Any]:
        """All values by where they stand: "keyword", "per-frame/macro/keyword" or "shared/macro/keyword".

        Readers differ in which place they look at first, and some take but the first item.
        """
        return {
            f"{where}{keyword}": place[keyword].value for where, place in self._all_places if keyword in place
        }  # fmt: skip

    @cached_property
    def _all_places(self) -> list[tuple[str, Dataset]]:
        places = [("", self._dataset)]
        frames = self._dataset.get("PerFrameFunctionalGroupsSequence") or ()
        shared = self._dataset.get("SharedFunctionalGroupsSequence") or ()
        groups = [("per-frame", group) for group in frames[self._frame : self._frame + 1]]
        for name, group in [*groups, *((_numbered("shared", number), one) for number, one in enumerate(shared))]:
            places.append((f"{name}/", group))  # some macros are what is looked for
            for macro in group:
                if macro.VR == "SQ":
                    label = f"{name}/{macro.keyword or macro.tag}"
                    places += [(f"{_numbered(label, number)}/", item) for number, item in enumerate(macro.value)]
        return places


def _numbered(name: str, number: int) -> str:
    return f"{name} {number + 1}" if number else name


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
    """
    cosines = _numbers(groups, "ImageOrientationPatient", 6, path)
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    faults = (np.linalg.norm(row) - 1, np.linalg.norm(column) - 1, row @ column)
    if max(abs(float(fault)) for fault in faults) > _COSINE_TOLERANCE:
        raise HeaderError(
            "expected two unit vectors at a right angle", where=path, element=element("ImageOrientationPatient"),
            received=cosines, remedy=_AGAIN,
        )  # fmt: skip
    return cosines


def axial_orientation(groups: FunctionalGroups, path: Path) -> tuple[float, ...]:
    """As `orientation`, of an axial image.

    Raises:
        HeaderError: As of `orientation`.
        UnsupportedImageError: A sagittal or coronal image.
    """
    cosines = orientation(groups, path)
    if abs(cosines[0] * cosines[4] - cosines[1] * cosines[3]) < _LEAST_AXIAL_COSINE:
        raise UnsupportedImageError(
            "a sagittal or coronal image, not an axial one", where=path, element=element("ImageOrientationPatient"),
            received=cosines, remedy="give the axial series",
        )  # fmt: skip
    return cosines


def spacing(groups: FunctionalGroups, path: Path, keyword: str = "PixelSpacing") -> tuple[float, float]:
    """Pixel Spacing (0028,0030), or another element of its kind: between rows, between columns, mm.

    Raises:
        HeaderError: Not two numbers within (0, 10].
    """
    rows, cols = _numbers(groups, keyword, 2, path)
    if min(rows, cols) <= 0 or max(rows, cols) > _LARGEST_SPACING_MM:
        raise HeaderError(
            f"expected a pixel spacing within (0, {_LARGEST_SPACING_MM:g}] mm",
            where=path,
            element=element(keyword),
            received=(rows, cols),
            remedy=_AGAIN,
        )
    return rows, cols


def thickness(groups: FunctionalGroups) -> float | None:
    """Slice Thickness (0018,0050), type 2 (PS3.3 C.7.6.2.1), mm; None when it is absent or no length."""
    found = number(groups.find("SliceThickness"))
    return found if found is not None and found > 0 else None


def rescale(dataset: Dataset, groups: FunctionalGroups, path: Path) -> tuple[float, float]:
    """Rescale Slope (0028,1053) and Intercept (0028,1052), type 1 in a CT image (PS3.3 C.8.2.1); (1, 0) beside a LUT.

    Raises:
        HeaderError: One is missing or no number, or the slope is 0.
        UnsupportedImageError: The rescaled values are no Hounsfield units, Rescale Type (0028,1054).
    """
    tabled = "ModalityLUTSequence" in dataset
    keyword = "ModalityLUTType" if tabled else "RescaleType"
    kind = dataset.ModalityLUTSequence[0].get(keyword) if tabled else groups.find(keyword)
    if not means_hounsfield(kind):
        raise UnsupportedImageError(
            "no Hounsfield units", where=path, element=element(keyword), received=shown(kind),
            remedy="give the series in HU",
        )  # fmt: skip
    return (1.0, 0.0) if tabled else _slope_and_intercept(groups, path)


def rescale_if_any(dataset: Dataset, groups: FunctionalGroups, path: Path) -> tuple[float, float]:
    """As `rescale`, of values in any unit, where both elements may be absent; (1, 0) then and beside a LUT.

    Raises:
        HeaderError: One is no number, one stands alone, or the slope is 0.
    """
    said = any(groups.find(keyword) is not None for keyword in ("RescaleSlope", "RescaleIntercept"))
    return _slope_and_intercept(groups, path) if said and "ModalityLUTSequence" not in dataset else (1.0, 0.0)


def _slope_and_intercept(groups: FunctionalGroups, path: Path) -> tuple[float, float]:
    slope, intercept = number(groups.find("RescaleSlope")), number(groups.find("RescaleIntercept"))
    if not slope:
        raise HeaderError(
            "expected a slope other than 0", where=path, element=element("RescaleSlope"),
            received=shown(groups.find("RescaleSlope")), remedy=_AGAIN,
        )  # fmt: skip
    if intercept is None:
        raise HeaderError(
            "expected an intercept", where=path, element=element("RescaleIntercept"),
            received=shown(groups.find("RescaleIntercept")), remedy=_AGAIN,
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
    found = whole(groups.find("AcquisitionNumber"))
    return whole(groups.find("FrameAcquisitionNumber")) if found is None else found


def number(value: Any) -> float | None:
    """A Decimal String as a number; a decimal comma, which PS3.5 6.2 does not allow, can only mean a point."""
    try:
        found = float(value.replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) < _LARGEST else None


def whole(value: Any) -> int | None:
    """An Integer String (PS3.5 6.2) as a number; None when it is absent or none."""
    try:
        return int(value)
    except (ArithmeticError, TypeError, ValueError):
        return None


def text(dataset: Dataset, keyword: str) -> str:
    """A text field without surrounding blanks; "" when it is absent."""
    return str(dataset.get(keyword, "") or "").strip()


def unsigned(dataset: Dataset, keyword: str, allowed: range | tuple[int, ...], path: Path) -> int:
    """A whole number of the Image Pixel module (PS3.3 C.7.6.3), all of which are type 1.

    Args:
        dataset: The image.
        keyword: Of the element.
        allowed: A range, or the numbers themselves.
        path: The file, for the message.

    Raises:
        HeaderError: It is absent, no number or not allowed.
    """
    value = dataset.get(keyword)
    found = whole(value)
    if found is None or found not in allowed:
        raise HeaderError(
            f"expected {_expected(allowed)}", where=path, element=element(keyword), received=shown(value), remedy=_AGAIN
        )
    return found


def element(keyword: str) -> str:
    """Tag and name of an element, "(0028,0030) Pixel Spacing"."""
    tag = tag_for_keyword(keyword) or 0
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {dictionary_description(tag)}"


def shown(value: Any) -> str:
    """A value of a header for a message: one line, short, without what identifies the patient of the file."""
    if value is None or value == "":
        return "nothing"
    text = "\\".join(map(str, value)) if isinstance(value, (MultiValue, list, tuple)) else str(value)
    clean = "".join(character if character.isprintable() else "?" for character in redact(text))
    return clean if len(clean) <= _SHOWN else f"{clean[:_SHOWN]}..."


def _expected(allowed: range | tuple[int, ...]) -> str:
    if isinstance(allowed, range):
        return f"a whole number within {allowed.start} to {allowed.stop - 1}"
    numbers = [str(number) for number in allowed]
    return f"{', '.join(numbers[:-1])} or {numbers[-1]}"


def _numbers(groups: FunctionalGroups, keyword: str, count: int, path: Path) -> tuple[float, ...]:
    value = groups.find(keyword)
    parts = list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]
    numbers = [found for found in map(number, parts) if found is not None]
    if len(numbers) != count or len(parts) != count:
        raise HeaderError(
            f"expected {count} finite numbers", where=path, element=element(keyword), received=shown(value),
            remedy=_AGAIN,
        )  # fmt: skip
    return tuple(numbers)


def _word(value: Any, signed: bool) -> int | None:
    if not isinstance(value, int):
        return None
    wrapped = value % (1 << 16)
    return wrapped - (1 << 16) if signed and wrapped >= 1 << 15 else wrapped
