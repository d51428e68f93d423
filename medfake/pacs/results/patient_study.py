"""Patient and study of a source file, for objects that join its study.

What names patient and study is taken as it stands, so that archives file results where the scan is. Everything else is
left empty where it is no value of its kind (PS3.5 6.2). Text comes out as UTF-8 whatever it was encoded in.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.dicom.parse import PARSE_ERRORS
from medfake.pacs.results.values import LONGEST, first_of, text_of

UTF8: Final = "ISO_IR 192"
Clean = Callable[[str], str]
_MOST_BYTES: Final = 65_534  # of a value whose length has 16 bits (PS3.5 7.1.2)
_MOST_ITEMS: Final = 32  # more methods of de-identification nobody ever named
_TIME: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_ZONE: Final = re.compile(r"(?!-0000)(-(0\d|1[01])[0-5]\d|-1200|\+(0\d|1[0-3])[0-5]\d|\+1400)")
"""-1200 to +1400, and 0 is +0000 (PS3.3 C.12.1.1.8)."""
_AGE: Final = re.compile(r"\d{3}[DWMY]")
_YES_OR_NO: Final = re.compile("YES|NO")
_CODE: Final = {"CodeValue": 16, "CodingSchemeDesignator": 16, "CodeMeaning": LONGEST}


def _as_it_is(text: str) -> str:
    """Every character but controls, blanks of all kinds and joiners included: they are part of names."""
    clean = "".join(one for one in text if unicodedata.category(one) not in {"Cc", "Cs"}).strip(" ")
    return clean.encode()[:_MOST_BYTES].decode(errors="ignore")


def _short(text: str) -> str:
    return _as_it_is(text).replace("\\", "/")[:LONGEST]


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
    "IssuerOfPatientID": _as_it_is,
    "PatientAge": _matching(_AGE),
    "StudyDescription": _short,
    "TimezoneOffsetFromUTC": _matching(_ZONE),
    "PatientIdentityRemoved": _matching(_YES_OR_NO),
}


def patient_and_study(source: Dataset) -> Dataset:
    """The elements of the Patient, General Study and Patient Study modules but for the UID of the study.

    Each has one value in the standard; where a file has several, the first counts.

    Args:
        source: Header of a file of the study; nothing in it is trusted.
    """
    copied = Dataset()
    copied.SpecificCharacterSet = UTF8
    for keyword, clean in _ALWAYS.items():
        setattr(copied, keyword, clean(first_of(source, keyword)))
    for keyword, clean in _WHERE_KNOWN.items():
        if value := clean(first_of(source, keyword)):
            setattr(copied, keyword, value)
    copied.update(_deidentified(source))
    return copied


def _deidentified(source: Dataset) -> Dataset:
    """De-identification Method (0012,0063) and its codes (0012,0064): results are no less so than the scan."""
    said = Dataset()
    methods = [_short(one) for one in text_of(source, "DeidentificationMethod").split("\\")[:_MOST_ITEMS]]
    if any(methods):
        said.DeidentificationMethod = methods
    if items := list(_codes(source, "DeidentificationMethodCodeSequence")):
        said.DeidentificationMethodCodeSequence = DicomSequence(items)
    return said


def _codes(source: Dataset, keyword: str) -> Iterator[Dataset]:
    """Items of a code sequence that are codes."""
    try:
        items = list(source.get(keyword) or ())[:_MOST_ITEMS]
    except PARSE_ERRORS:
        return
    for item in items:
        values = {name: _as_it_is(first_of(item, name)) for name in _CODE} if isinstance(item, Dataset) else {}
        if values and all(0 < len(values[name]) <= most for name, most in _CODE.items()):
            copied = Dataset()
            for name, value in values.items():
                setattr(copied, name, value)
            yield copied
