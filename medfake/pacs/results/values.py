"""Values of elements as text, from files that nobody trusts and for elements of ours."""

from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from medfake.dicom.parse import PARSE_ERRORS

LONGEST: Final = 64  # characters of Long String (PS3.5 6.2)


def long_string(text: str) -> str:
    """A text as one value of Long String: printable, no backslash, at most 64 characters (PS3.5 6.2)."""
    clean = "".join(one if one.isprintable() else "?" for one in text.replace("\\", "/"))
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 3]}..."


def first_of(source: Dataset, keyword: str) -> str:
    """The first value as text; "" where it is absent or cannot be read."""
    return text_of(source, keyword).split("\\")[0].strip(" \0")


def text_of(source: Dataset, keyword: str) -> str:
    """A value as text, several joined by a backslash; "" where it is absent or cannot be read."""
    try:
        value: Any = source.get(keyword)
        parts = value if isinstance(value, MultiValue) else [value]
        return "\\".join("" if part is None else str(part) for part in parts).strip(" \0")
    except PARSE_ERRORS:
        return ""
