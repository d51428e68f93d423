"""Frames of a segmentation as bits, packed as they come: thousands of masks are never held at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BYTE: Final = 8


class PackedBits:
    """Pixels of frames, a bit each, the first in the lowest; frames follow each other bit by bit (PS3.5 8.1.1)."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._rest = np.zeros(0, np.bool_)  # less than a byte

    def add(self, mask: NDArray[np.bool_]) -> None:
        """Add a frame of any shape."""
        bits = np.concatenate([self._rest, mask.ravel()])
        whole = len(bits) // _BYTE * _BYTE
        self._parts.append(np.packbits(bits[:whole], bitorder="little").tobytes())
        self._rest = bits[whole:].copy()  # a view would hold the frame

    def whole(self) -> bytes:
        """All frames, an even number of bytes."""
        packed = b"".join([*self._parts, np.packbits(self._rest, bitorder="little").tobytes()])
        return packed + bytes(len(packed) % 2)
