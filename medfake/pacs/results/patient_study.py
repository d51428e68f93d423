"""Patient and study of a source file, for objects that join its study.

What names patient and study is taken as it stands, so that archives file results where the scan is. Everything else is
left empty where it is no value of its kind (PS3.5 6.2). Text comes out as UTF-8 whatever it was encoded in.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from medfake.dicom.parse import PARSE_ERRORS

UTF8: Final = "ISO_IR 192"
Clean = Callable[[str], str]
_LONGEST: Final = 64  # characters of Long String
_TIME: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_ZONE: Final = re.compile(r"[+-](0\d|1[0-4])[0-5]\d")
_LOSSY: Final = {
    "LossyImageCompressionRatio": re.compile(r"\d{1,10}(\.\d{1,5})?"),
    "LossyImageCompressionMethod": re.compile(r"[A-Z0-9_]{1,16}"),
}
_AGE: Final = re.compile(r"\d{3}[DWMY]")


def _as_it_is(text: str) -> str:
    return "".join(one for one in text if one.isprintable())


def _short(text: str) -> str:
    return _as_it_is(text).replace("\\", "/")[:_LONGEST]


def _date(text: str) -> str:
    try:
        return text if len(text) == 8 and datetime.strptime(text, "%Y%m%d") else ""  # noqa: DTZ007 - it has no time
    except ValueError:
        return ""


def _matching(pattern: "re.Pattern[str]") -> Clean:
    return lambda text: text if pattern.fullmatch(text) else ""


def _sex(text: str) -> str:
    return text.upper() if text.upper() in {"M", "F", "O"} else ""


_ALWAYS: Final[dict[str, Clean]] = {
    "PatientName": _as_it_is,
    "PatientID": _as_it_is,
    "PatientBirthDate": _date,
    "PatientSex": _sex,
    "StudyDate": _date,
    "StudyTime": _matching(_TIME),
    "ReferringPhysicianName": _as_it_is,
    "StudyID": _as_it_is,
    "AccessionNumber": _as_it_is,
}
"""Type 2 of the Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1): there, and empty where unknown."""
_WHERE_KNOWN: Final[dict[str, Clean]] = {
    "IssuerOfPatientID": _short,
    "PatientAge": _matching(_AGE),
    "StudyDescription": _short,
    "TimezoneOffsetFromUTC": _matching(_ZONE),
}


def patient_and_study(source: Dataset) -> Dataset:
    """The elements of the Patient, General Study and Patient Study modules but for the UID of the study.

    Args:
        source: Header of a file of the study; nothing in it is trusted.
    """
    copied = Dataset()
    copied.SpecificCharacterSet = UTF8
    for keyword, clean in _ALWAYS.items():
        setattr(copied, keyword, clean(text_of(source, keyword)))
    for keyword, clean in _WHERE_KNOWN.items():
        if value := clean(text_of(source, keyword)):
            setattr(copied, keyword, value)
    return copied


def lossy_history(source: Dataset, lossy: bool) -> Dataset:
    """Lossy Image Compression (0028,2110) of what is derived from an image: once lossy, always lossy (C.7.6.1.1.5).

    Args:
        source: Header of the image.
        lossy: Whether its scan is.

    Returns:
        With ratio (0028,2112) and method (0028,2114) where the source tells them.
    """
    said = Dataset()
    said.LossyImageCompression = "01" if lossy else "00"
    for keyword, pattern in _LOSSY.items() if lossy else ():
        values = text_of(source, keyword).split("\\")
        if all(pattern.fullmatch(value) for value in values):
            setattr(said, keyword, values)
    return said


def text_of(source: Dataset, keyword: str) -> str:
    """A value as text, several joined by a backslash; "" where it is absent or cannot be read."""
    try:
        value: Any = source.get(keyword)
        parts = value if isinstance(value, MultiValue) else [value]
        return "\\".join("" if part is None else str(part) for part in parts).strip(" \0")
    except PARSE_ERRORS:
        return ""
