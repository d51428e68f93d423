"""A DICOM server that no caller can fill up or hold up.

pynetdicom reads as many bytes as a caller announces, waits for them for as long as it takes, and makes a TLS handshake
on the thread that lets callers in. Here each of these is bounded, and a caller beyond a bound loses his own line alone.
"""

import logging
import shutil
import socket
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from socketserver import TCPServer
from typing import Any, Final

from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from medfake.files import in_a_word
from medfake.serving.scoring.limits import MIB

_log = logging.getLogger(__name__)
LARGEST_PDU: Final = 1 << 20
"""Bytes that a caller may announce at once; we offer less, and negotiations are small."""
_LOOK_AT_DISK: Final = 64 * MIB


@dataclass(frozen=True)
class Bounds:
    """What a caller may take.

    Attributes:
        silence_s: Until a handshake is done, and until what was announced is there.
        largest_instance: Bytes of one object.
        spare: Bytes that stay free on the disk.
        disk: A folder on it.
        lines: At a time, those included on which nobody has said who calls.
    """

    silence_s: float
    largest_instance: int
    spare: int
    disk: Path
    lines: int


class GuardedServer(ThreadedAssociationServer):
    """The server, from `begin` to `end`.

    Args:
        entity: Whose contexts and AE titles count.
        address: Host and port; 0 takes a free one.
        handlers: Of events.
        tls: None for plain lines.
        bounds: For each line.

    Raises:
        OSError: It cannot listen there.
    """

    def __init__(
        self,
        entity: AE,
        address: tuple[str, int],
        handlers: list[Any],
        tls: ssl.SSLContext | None,
        bounds: Bounds,
    ) -> None:
        self.bounds = bounds
        super().__init__(entity, address, entity.ae_title, entity.supported_contexts, tls, handlers, _Handler)
        self._thread = threading.Thread(target=self.serve_forever, name="callers", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def begin(self) -> None:
        """Let callers in."""
        self._thread.start()

    def end(self) -> None:
        """Let nobody in any more and end all lines."""
        TCPServer.shutdown(self)  # pynetdicom's own wants the entity to have made the server
        for association in self.active_associations:
            association.abort()
        self.server_close()

    @staticmethod
    def next_instance(association: Association) -> None:
        """An object has come whole: count the bytes of the next one."""
        line = association.dul.socket
        if isinstance(line, _GuardedSocket):
            line.bytes_of_instance = 0

    def verify_request(self, _: Any, __: Any) -> bool:
        """Whether there is a line left."""
        return len(self.active_associations) < self.bounds.lines

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a caller, without waiting for a word of his."""
        assert self.socket is not None  # noqa: S101 - open while it serves
        line, address = self.socket.accept()
        line.settimeout(self.bounds.silence_s)
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
        """Make the handshake, then hear what he wants."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().handle()

    def _create_association(self) -> Association:
        association = super()._create_association()
        association.dul.socket = _GuardedSocket(association, self.request, self.server.bounds)
        association.dul.event_queue.get_nowait()  # that a line is there: each of the two sockets has said so
        return association


class _GuardedSocket(AssociationSocket):
    """Reads no more than a caller may announce, and waits no longer than he may take for it."""

    def __init__(self, association: Association, line: socket.socket, bounds: Bounds) -> None:
        super().__init__(association, client_socket=line)
        self._bounds = bounds
        self.bytes_of_instance = 0

    def recv(self, nr_bytes: int) -> bytearray:
        """Exactly so many bytes, fewer where the line ends.

        Raises:
            OSError: More are announced than are taken, the object or the disk is full, or the bytes do not come.
        """
        line = self.socket
        if line is None:
            return bytearray()
        self._require_within_bounds(nr_bytes)
        data, have = bytearray(nr_bytes), 0
        ends = time.monotonic() + self._bounds.silence_s
        with memoryview(data) as view:
            while have < nr_bytes:
                left_s = ends - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError
                line.settimeout(left_s)
                came = line.recv_into(view[have:])
                if not came:
                    break
                have += came
        line.settimeout(self._bounds.silence_s)
        del data[have:]
        return data

    def _require_within_bounds(self, announced: int) -> None:
        before, self.bytes_of_instance = self.bytes_of_instance, self.bytes_of_instance + announced
        if announced > LARGEST_PDU:
            why = "more bytes are announced at once than are taken"
        elif self.bytes_of_instance > self._bounds.largest_instance:
            why = "an object is larger than `listen.largest_instance_mb`"
        elif (
            self.bytes_of_instance // _LOOK_AT_DISK > before // _LOOK_AT_DISK
            and shutil.disk_usage(self._bounds.disk).free < self._bounds.spare
        ):
            why = "less than `listen.spare_mb` is free on the disk (`df -h`)"
        else:
            return
        _log.error("a caller's line was ended: %s", why)
        raise OSError(why)
