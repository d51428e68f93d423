"""A DICOM server that no caller can fill up or hold up.

pynetdicom makes a TLS handshake on the thread that lets callers in, waits a minute for whoever has hung up before he
said who he is, and leaves to chance what a line that breaks leaves behind. Here each line is counted from its first
byte to its end, and what it leaves is removed.
"""

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import TCPServer
from typing import Any, Final

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from medfake.files import in_a_word
from medfake.pacs.guarded_line import Bounds, end_line, guard_line, stop_waiting
from medfake.pacs.strangers import Strangers

_log = logging.getLogger(__name__)
_GOODBYE_S: Final = 0.5


class GuardedEntity(AE):
    """An application entity that counts associations, not lines on which nobody has said who calls."""

    @property
    def active_associations(self) -> list[Association]:
        """Those that count towards `maximum_associations`."""
        return [one for one in super().active_associations if one.requestor.primitive is not None]


class GuardedServer(ThreadedAssociationServer):
    """The server, from `begin` to `end`.

    Args:
        entity: Whose contexts and AE titles count.
        address: Host and port; 0 takes a free one.
        handlers: Of events.
        tls: None for plain lines.
        bounds: For each line.
        ended: Takes each association when it has ended, in whatever way, and no handler of its events runs any more.

    Raises:
        OSError: It cannot listen there.
    """

    request_queue_size = 64

    def __init__(
        self,
        entity: AE,
        address: tuple[str, int],
        handlers: list[Any],
        tls: ssl.SSLContext | None,
        bounds: Bounds,
        ended: Callable[[Association], object],
    ) -> None:
        self.bounds, self.ended = bounds, ended
        self._free = threading.BoundedSemaphore(bounds.lines)
        self.strangers = Strangers(bounds.strangers, bounds.strangers_of_one, _hang_up)
        entity.acse_timeout = bounds.introduction_s
        super().__init__(entity, address, entity.ae_title, entity.supported_contexts, tls, handlers, _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="callers", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def begin(self) -> None:
        """Let callers in."""
        self._thread.start()

    def end(self) -> None:
        """Let nobody in any more and end all lines; returns when each has ended."""
        TCPServer.shutdown(self)  # pynetdicom's own wants the entity to have made the server
        associations = self.active_associations
        for association in associations:
            if association.is_established:
                association.abort(block=False)
        for association in associations:
            if association.is_established or association.is_aborted:
                association.join(_GOODBYE_S)
            _hang_up(association.dul.socket.socket if association.dul.socket else None)
        self.server_close()  # waits for the threads of all lines

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is a line left; it is taken, if need be from somebody who does not say who he is."""
        if self._free.acquire(blocking=False):
            self.strangers.came(request, str(client_address[0]))
            return True
        _log.warning("a caller was not let in: as many lines are open as may be")
        return False

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a caller a thread of his own."""
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._end_of(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Hear a caller to the end of his line."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._end_of(request)

    def _end_of(self, request: Any) -> None:
        self.strangers.gone(request)
        self._free.release()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a caller, without waiting for a word of his."""
        assert self.socket is not None  # noqa: S101 - open while it serves
        line, address = self.socket.accept()
        line.settimeout(self.bounds.introduction_s)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.ssl_context:
            line = self.ssl_context.wrap_socket(line, server_side=True, do_handshake_on_connect=False)
        return line, address

    def handle_error(self, _: Any, __: Any) -> None:
        """Say in a word why a line ended before it was an association; socketserver prints a traceback."""
        error = sys.exception()
        _log.warning("a caller was not let in: %s", in_a_word(error) if isinstance(error, Exception) else "no reason")


class _Handler(RequestHandler):
    """One caller, on a thread of his own."""

    server: GuardedServer

    def handle(self) -> None:
        """Make the handshake, hear what he wants, and clear up behind him."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        association = self._create_association()
        try:
            association.start()
            association.join()
        finally:
            _hang_up(self.request)
            end_line(association, self.server.bounds)
            self.request.close()
            self.server.ended(association)

    def _create_association(self) -> Association:
        association = super()._create_association()
        association.bind(evt.EVT_CONN_CLOSE, _closed)
        association.bind(evt.EVT_ACCEPTED, self._let_in)
        guard_line(association, self.request, self.server.bounds)
        return association

    def _let_in(self, _: evt.Event) -> None:
        self.server.strangers.gone(self.request)


def _closed(event: evt.Event) -> None:
    stop_waiting(event.assoc)


def _hang_up(line: socket.socket | None) -> None:
    """End a line, also while another thread waits for what comes on it."""
    if line is not None:
        with suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)  # TLS would lose what that thread reads with
