"""Slices on disk: shard-*.npy, (slices, rows, cols) int16 Hounsfield units, read through memory maps.

Places are handed out beforehand, so that whoever decodes a slice writes it where it belongs and no pixel travels
between processes.
"""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

LARGEST_SHARD = 256 << 20  # bytes; few large files, each easy to map
_DTYPE = np.dtype("<i2")
Shape = tuple[int, int]


@dataclass(frozen=True, order=True)
class Slot:
    """The place of one slice.

    Attributes:
        shard: Absolute path of the file, so that workers elsewhere find it too.
        row: Within the shard.
        offset: Of its first byte.
        shape: Rows and columns.
    """

    shard: Path
    row: int
    offset: int
    shape: Shape

    @property
    def size(self) -> int:
        """Bytes."""
        return self.shape[0] * self.shape[1] * _DTYPE.itemsize

    def write(self, pixels: NDArray[np.int16]) -> None:
        """Write one slice; the shard must be there, for one that an interrupt took away shall not come back.

        Args:
            pixels: (rows, cols) int16.

        Raises:
            ValueError: They have another shape.
            OSError: The shard is gone or the disk broke.
        """
        if pixels.shape != self.shape:
            raise ValueError(f"a slot of {self.shape} was given {pixels.shape}")
        file = os.open(self.shard, os.O_WRONLY)
        try:
            _write_all(file, np.ascontiguousarray(pixels, _DTYPE).data.cast("B"), self.offset)
        finally:
            os.close(file)


@dataclass
class _Shard:
    path: Path
    header: int  # bytes
    room: int
    taken: int = 0


@dataclass
class _OfShape:
    shards: list[_Shard] = field(default_factory=list)
    free: list[Slot] = field(default_factory=list)


class Shards:
    """Hands out slots, one image size a shard, and leaves files without holes.

    Space is promised by the disk before a slice is decoded, and what was not needed is given back at the end.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._of: dict[Shape, _OfShape] = {}
        self._count = 0

    def reserve(self, shapes: Iterable[Shape]) -> list[Slot]:
        """One slot for every slice to come, in their order.

        Raises:
            OSError: The disk is full.
        """
        wanted = list(shapes)
        left = {shape: wanted.count(shape) for shape in set(wanted)}
        slots = []
        for shape in wanted:
            slots.append(self._next(shape, left[shape]))
            left[shape] -= 1
        return slots

    def release(self, slots: Iterable[Slot]) -> None:
        """Take back slots that were not written; they are handed out again first."""
        for slot in slots:
            of = self._of[slot.shape]
            of.free = sorted([*of.free, slot])

    def close(self) -> dict[Slot, Slot]:
        """Move the last slices into holes and cut shards to what they hold.

        Returns:
            Where slices lie now that were moved.
        """
        moved: dict[Slot, Slot] = {}
        for shape, of in self._of.items():
            moved |= _fill_holes(of, shape)
            for shard in of.shards:
                _cut(shard, shape)
        self._of.clear()
        return moved

    def _next(self, shape: Shape, expected: int) -> Slot:
        of = self._of.setdefault(shape, _OfShape())
        if of.free:
            return of.free.pop(0)
        if not of.shards or of.shards[-1].taken == of.shards[-1].room:
            of.shards.append(self._begin(shape, expected))
        shard = of.shards[-1]
        shard.taken += 1
        return _slot(shard, shard.taken - 1, shape)

    def _begin(self, shape: Shape, expected: int) -> _Shard:
        size = shape[0] * shape[1] * _DTYPE.itemsize
        room = min(max(1, LARGEST_SHARD // size), expected)
        path = self._folder / f"shard-{self._count:03d}.npy"
        self._count += 1
        with path.open("wb") as file:
            _write_header(file, (room, *shape))
            header = file.tell()
            try:
                os.posix_fallocate(file.fileno(), 0, header + room * size)
            except OSError as error:
                error.filename = error.filename or str(path)
                raise
        return _Shard(path, header, room)


def _slot(shard: _Shard, row: int, shape: Shape) -> Slot:
    return Slot(shard.path, row, shard.header + row * shape[0] * shape[1] * _DTYPE.itemsize, shape)


def _fill_holes(of: _OfShape, shape: Shape) -> dict[Slot, Slot]:
    free = set(of.free)
    slots = [_slot(shard, row, shape) for shard in of.shards for row in range(shard.taken)]
    first, beyond = slots[: len(slots) - len(free)], slots[len(slots) - len(free) :]
    holes = (slot for slot in first if slot in free)
    moved = dict(zip((slot for slot in beyond if slot not in free), holes, strict=True))
    for old, new in moved.items():
        new.write(np.fromfile(old.shard, _DTYPE, shape[0] * shape[1], offset=old.offset).reshape(shape))
    held = Counter(slot.shard for slot in first)
    for shard in of.shards:
        shard.taken = held[shard.path]
    return moved


def _cut(shard: _Shard, shape: Shape) -> None:
    """Give back what was not needed; NumPy's header leaves room for any length in its place."""
    if not shard.taken:
        shard.path.unlink()
        return
    with shard.path.open("r+b") as file:
        _write_header(file, (shard.taken, *shape))
        file.truncate(shard.header + shard.taken * shape[0] * shape[1] * _DTYPE.itemsize)


def _write_all(file: int, data: memoryview, offset: int) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(file, data[written:], offset + written)


def _write_header(file: IO[bytes], shape: tuple[int, int, int]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<i2", "fortran_order": False, "shape": shape})
