"""One object as STOW-RS sends it (PS3.18 10.5), and what a PACS says of it."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_PIECE: Final = 1 << 18
_STORED, _FAILED, _UID, _REASON = "00081199", "00081198", "00081155", "00081197"
"""Referenced and Failed SOP Sequence; Referenced SOP Instance UID and Failure Reason of their items."""


@dataclass(frozen=True)
class StowBody:
    """A message with one object, read from its file as it is sent; its length is known.

    Attributes:
        file: A whole DICOM file.
    """

    file: Path
    _boundary: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def content_type(self) -> str:
        """Of the message."""
        return f'multipart/related; type="application/dicom"; boundary={self._boundary}'

    def __len__(self) -> int:
        return len(self._before) + self.file.stat().st_size + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        with self.file.open("rb") as open_file:
            while piece := open_file.read(_PIECE):
                yield piece
        yield self._after

    @property
    def _before(self) -> bytes:
        return f"--{self._boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()

    @property
    def _after(self) -> bytes:
        return f"\r\n--{self._boundary}--\r\n".encode()


@dataclass(frozen=True)
class StowAnswer:
    """What became of an object.

    Attributes:
        stored: Whether the PACS names it among those that it has stored; with or without a warning.
        refused: Whether it says that it has not stored something.
        reasons: Why, as Failure Reasons (0008,1197).
    """

    stored: bool
    refused: bool
    reasons: tuple[int, ...]


def read_answer(body: bytes, sop_uid: str) -> StowAnswer:
    """What an answer says; of what is no JSON of this kind (PS3.18 I.2), nothing.

    Args:
        body: Of the answer.
        sop_uid: Of the one object that was sent.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return StowAnswer(stored=False, refused=False, reasons=())
    stored = sop_uid in [_first(item, _UID) for item in _items(said, _STORED)]
    failed = _items(said, _FAILED)
    reasons = [_first(item, _REASON) for item in failed]
    return StowAnswer(
        stored, bool(failed) and not stored, tuple(one for one in reasons if isinstance(one, int) and 0 < one <= 0xFFFF)
    )


def _items(said: Any, tag: str) -> list[Any]:
    """Items of a sequence; some servers wrap the data set in an array."""
    dataset = said[0] if isinstance(said, list) and said else said
    element = dataset.get(tag) if isinstance(dataset, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _first(item: Any, tag: str) -> Any:
    element = item.get(tag) if isinstance(item, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None
