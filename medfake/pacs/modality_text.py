"""Modality (0008,0060) as somebody wrote it, made fit for tables, logs and terminals."""

import re
from typing import Final

_LENGTH: Final = 16
"""Of a code string (PS3.5 6.2, VR CS)."""


def modality_text(said: object) -> str:
    """Its letters as capitals, digits, blanks and underscores, at most 16; "" where nothing is left.

    Args:
        said: Any value, such as text with control characters.
    """
    return re.sub(r"[^A-Z0-9_ ]", "", str(said).upper())[:_LENGTH]
