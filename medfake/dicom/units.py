"""Which spellings of Rescale Type (0028,1054) and Modality LUT Type (0028,3004) mean Hounsfield units."""

import re
from difflib import SequenceMatcher

_TERMS = ("hu", "us", "unspecified")  # US is "unspecified" (PS3.3 C.11.1.1.2)
_NAME = "hounsfield"
_ALIKE = 0.8  # of the letters, in their order: "Houndsfield", "Hounsfeld", "Haunsfield"
_SPELLED = re.compile(r"[a-z\s_.()-]*")


def means_hounsfield(kind: object) -> bool:
    """Whether the units that a CT header names are Hounsfield units, or are not named.

    The defined terms are HU and US, but scanners also write the name out, in any case, with "Unit" or "Units" behind
    it, and often misspelt. What says something else (OD, Z_EFF, MGML, ED, EDW, HU_MOD, PCT, "normalized") is something
    else.

    Args:
        kind: The value as the header has it, None where it is absent.
    """
    text = str(kind or "").replace("\0", "").casefold().replace("h.u.", "hu")
    if not _SPELLED.fullmatch(text):
        return False  # a number or a quotient
    words = re.findall(r"[a-z]+", text)
    named = [word for word in (re.sub(r"units?$", "", word) for word in words) if word]
    return all(map(_is_name, named)) and bool(named) == bool(words)


def _is_name(word: str) -> bool:
    return word in _TERMS or SequenceMatcher(None, word, _NAME, autojunk=False).ratio() >= _ALIKE
