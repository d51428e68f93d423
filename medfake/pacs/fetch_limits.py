"""How much of a series is taken from a PACS, held while it comes."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medfake.errors import PacsError, StorageError
from medfake.pacs.patience import Patience

_LOOK_AT_DISK_EVERY: Final = 16 << 20
"""Bytes."""


@dataclass(frozen=True)
class FetchLimits:
    """How much is taken.

    Attributes:
        series_bytes: Of one series, as it is sent.
        files: Of one series.
        object_bytes: Of one object.
        spare_bytes: That have to stay free on the disk.
    """

    series_bytes: int
    files: int
    object_bytes: int
    spare_bytes: int = 0


def within(limits: FetchLimits, pieces: Iterator[bytes], patience: Patience, folder: Path) -> Iterator[bytes]:
    """Pieces of a series as they come.

    Args:
        limits: How much is taken.
        pieces: Of its message.
        patience: Is told how much came.
        folder: On the disk that they are written to.

    Raises:
        PacsError: There are more than are taken.
        StorageError: The disk is nearly full.
    """
    look_at = 0
    for piece in pieces:
        patience.moved += len(piece)
        if patience.moved > limits.series_bytes:
            raise PacsError(
                "a series is larger than is taken", where="pacs.yaml, limits.series_mb",
                received=f"more than {limits.series_bytes >> 20} MiB",
                remedy="raise the limit, or leave the series out",
            )  # fmt: skip
        if patience.moved >= look_at:
            look_at = patience.moved + _LOOK_AT_DISK_EVERY
            require_room(folder, limits.spare_bytes)
        yield piece


def write_object(part: Iterator[bytes], file: Path, limits: FetchLimits) -> None:
    """Write one object as it comes.

    Raises:
        PacsError: It is larger than is taken.
        OSError: The disk is full.
    """
    size = 0
    with file.open("xb") as open_file:
        for piece in part:
            size += len(piece)
            if size > limits.object_bytes:
                raise PacsError(
                    "an object is larger than is taken", where="pacs.yaml, listen.largest_instance_mb",
                    received=f"more than {limits.object_bytes >> 20} MiB",
                    remedy="raise the limit, or leave the series out",
                )  # fmt: skip
            open_file.write(piece)


def require_room(folder: Path, spare_bytes: int) -> None:
    """See to it that so much is free on a folder's disk.

    Raises:
        StorageError: It is not.
    """
    if shutil.disk_usage(folder).free < spare_bytes:
        raise StorageError("less than `listen.spare_mb` is free on the disk", remedy="free some space (`df -h`)")
