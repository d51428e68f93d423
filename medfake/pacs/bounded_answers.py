"""Answers of a DICOMweb service that are streamed: no longer than is taken, and whole."""

from collections.abc import Callable, Iterator
from email.message import Message
from typing import TYPE_CHECKING, Any, Final, Self

from medfake.errors import PacsError

if TYPE_CHECKING:
    import requests

_LAST: Final = 1024
"""Bytes of an answer within which it has to be closed."""


class BoundedAnswers:
    """For as long as the block lasts, answers of a session may be no longer, and take no longer, than this.

    Args:
        session: Whose answers are streamed.
        most_bytes: Of one answer.
    """

    def __init__(self, session: "requests.Session", most_bytes: int) -> None:
        self._session, self._most_bytes = session, most_bytes
        self._closing, self._last = b"", b""

    def __enter__(self) -> Self:
        self._session.hooks["response"] = [self._bound]
        return self

    def __exit__(self, *_: object) -> None:
        self._session.hooks["response"] = []

    @property
    def is_whole(self) -> bool:
        """Whether the last answer came to its closing delimiter (RFC 2046 5.1.1).

        A server that does not tell how long an answer is (Orthanc) may break off, and it looks like a shorter one.
        """
        return self._closing in self._last

    def _bound(self, response: "requests.Response", **_: Any) -> "requests.Response":
        pieces: Callable[..., Iterator[Any]] = response.iter_content
        said = Message()
        said["Content-Type"] = response.headers.get("Content-Type", "")
        boundary = said.get_boundary()
        self._closing = f"--{boundary}--".encode() if boundary else b""

        def bounded(chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:
            came = 0
            for piece in pieces(chunk_size, decode_unicode):
                came += len(piece)
                if came > self._most_bytes:
                    response.close()
                    raise PacsError(
                        "a series is larger than is taken", where="pacs.yaml, limits.series_mb",
                        received=f"more than {self._most_bytes >> 20} MiB",
                        remedy="raise the limit, or leave the series out",
                    )  # fmt: skip
                self._last = (self._last + piece[-_LAST:])[-_LAST:]
                yield piece

        response.iter_content = bounded  # type: ignore[method-assign]  # requests has no other place for a bound
        return response
