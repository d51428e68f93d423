"""Slices on disk: shard-*.npy, (slices, rows, cols) int16 Hounsfield units, read through memory maps."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST_SHARD = 256 << 20  # bytes; few large files, each easy to map


def plan_shards(shapes: list[tuple[int, int]]) -> list[tuple[str, int]]:
    """Deal slices, in order, to shards of one image size each.

    Args:
        shapes: (rows, cols) of each slice.

    Returns:
        (shard file name, row) of each slice.
    """
    open_shard: dict[tuple[int, int], tuple[str, int]] = {}
    places: list[tuple[str, int]] = []
    count = 0
    for shape in shapes:
        name, row = open_shard.get(shape, ("", 0))
        if not name or (row + 1) * shape[0] * shape[1] * 2 > LARGEST_SHARD:
            name, row = f"shard-{count:03d}.npy", 0
            count += 1
        places.append((name, row))
        open_shard[shape] = (name, row + 1)
    return places


def write_shards(
    folder: Path, places: list[tuple[str, int]], shapes: list[tuple[int, int]], slices: Iterable[NDArray[np.int16]]
) -> None:
    """Write slices where `plan_shards` put them; memory holds one slice at a time."""
    lengths: dict[str, int] = {}
    shape_of: dict[str, tuple[int, int]] = {}
    for (name, row), shape in zip(places, shapes, strict=True):
        lengths[name], shape_of[name] = row + 1, shape
    maps = {name: _allocate(folder / name, (length, *shape_of[name])) for name, length in lengths.items()}
    for (name, row), pixels in zip(places, slices, strict=True):
        maps[name][row] = pixels
    for written in maps.values():
        written.flush()


def _allocate(path: Path, shape: tuple[int, int, int]) -> "np.memmap[Any, np.dtype[Any]]":
    """Map a new shard whose space the disk has promised; writing to a map on a full disk would kill the process.

    Raises:
        OSError: The disk is full.
    """
    mapped: np.memmap[Any, np.dtype[Any]] = np.lib.format.open_memmap(path, "w+", np.dtype("<i2"), shape)
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            error.filename = error.filename or str(path)
            raise
    return mapped
