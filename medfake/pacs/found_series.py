"""Series as a PACS tells of them (QIDO-RS, PS3.18 10.6.3): any text, of which only what makes sense is taken."""

import re
from dataclasses import dataclass
from typing import Any, Final

from medfake.pacs.modality_text import modality_text
from medfake.pacs.queued_series import Address

_UID: Final = re.compile(r"[0-9.]{1,64}")
_STUDY, _SERIES, _MODALITY, _INSTANCES = "0020000D", "0020000E", "00080060", "00201209"


@dataclass(frozen=True)
class FoundSeries:
    """A series that a PACS has.

    Attributes:
        modality: (0008,0060), see `modality_text`.
        instances: (0020,1209); None where the PACS does not say.
    """

    address: Address
    modality: str
    instances: int | None


def found_series(values: dict[str, Any]) -> FoundSeries | None:
    """A series of an answer; None where the answer makes no sense.

    Args:
        values: Elements by their tags (PS3.18 F.2).
    """
    study, series = value_of(values, _STUDY), value_of(values, _SERIES)
    if not (is_uid(study) and is_uid(series)):  # they become parts of addresses
        return None
    told = value_of(values, _INSTANCES)
    instances = int(told) if told.isascii() and told.isdecimal() and len(told) < 10 else None
    return FoundSeries(Address(study, series), modality_text(value_of(values, _MODALITY)), instances)


def is_uid(text: str) -> bool:
    """Whether a text may be a part of an address."""
    return _UID.fullmatch(text) is not None and text.strip(".") != ""


def value_of(values: dict[str, Any], tag: str) -> str:
    """First value of an element as text; "" where there is none.

    Args:
        values: Elements by their tags.
        tag: 8 hexadecimal digits.
    """
    element = values.get(tag)
    first = (element.get("Value") or [""])[0] if isinstance(element, dict) else ""
    return first if isinstance(first, str) else str(first) if isinstance(first, int) else ""
