"""What is known of a series that arrives, which is kept in its folder, and of each object of it that comes."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from medfake.files import write_json

ABOUT: Final = "about.json"
_NAME_DIGITS: Final = 40


@dataclass(frozen=True)
class About:
    """What is known of a series that arrives, without any identifier.

    Attributes:
        id: Name of the folder that it will have.
        series_key: Keyed pseudonym.
        caller: AE title.
        modality: (0008,0060) as it is.
        expected: Objects that the series has, where the header told it (0020,1209); None where it did not.
        refused: Of them for want of room, at least, and they have not come since.
    """

    id: str
    series_key: str
    caller: str
    modality: str
    expected: int | None
    refused: int = 0

    def expected_beside(self, files: int) -> int | None:
        """Objects that the series has, at least, where so many came; None where nobody can say."""
        return max(self.expected or 0, files + self.refused) if self.refused else self.expected

    def write(self, place: Path) -> None:
        """Keep it in a series' folder, which is there.

        Raises:
            OSError: The disk is full.
        """
        write_json(place / ABOUT, asdict(self))


@dataclass(frozen=True)
class Object:
    """An object that came.

    Attributes:
        series_key: Keyed pseudonym of its series.
        sop_uid: (0008,0018).
        caller: AE title that sent it.
        sender: Number of the association.
        modality: (0008,0060).
        expected: Objects that its series has; None where nobody says.
    """

    series_key: str
    sop_uid: str
    caller: str
    sender: int
    modality: str
    expected: int | None

    @property
    def file_name(self) -> str:
        """Of its file: a digest of its UID."""
        return f"{hashlib.sha256(self.sop_uid.encode()).hexdigest()[:_NAME_DIGITS]}.dcm"


def read_about(place: Path) -> About | None:
    """What is known of a series; None where the file is gone or damaged."""
    try:
        about = About(**json.loads((place / ABOUT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return about if isinstance(about.refused, int) else None
