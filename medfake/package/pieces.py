"""Scans cut along z for aggregations that look no farther than they say: memory holds a piece of a scan, not all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

REACH_MM: Final = "medfake.reach_mm"
"""Entry of a graph's metadata. Who writes it says that what the graph tells of a slice depends on no slice farther away
than so, and that the scan is what its highest slice is."""
PIECE: Final = 48
"""Slices; those within reach are read on top, as many again where they are thin."""
_TOLERANCE_MM: Final = 0.01


@dataclass(frozen=True)
class Piece:
    """Neighbouring slices of a scan.

    Attributes:
        read: Which slices the graph is given.
        kept: Which of its answers count, of those.
    """

    read: slice
    kept: slice


def write_reach(path: Path, reach_mm: float) -> None:
    """Say in an ONNX graph how far it looks along z, in place.

    Args:
        path: aggregation.onnx.
        reach_mm: To either side of a slice, > 0.
    """
    import onnx

    graph = onnx.load(path)
    onnx.helper.set_model_props(graph, {REACH_MM: f"{reach_mm:g}"})
    onnx.save(graph, path)


def reach_of(session: Any) -> float | None:
    """What a graph says of how far it looks, mm; None where it says nothing that makes sense."""
    said = session.get_modelmeta().custom_metadata_map.get(REACH_MM, "")
    try:
        reach_mm = float(said)
    except ValueError:
        return None
    return reach_mm if 0 < reach_mm < np.inf else None


def pieces_of(z_mm: NDArray[np.floating[Any]], reach_mm: float | None, size: int = PIECE) -> Iterator[Piece]:
    """Cut a scan into pieces that overlap by what a graph looks at.

    Args:
        z_mm: (n,) ascending.
        reach_mm: Of the graph; None cuts nothing.
        size: Slices of a piece whose answers count.

    Example:
        >>> [(one.read.start, one.read.stop) for one in pieces_of(np.arange(10.0), reach_mm=2.0, size=4)]
        [(0, 6), (2, 10), (6, 10)]
    """
    count = len(z_mm)
    if reach_mm is None or count <= size:
        yield Piece(slice(0, count), slice(0, count))
        return
    reach = reach_mm + _TOLERANCE_MM
    for start in range(0, count, size):
        stop = min(start + size, count)
        first = int(np.searchsorted(z_mm, z_mm[start] - reach, side="left"))
        last = int(np.searchsorted(z_mm, z_mm[stop - 1] + reach, side="right"))
        yield Piece(slice(first, last), slice(start - first, stop - first))
