"""Slices on disk: shard-*.npy, (slices, rows, cols) int16 Hounsfield units, read through memory maps."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST_SHARD = 256 << 20  # bytes; few large files, each easy to map
_DTYPE = np.dtype("<i2")


@dataclass
class _Shard:
    path: Path
    mapped: "np.memmap[Any, np.dtype[Any]]"
    filled: int = 0


class ShardWriter:
    """Appends slices, one image size a shard; memory holds none of them.

    Space is promised by the disk before a slice is written, and what was not needed is given back at the end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[int, ...], _Shard] = {}
        self._all: list[_Shard] = []

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
        shard = self._open.get(pixels.shape)
        if shard is None or shard.filled == len(shard.mapped):
            shard = self._open[pixels.shape] = self._begin(pixels.shape, expected)
        shard.mapped[shard.filled] = pixels
        shard.filled += 1
        return shard.path.name, shard.filled - 1

    def close(self) -> None:
        """Write everything out and cut shards to what they hold."""
        for shard in self._all:
            shard.mapped.flush()
            _cut(shard)
        self._open.clear()

    def _begin(self, shape: Sequence[int], expected: int) -> _Shard:
        most = max(1, LARGEST_SHARD // (int(np.prod(shape)) * _DTYPE.itemsize))
        path = self._folder / f"shard-{len(self._all):03d}.npy"
        shard = _Shard(path, _allocate(path, (min(most, expected), *shape)))
        self._all.append(shard)
        return shard


def _allocate(path: Path, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[Any]]":
    """Map a new shard whose space the disk has promised; writing to a map on a full disk would kill the process.

    Raises:
        OSError: The disk is full.
    """
    mapped: np.memmap[Any, np.dtype[Any]] = np.lib.format.open_memmap(path, "w+", _DTYPE, shape)
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            error.filename = error.filename or str(path)
            raise
    return mapped


def _cut(shard: _Shard) -> None:
    """Shorten a shard to its filled rows; NumPy's header leaves room for any length in its place."""
    length, *shape = shard.mapped.shape
    if shard.filled == length:
        return
    spare = (length - shard.filled) * int(np.prod(shape)) * _DTYPE.itemsize
    size = shard.path.stat().st_size - spare
    shard.mapped = np.memmap(shard.path, _DTYPE, "r")  # lets go of the longer map
    with shard.path.open("r+b") as file:
        header = {"descr": "<i2", "fortran_order": False, "shape": (shard.filled, *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(size)
