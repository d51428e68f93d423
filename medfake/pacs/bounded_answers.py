"""HTTP to a PACS within bounds: no redirect is followed, no answer is larger than is taken, and every line can be cut.

This module is imported inside of functions: it needs the extra `pacs`.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final
from weakref import WeakSet

import requests
from requests import Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from medfake.errors import ConfigError, PacsError, PacsSilentError
from medfake.pacs.settings import Archive, credentials

MOST_BYTES: Final = 32 << 20
"""Of an answer that is no series, uncompressed: a thousand series take 2 MiB."""
_REDIRECTS: Final = range(300, 400)
_PIECE: Final = 1 << 16


class BoundedAdapter(HTTPAdapter):
    """Answers that are read at once (`stream=False`) are bounded here; who streams bounds what he reads himself."""

    def __init__(self) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        super().__init__()

    def cut(self) -> None:
        """End all that goes on over connections of this adapter, from whatever thread."""
        for one in list(self._sockets):
            with suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(one, socket.SHUT_RDWR)  # an SSLSocket's own would pull TLS from under its reader

    def init_poolmanager(self, *values: Any, **named: Any) -> None:
        """Pools whose connections are known to `cut`."""
        super().init_poolmanager(*values, **named)
        opened = self._sockets.add

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                opened(self.sock)

        class Encrypted(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                opened(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

    def send(self, request: requests.PreparedRequest, stream: bool = False, *more: Any, **named: Any) -> Response:
        """Ask, and take no more of the answer than `MOST_BYTES`.

        Raises:
            PacsSilentError: It is a redirect, which may be to a page where somebody is to sign in.
            PacsError: While the answer is read: it is larger.
        """
        response = super().send(request, True, *more, **named)
        if response.status_code in _REDIRECTS:
            response.close()
            raise PacsSilentError(
                "the PACS points elsewhere, where medfake does not follow", where="archive.dicomweb",
                received=f"status {response.status_code}",
                remedy="write the address of the DICOMweb service itself, and see that credentials are valid",
            )  # fmt: skip
        if not stream:
            _bound(response)
        return response


def bounded_session(archive: Archive) -> tuple[requests.Session, Callable[[], None]]:
    """What speaks with a PACS, with credentials and certificates; and what cuts its lines, from whatever thread.

    Raises:
        ConfigError: Files of TLS cannot be used, or there are two kinds of credentials.
    """
    session, adapter = requests.Session(), BoundedAdapter()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    session.trust_env = False  # no proxy and no password file that nobody named here
    tls = archive.tls
    for path in (tls.ca, tls.certificate, tls.key):
        if path is not None and not path.is_file():
            raise ConfigError("there is no such file", where=f"{path} (archive.tls)", remedy="PEM files go there")
    session.verify = str(tls.ca) if tls.ca else True
    if tls.certificate and tls.key:
        session.cert = (str(tls.certificate), str(tls.key))
    known = credentials()
    if isinstance(known, tuple):
        session.auth = known
    elif known:
        session.headers["Authorization"] = f"Bearer {known}"
    return session, adapter.cut


def _bound(response: Response) -> None:
    pieces: Callable[..., Iterator[Any]] = response.iter_content

    def bounded(chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:
        came = 0
        for piece in pieces(min(chunk_size or _PIECE, _PIECE), decode_unicode):
            came += len(piece)
            if came > MOST_BYTES:
                response.close()
                raise PacsError(
                    "the PACS answers with more than is taken", where="DICOMweb",
                    received=f"more than {MOST_BYTES >> 20} MiB",
                    remedy="let it answer with fewer series at a time, or lower watch.look_back_days",
                )  # fmt: skip
            yield piece

    response.iter_content = bounded  # type: ignore[method-assign]  # requests has no other place for a bound
