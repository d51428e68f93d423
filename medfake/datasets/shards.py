"""Slices on disk: shard-*.npy, (slices, rows, cols) int16 Hounsfield units, read through memory maps."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

LARGEST_SHARD = 256 << 20  # bytes; few large files, each easy to map
_DTYPE = np.dtype("<i2")


@dataclass
class _Shard:
    path: Path
    file: IO[bytes]
    shape: tuple[int, int]
    room: int
    filled: int = 0


class ShardWriter:
    """Appends slices, one image size a shard; memory holds none of them.

    Space is promised by the disk before a slice is written, and what was not needed is given back at the end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[int, int], _Shard] = {}
        self._count = 0

    def append(self, pixels: NDArray[np.int16], expected: int) -> tuple[str, int]:
        """Write one slice.

        Args:
            pixels: (rows, cols) int16.
            expected: Slices of this size that may still come, this one included; a new shard has room for them.

        Returns:
            Shard file name and row.

        Raises:
            OSError: The disk is full.
        """
        rows, cols = pixels.shape
        shard = self._open.get((rows, cols))
        if shard is None or shard.filled == shard.room:
            if shard is not None:
                _close(shard)
            shard = self._open[rows, cols] = self._begin((rows, cols), expected)
        shard.file.write(np.ascontiguousarray(pixels, _DTYPE).data)
        shard.filled += 1
        return shard.path.name, shard.filled - 1

    def close(self) -> None:
        """Write everything out and cut shards to what they hold."""
        for shard in self._open.values():
            _close(shard)
        self._open.clear()

    def _begin(self, shape: tuple[int, int], expected: int) -> _Shard:
        size = shape[0] * shape[1] * _DTYPE.itemsize
        room = min(max(1, LARGEST_SHARD // size), expected)
        path = self._folder / f"shard-{self._count:03d}.npy"
        file = path.open("wb")
        self._count += 1
        try:
            _write_header(file, (room, *shape))
            os.posix_fallocate(file.fileno(), 0, file.tell() + room * size)
        except OSError as error:
            error.filename = error.filename or str(path)
            raise
        return _Shard(path, file, shape, room)


def _close(shard: _Shard) -> None:
    """Give back what was not needed; NumPy's header leaves room for any length in its place."""
    shard.file.truncate(shard.file.tell())
    shard.file.seek(0)
    _write_header(shard.file, (shard.filled, *shard.shape))
    shard.file.close()


def _write_header(file: IO[bytes], shape: tuple[int, int, int]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<i2", "fortran_order": False, "shape": shape})
