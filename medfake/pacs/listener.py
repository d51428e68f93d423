"""The C-STORE and C-ECHO listener (PS3.4 B, A): what it acknowledges is on disk, and a hostile caller ends his line.

Objects go to disk as they arrive, so that memory does not grow with them.
"""

import logging
import re
import shutil
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pynetdicom import AE, _config, evt
from pynetdicom.presentation import AllStoragePresentationContexts

from medfake.datasets.pseudonyms import pseudonym
from medfake.dicom.parse import read_header_elements
from medfake.errors import ConfigError, DicomError
from medfake.files import in_a_word
from medfake.pacs.arrivals import Arrivals, Object, TooLargeSeriesError
from medfake.pacs.guarded_server import Bounds, GuardedServer
from medfake.pacs.settings import Listen
from medfake.serving.scoring.limits import MIB

_log = logging.getLogger(__name__)
SUCCESS: Final = 0x0000
OUT_OF_RESOURCES: Final = 0xA700
MISMATCH: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
"""Statuses of C-STORE (PS3.4 B.2.3)."""
SERIES_KEY_DIGITS: Final = 32
_VERIFICATION: Final = "1.2.840.10008.1.1"
_UID: Final = re.compile(r"[0-9.]{1,64}")
_OUR_PDU: Final = 1 << 18
_SYNTAXES: Final = tuple(
    f"1.2.840.10008.1.2{suffix}"
    for suffix in (
        "", ".1", ".1.99", ".2", ".5", ".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91",
        ".4.201", ".4.202", ".4.203",
    )
)  # fmt: skip
"""Transfer syntaxes that are taken: those that `medfake.dicom` decodes."""
IMAGES: Final = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{suffix}" for suffix in ("1", "1.1", "1.1.1", "2", "2.1", "2.2", "4", "4.1", "4.4")
)  # CR, DX for presentation and processing, CT, Enhanced and Legacy Converted CT, MR, Enhanced and Legacy Converted MR
"""SOP classes of what can be judged. Others are acknowledged and not kept: a PACS that sends whole studies would stop
in the midst of one at the first object that is refused."""


@dataclass
class Counts:
    """What the listener did, for metrics; numbers alone."""

    objects: int = 0
    not_kept: int = 0
    refused: int = 0
    bytes: int = 0


class Listener:
    """The listener, from `start` to `stop`.

    Args:
        settings: Of pacs.yaml.
        arrivals: Takes the objects.
        key: Of pseudonyms.
        busy: Whether callers are to come later.

    Raises:
        ConfigError: It cannot listen there, or TLS cannot begin with these files.
    """

    def __init__(self, settings: Listen, arrivals: Arrivals, key: bytes, busy: Callable[[], bool]) -> None:
        self._settings, self._arrivals, self._key, self._busy = settings, arrivals, key, busy
        self.counts = Counts()
        _configure(arrivals.incoming)
        entity = AE(ae_title=settings.aet)
        entity.require_called_aet = True
        entity.require_calling_aet = list(settings.callers)
        entity.maximum_associations = settings.associations
        entity.maximum_pdu_size = _OUR_PDU
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = settings.silence_s
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), list(_SYNTAXES))
        entity.add_supported_context(_VERIFICATION)
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_CONN_CLOSE, self._closed),
            (evt.EVT_REJECTED, self._rejected),
        ]
        self._entity, self._handlers = entity, handlers
        self._server: GuardedServer | None = None

    def start(self) -> int:
        """Begin to listen; the port."""
        settings = self._settings
        bounds = Bounds(
            settings.silence_s, settings.largest_instance_mb * MIB, settings.spare_mb * MIB, self._arrivals.incoming,
            2 * settings.associations,
        )  # fmt: skip
        try:
            self._server = GuardedServer(
                self._entity, (settings.host, settings.port), self._handlers, _context(settings), bounds
            )
        except OSError as error:
            raise ConfigError(
                "the listener cannot listen there", where=f"{settings.host} port {settings.port}",
                received=in_a_word(error), remedy="another port under `listen` in pacs.yaml; 0 takes a free one",
            ) from None  # fmt: skip
        self._server.begin()
        return self._server.port

    def stop(self) -> None:
        """Take no more; associations under way are aborted, and what they had acknowledged is on disk."""
        if self._server:
            self._server.end()

    def _store(self, event: evt.Event) -> int:
        """Take one object; the answer is given when it is on disk."""
        part = event.dataset_path
        GuardedServer.next_instance(event.assoc)
        status = self._taken(event, part)
        if status == SUCCESS:
            self.counts.objects += 1
        else:
            self.counts.refused += 1
        return status

    def _taken(self, event: evt.Event, part: Path) -> int:
        request: Any = event.request  # a C-STORE request
        sop_uid, sop_class = str(request.AffectedSOPInstanceUID or ""), str(request.AffectedSOPClassUID or "")
        self.counts.bytes += part.stat().st_size
        if sop_class not in IMAGES:
            self.counts.not_kept += 1
            return SUCCESS
        if not self._has_room():
            return OUT_OF_RESOURCES
        try:
            dataset, _ = read_header_elements(part)
        except DicomError as error:
            _log.warning("an object was refused: %s", error.reason)
            return CANNOT_UNDERSTAND
        study, series = str(dataset.get("StudyInstanceUID", "")), str(dataset.get("SeriesInstanceUID", ""))
        if not all(_UID.fullmatch(uid) for uid in (study, series, sop_uid)):
            _log.warning("an object was refused: its study, series or instance UID is none (PS3.5 9.1)")
            return CANNOT_UNDERSTAND
        if str(dataset.get("SOPInstanceUID", "")) != sop_uid or str(dataset.get("SOPClassUID", "")) != sop_class:
            _log.warning("an object was refused: it is another one than its command says")
            return MISMATCH
        caller = str(event.assoc.requestor.ae_title)
        object_ = Object(
            series_key(study, series, self._key), sop_uid, caller, id(event.assoc), _modality(dataset),
            _expected(dataset),
        )  # fmt: skip
        try:
            self._arrivals.take(part, object_)
        except TooLargeSeriesError:
            _log.error("an object was refused: its series has more files or bytes than `limits` in pacs.yaml takes")
            return OUT_OF_RESOURCES
        except OSError as error:
            _log.error("an object was refused: %s", in_a_word(error))
            return OUT_OF_RESOURCES
        return SUCCESS

    def _has_room(self) -> bool:
        if self._busy():
            _log.warning("callers are told to come later: as many series wait as `limits.waiting` allows")
            return False
        free = shutil.disk_usage(self._arrivals.incoming).free
        if free < self._settings.spare_mb * MIB:
            _log.error("objects are refused: less than `listen.spare_mb` is free on the disk (`df -h`)")
            return False
        return True

    def _closed(self, event: evt.Event) -> None:
        """Remove what an association left half sent."""
        association = event.assoc
        self._arrivals.ended(id(association))
        message = association.dimse.message
        half = getattr(message, "_data_set_file", None)
        if half is not None:
            half.close()
            Path(half.name).unlink(missing_ok=True)

    def _rejected(self, _: evt.Event) -> None:
        _log.warning("a caller was not let in: its AE title, or the one that it calls, is not in pacs.yaml")


def series_key(study_uid: str, series_uid: str, key: bytes) -> str:
    """Keyed pseudonym by which a series is known."""
    return pseudonym(f"{study_uid}|{series_uid}", key, "series", SERIES_KEY_DIGITS)


def _modality(dataset: Any) -> str:
    return re.sub(r"[^A-Z0-9_ ]", "", str(dataset.get("Modality", "")).upper())[:16]


def _expected(dataset: Any) -> int | None:
    """Number of Series Related Instances (0020,1209)."""
    try:
        told = int(str(dataset.get("NumberOfSeriesRelatedInstances", "")))
    except ValueError:
        return None
    return told if told > 0 else None


def _configure(incoming: Path) -> None:
    """Settings of pynetdicom, which belong to the whole process."""
    _config.STORE_RECV_CHUNKED_DATASET = True
    _config.ENFORCE_UID_CONFORMANCE = True
    _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
    _config.LOG_HANDLER_LEVEL = "none"
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)  # its lines quote what callers send
    tempfile.tempdir = str(incoming)  # where pynetdicom writes what arrives: on the disk on which it stays


def _context(settings: Listen) -> ssl.SSLContext | None:
    """TLS 1.2 and above, for callers with a certificate alone (PS3.15 B.9, B.10); None where there is to be none."""
    if settings.tls is None:
        return None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(settings.tls.certificate, settings.tls.key, lambda: "")
        context.load_verify_locations(settings.tls.callers_ca)
    except (OSError, ValueError) as error:
        raise ConfigError(
            "TLS cannot begin with these files", where="listen.tls in pacs.yaml", received=in_a_word(error),
            remedy="certificate, key (without a passphrase) and callers_ca are PEM files",
        ) from None  # fmt: skip
    context.verify_mode = ssl.CERT_REQUIRED
    return context
