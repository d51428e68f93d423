"""Parts of a multipart answer (RFC 2046 5.1) as they come, however large one is: no part is held in memory."""

from collections.abc import Iterator
from email.message import Message
from typing import Final

_MOST_HEADER: Final = 1 << 14
"""Bytes of a part's header."""
_MOST_PADDING: Final = 1 << 10
"""Bytes behind a boundary on its line."""


class EndlessHeaderError(ValueError):
    """Raised when there is no end to the header of a part."""


class CutOffError(ValueError):
    """Raised when a message ends before its closing delimiter: one that breaks off looks like a shorter one."""


class Parts:
    """Iterates over the parts of a message, each an iterator over pieces of its body.

    A part that is not read to its end is passed over.

    Args:
        content_type: Of the message; "multipart/..." with a boundary.
        pieces: Bytes of the message, split anywhere.

    Raises:
        ValueError: It is no multipart message.
    """

    def __init__(self, content_type: str, pieces: Iterator[bytes]) -> None:
        said = Message()
        said["Content-Type"] = content_type
        boundary = said.get_boundary()
        if said.get_content_maintype() != "multipart" or not boundary:
            raise ValueError("no multipart message")
        self._delimiter = b"\r\n--" + boundary.encode()
        self._pieces = pieces
        self._held = bytearray(b"\r\n")  # a message may begin with a delimiter, without the line break before it

    def __iter__(self) -> Iterator[Iterator[bytes]]:
        """Parts in their order.

        Raises:
            CutOffError: There is no closing delimiter.
            EndlessHeaderError: A header or a delimiter's line does not end.
        """
        self._pass_over(self._until_delimiter())
        while not self._closes():
            self._skip_header()
            body = self._until_delimiter()
            yield body
            self._pass_over(body)

    @staticmethod
    def _pass_over(pieces: Iterator[bytes]) -> None:
        for _ in pieces:
            pass

    def _more(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise CutOffError("no closing delimiter")
        self._held += piece

    def _until_delimiter(self) -> Iterator[bytes]:
        """What comes before the next delimiter, which is taken off, too."""
        while True:
            at = self._held.find(self._delimiter)
            safe = at if at >= 0 else max(0, len(self._held) - len(self._delimiter) + 1)
            if safe:
                piece = bytes(self._held[:safe])
                del self._held[:safe]
                yield piece
            if at >= 0:
                del self._held[: len(self._delimiter)]
                return
            self._more()

    def _closes(self) -> bool:
        """Whether the delimiter that was taken off is the closing one; the rest of its line is taken off otherwise."""
        while len(self._held) < 2:
            self._more()
        if self._held.startswith(b"--"):
            return True
        self._take_until(b"\r\n", _MOST_PADDING)
        self._held[:0] = b"\r\n"  # a part without any header begins with the line break that ends it
        return False

    def _skip_header(self) -> None:
        self._take_until(b"\r\n\r\n", _MOST_HEADER)
        self._held[:0] = b"\r\n"  # which the delimiter behind an empty body may take for its own
        while len(self._held) < len(self._delimiter):
            self._more()
        if not self._held.startswith(self._delimiter):
            del self._held[:2]

    def _take_until(self, mark: bytes, most: int) -> None:
        while (at := self._held.find(mark)) < 0:
            if len(self._held) > most:
                raise EndlessHeaderError("a header without an end")
            self._more()
        del self._held[: at + len(mark)]
