"""Streams that hand out no more of a file than was allowed, whatever length the file claims for itself."""

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

from medfake.errors import DicomError

MOST_READS = 1_000_000  # of one header; 5000 frames of an enhanced file take some 600 000
_CHUNK = 1 << 16  # compressed bytes taken at a time
_STEP = 1 << 20  # inflated bytes made at a time


class BoundedReader:
    """A file that ends with an error where more is read than `allow` allowed.

    Python's own files allocate what `read` asks for before they look at how much there is.

    Args:
        source: A file open for reading.
        limit: First position that may not be read.
        excess: Makes the error for whoever reads on.
    """

    def __init__(self, source: "BinaryIO | Inflating", limit: int, excess: Callable[[], DicomError]) -> None:
        self._source = source
        self.tell = source.tell
        self.seek = source.seek
        self._limit, self._excess = limit, excess
        self._reads = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer at the end of the file.

        Raises:
            DicomError: The limit is reached, or there are more reads than a header needs.
        """
        self._reads += 1
        left = max(self._limit - self.tell(), 0)
        if size <= left and self._reads <= MOST_READS:
            return self._source.read(size)
        found = self._source.read(left)
        if self._reads > MOST_READS or self._source.read(1):
            raise self._excess()
        return found


class Inflating:
    """A raw deflate stream (RFC 1951, PS3.5 A.5) as a file that goes forwards; what was read may be read again.

    Args:
        source: A file open at the first compressed byte.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._engine = zlib.decompressobj(-zlib.MAX_WBITS)
        self._held = bytearray()
        self._position = 0

    def tell(self) -> int:
        """Position in the inflated stream."""
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position that was read before, or to the next one."""
        if whence != 0 or not 0 <= offset <= len(self._held):
            raise ValueError(offset, whence)
        self._position = offset
        return offset

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; no more than these are inflated."""
        end = self._position + size
        while len(self._held) < end and (more := self._inflate(end - len(self._held))):
            self._held += more
        with memoryview(self._held) as held:
            found = bytes(held[self._position : end])
        self._position += len(found)
        return found

    def take(self, size: int) -> bytes:
        """Up to `size` bytes as `read` gives them, which cannot be read again: they are in memory once."""
        taken = BytesIO()
        taken.write(self._held[self._position : self._position + size])
        self._position = 0
        self._held.clear()
        while taken.tell() < size and (more := self._inflate(min(size - taken.tell(), _STEP))):
            taken.write(more)
        return taken.getvalue()

    def _inflate(self, most: int) -> bytes:
        while not self._engine.eof:
            compressed = self._engine.unconsumed_tail or self._source.read(_CHUNK)
            inflated = self._engine.decompress(compressed, most)
            if inflated or not compressed:
                return inflated
        return b""
