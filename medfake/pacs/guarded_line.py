"""One caller's line: how much he may announce, leave unanswered and hold in memory, and what is removed behind him.

pynetdicom reads as many bytes as a caller announces, waits for them for as long as it takes, keeps what is no object to
be stored in memory, and prints a traceback, with values in it, where a thread of its own ends by what a caller sent.
"""

import logging
import queue
import shutil
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydicom import config
from pynetdicom import dimse_messages
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import AssociationSocket

from medfake.dicom.quiet import quiet_pydicom
from medfake.files import in_a_word
from medfake.serving.scoring.limits import MIB

_log = logging.getLogger(__name__)
LARGEST_PDU: Final = 1 << 20
"""Bytes that a caller may announce at once; we offer less, and negotiations are small."""
MOST_IN_MEMORY: Final = 1 << 20
"""Bytes of a command, and of a data set that is not stored."""
MOST_UNANSWERED: Final = 16
"""Requests of one caller that wait for an answer; one where nothing else was agreed upon (PS3.7 D.3.3.3)."""
_IN_THE_MIDST: Final = b"\0"  # of a data set, says the first byte of a part (PS3.8 E.2)
INTRODUCTION_S: Final = 10.0
"""Until a caller has said who he is, where he may not be silent for as long."""
_LOOK_AT_DISK: Final = 64 * MIB
_PATIENCE_S: Final = 10.0
_ACKNOWLEDGE_AT_ONCE: Final = getattr(socket, "TCP_QUICKACK", None)
"""Senders with Nagle's algorithm would wait 40 ms before the end of each object. Linux has it, and forgets it."""


@dataclass(frozen=True)
class Bounds:
    """What a caller may take.

    Attributes:
        silence_s: Until what was announced is there.
        largest_instance: Bytes of one object.
        spare: Bytes that stay free on the disk.
        disk: A folder on it, which parts of objects lie in, see `parts_in`.
        lines: At a time, those included on which nobody has been let in yet.
        strangers: Of them, on which nobody has been let in yet.
        strangers_of_one: Of these, of one address.
    """

    silence_s: float
    largest_instance: int
    spare: int
    disk: Path
    lines: int
    strangers: int
    strangers_of_one: int

    @property
    def introduction_s(self) -> float:
        """Within which a caller has made a handshake and said who calls."""
        return min(INTRODUCTION_S, self.silence_s)


def guard_line(association: Association, line: socket.socket, bounds: Bounds) -> None:
    """Put the bounds on an association that has not begun."""
    config.settings.reading_validation_mode = config.IGNORE  # pydicom warns of odd UIDs with their value, on any thread
    association.dul.name = f"line-{uuid.uuid4().hex}"
    association.dul.event_queue.get_nowait()  # that a line is there, which each of the two sockets says
    association.dul.socket = _GuardedSocket(association, line, bounds)
    association.dimse = _GuardedMessages(association)
    association.run = _muted(association, association.run)  # type: ignore[method-assign]  # threads have no other way in
    association.dul.run = _muted(association, association.dul.run)  # type: ignore[method-assign]  # likewise


def next_instance(association: Association) -> None:
    """An object has come whole: count the bytes of the next one."""
    line = association.dul.socket
    if isinstance(line, _GuardedSocket):
        line.bytes_of_instance = 0


@contextmanager
def parts_in(folder: Path) -> Iterator[None]:
    """For as long as the block lasts, what arrives is written into a folder, named after its line's thread."""

    def part_file(**given: Any) -> Any:
        return tempfile.NamedTemporaryFile(dir=folder, prefix=f"{threading.current_thread().name}-", **given)

    before = dimse_messages.NamedTemporaryFile  # type: ignore[attr-defined]
    dimse_messages.NamedTemporaryFile = part_file  # type: ignore[attr-defined, assignment]  # it has no setting for it
    try:
        yield
    finally:
        dimse_messages.NamedTemporaryFile = before  # type: ignore[attr-defined]


def end_line(association: Association, bounds: Bounds) -> None:
    """Remove what an association whose thread has ended and whose line is closed left half sent or unheard."""
    dul, dimse = association.dul, association.dimse
    dul.kill_dul()
    if dul.ident is not None:
        dul.join(_PATIENCE_S)
    left: list[Any] = [getattr(dimse.message, "_data_set_file", None)]
    while not dimse.msg_queue.empty():
        left.append(getattr(dimse.msg_queue.get_nowait()[1], "_dataset_file", None))
    for file in left:
        if file is not None:
            file.close()
    for part in bounds.disk.glob(f"{dul.name}-*"):
        part.unlink(missing_ok=True)


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
        if _ACKNOWLEDGE_AT_ONCE is not None:
            line.setsockopt(socket.IPPROTO_TCP, _ACKNOWLEDGE_AT_ONCE, 1)
        data, have = bytearray(nr_bytes), 0
        is_known = self.assoc.requestor.primitive is not None
        ends = time.monotonic() + (self._bounds.silence_s if is_known else self._bounds.introduction_s)
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
        elif _in_memory(self.assoc.dimse) > MOST_IN_MEMORY:
            why = "a request is larger than any that is answered"
        elif self.assoc.dimse.msg_queue.qsize() > MOST_UNANSWERED:
            why = "requests come and no answer is waited for (PS3.7 D.3.3.3)"
        elif (
            self.bytes_of_instance // _LOOK_AT_DISK > before // _LOOK_AT_DISK
            and shutil.disk_usage(self._bounds.disk).free < self._bounds.spare
        ):
            why = "less than `listen.spare_mb` is free on the disk (`df -h`)"
        else:
            return
        _log.error("a caller's line was ended: %s", why)
        raise OSError(why)


class _GuardedMessages(DIMSEServiceProvider):
    """Puts messages together; pydicom, which reads commands, says nothing of their values."""

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take a part of a message."""
        parts = primitive.presentation_data_value_list
        reads_nothing = all(part[:1] == _IN_THE_MIDST for _, part in parts)
        with nullcontext() if reads_nothing else quiet_pydicom():
            super().receive_primitive(primitive)


def _in_memory(dimse: DIMSEServiceProvider) -> int:
    message = dimse.message
    if message is None or message.data_set is None:
        return 0
    return int(message.encoded_command_set.tell() + message.data_set.tell())


def stop_waiting(association: Association) -> None:
    """Wait no longer for a caller to say who he is: there is no line any more."""
    if association.requestor.primitive is None:
        heard: queue.Queue[Any] = association.dul.to_user_queue  # of primitives; pynetdicom's own None has no type
        heard.put(None)  # as if his time had run out


def _muted(association: Association, run: Callable[[], None]) -> Callable[[], None]:
    """A thread of pynetdicom that ends by what a caller sent ends without a traceback."""

    def muted() -> None:
        try:
            run()
        except Exception as error:  # noqa: BLE001 - pynetdicom's states and parsers raise whatever they come upon
            strange = f"what came is no DICOM ({type(error).__name__})"
            _log.warning("a caller's line was ended: %s", in_a_word(error) if isinstance(error, OSError) else strange)
            stop_waiting(association)

    return muted
