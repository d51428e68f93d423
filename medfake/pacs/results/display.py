"""How an image says that it is shown: rescaling, window or table, shutter.

A presentation state replaces all of it (PS3.4 N.2), so that it has to say it once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRBigEndian

from medfake.dicom import fields
from medfake.dicom.fields import FunctionalGroups
from medfake.dicom.header import SliceHeader
from medfake.dicom.parse import PARSE_ERRORS
from medfake.dicom.written_modules import decimal
from medfake.vocabulary import Modality

LINEAR: Final = "LINEAR"
LINEAR_EXACT: Final = "LINEAR_EXACT"
_FUNCTIONS: Final = (LINEAR_EXACT, "SIGMOID")
_LEAST_LINEAR: Final = 1.0  # of the width of a linear window; others may be narrower (PS3.3 C.11.2.1.2)
_MOST_ENTRIES, _WORD, _BYTE = 1 << 16, 1 << 16, 8
_MOST_CORNERS: Final = 1000  # of a shutter
_SHUTTERS: Final[dict[str, dict[str, int]]] = {
    "RECTANGULAR": {
        "ShutterLeftVerticalEdge": 1, "ShutterRightVerticalEdge": 1, "ShutterUpperHorizontalEdge": 1,
        "ShutterLowerHorizontalEdge": 1,
    },
    "CIRCULAR": {"CenterOfCircularShutter": 2, "RadiusOfCircularShutter": 1},
    "POLYGONAL": {"VerticesOfThePolygonalShutter": 0},
}  # fmt: skip
"""Elements of each shape with how many numbers they have, 0 for any even one of six and more (PS3.3 C.7.6.11)."""


@dataclass(frozen=True)
class Window:
    """A window on rescaled values; decimal strings.

    Attributes:
        function: VOI LUT Function (0028,1056).
    """

    centre: str
    width: str
    function: str = LINEAR


LUNG: Final = Window("-600", "1500")


@dataclass(frozen=True)
class Table:
    """An item of VOI LUT Sequence (0028,3010): LUT Descriptor (0028,3002) and LUT Data (0028,3006), 16 bits each.

    Entries of 8 bits are packed, two in a word.
    """

    descriptor: tuple[int, int, int]
    data: bytes


@dataclass(frozen=True)
class Shutter:
    """The Display Shutter module (PS3.3 C.7.6.11): shapes, the numbers of each, and the grey outside."""

    shapes: tuple[str, ...]
    numbers: tuple[tuple[str, tuple[int, ...]], ...]
    value: int


@dataclass(frozen=True)
class Display:
    """Of one image.

    Attributes:
        slope: Rescale Slope (0028,1053).
        intercept: Rescale Intercept (0028,1052).
        kind: Rescale Type (0028,1054).
        inverse: Whether low values are white.
        voi: Window or table; None where the image has no valid one.
        shutter: None where there is none.
    """

    slope: str
    intercept: str
    kind: str
    inverse: bool
    voi: Window | Table | None
    shutter: Shutter | None

    def elements(self, signed: bool) -> Dataset:
        """Of the Modality LUT, Softcopy VOI LUT, Softcopy Presentation LUT and Shutter modules.

        Args:
            signed: Whether rescaled values may lie below 0.
        """
        said = Dataset()
        said.RescaleSlope, said.RescaleIntercept, said.RescaleType = self.slope, self.intercept, self.kind
        if self.voi:
            said.SoftcopyVOILUTSequence = DicomSequence([_item(self.voi, signed)])
        said.PresentationLUTShape = "INVERSE" if self.inverse else "IDENTITY"
        if self.shutter:
            said.ShutterShape = list(self.shutter.shapes)
            for keyword, numbers in self.shutter.numbers:
                setattr(said, keyword, list(numbers))
            said.ShutterPresentationValue = self.shutter.value
        return said


def display_of(header: SliceHeader, elements: Dataset) -> Display | None:
    """Read it; None where values go through a Modality LUT (0028,3000), or where nothing can be read of it.

    Args:
        header: Of the image.
        elements: Of its file; nothing in it is trusted.
    """
    if "ModalityLUTSequence" in elements:
        return None
    groups = FunctionalGroups(elements, header.frame)
    return Display(
        slope=decimal(header.slope),
        intercept=decimal(header.intercept),
        kind="HU" if header.modality is Modality.CT else "US",
        inverse=header.monochrome1,
        voi=LUNG if header.modality is Modality.CT else _table(groups, elements) or _window(groups),
        shutter=_shutter(groups),
    )


def _item(voi: Window | Table, signed: bool) -> Dataset:
    item = Dataset()
    if isinstance(voi, Window):
        item.WindowCenter, item.WindowWidth = voi.centre, voi.width
        if voi.function != LINEAR:
            item.VOILUTFunction = voi.function
        return item
    table, (entries, first, bits) = Dataset(), voi.descriptor
    signed = signed and first >= _WORD // 2
    table.add_new("LUTDescriptor", "SS" if signed else "US", [_stored(one, signed) for one in (entries, first, bits)])
    table.add_new("LUTData", "OW", voi.data)
    item.VOILUTSequence = DicomSequence([table])
    return item


def _stored(number: int, signed: bool) -> int:
    """A word of 16 bits as its VR has it."""
    return number - _WORD if signed and number >= _WORD // 2 else number


def _window(groups: FunctionalGroups) -> Window | None:
    """The image's own first window; None where it has no valid one."""
    centre, width = (fields.number(_first(_found(groups, keyword))) for keyword in ("WindowCenter", "WindowWidth"))
    said = str(_first(_found(groups, "VOILUTFunction")) or "").strip().upper()
    function = said if said in _FUNCTIONS else LINEAR
    if centre is None or width is None or width <= 0 or (function == LINEAR and width < _LEAST_LINEAR):
        return None
    return Window(decimal(centre), decimal(width), function)


def _table(groups: FunctionalGroups, elements: Dataset) -> Table | None:
    """The image's own first table; None where it has no valid one."""
    if elements.file_meta.TransferSyntaxUID == ExplicitVRBigEndian:  # its words are the other way round
        return None
    try:
        item = groups.find("VOILUTSequence")[0]
        entries, first, bits = (int(one) % _WORD for one in item.LUTDescriptor)
        data = item["LUTData"].value
        words = data if isinstance(data, bytes) else b"".join(int(one).to_bytes(2, "little") for one in data)
    except PARSE_ERRORS:
        return None
    count = entries or _MOST_ENTRIES
    if bits == _BYTE and len(words) == 2 * count:  # a word each, as many write them
        words = words[::2]
    needed = count + count % 2 if bits == _BYTE else 2 * count
    if not _BYTE <= bits <= 2 * _BYTE or len(words) != needed:
        return None
    if _BYTE < bits < 2 * _BYTE:  # a presentation state has tables of 8 or of 16 bits
        stretched = np.frombuffer(words, "<u2") * ((_WORD - 1) / ((1 << bits) - 1))
        words, bits = np.clip(np.rint(stretched), 0, _WORD - 1).astype("<u2").tobytes(), 2 * _BYTE
    return Table((entries, first, bits), words)


def _shutter(groups: FunctionalGroups) -> Shutter | None:
    shapes = [one.strip().upper() for one in map(str, _several(_found(groups, "ShutterShape")))]
    known = tuple(dict.fromkeys(one for one in shapes if one in _SHUTTERS))
    numbers: list[tuple[str, tuple[int, ...]]] = []
    for shape in known:
        for keyword, count in _SHUTTERS[shape].items():
            found = [fields.whole(one) for one in _several(_found(groups, keyword))]
            told = tuple(one for one in found if one is not None and abs(one) < _WORD)
            right = len(told) == count if count else 6 <= len(told) <= 2 * _MOST_CORNERS and len(told) % 2 == 0
            if len(told) != len(found) or not right:
                return None  # a part of a shutter would cover what the whole leaves open, or the other way round
            numbers.append((keyword, told))
    value = fields.whole(_first(_found(groups, "ShutterPresentationValue"))) or 0
    return Shutter(known, tuple(numbers), value if 0 <= value < _WORD else 0) if known else None


def _found(groups: FunctionalGroups, keyword: str) -> Any:
    try:
        return groups.find(keyword)
    except PARSE_ERRORS:  # what nobody needed to read until now
        return None


def _several(value: Any) -> Sequence[Any]:
    if value is None or value == "":
        return ()
    return value if isinstance(value, (MultiValue, list, tuple)) else [value]


def _first(value: Any) -> Any:
    return next(iter(_several(value)), None)
