"""The C-STORE and C-ECHO listener (PS3.4 B, A): what it acknowledges is on disk, and a hostile caller ends his line.

Objects go to disk as they arrive, so that memory does not grow with them.
"""

import logging
import re
import secrets
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset
from pynetdicom import _config, evt
from pynetdicom.association import Association
from pynetdicom.presentation import AllStoragePresentationContexts

from medfake.datasets.pseudonyms import pseudonym
from medfake.dicom.parse import PARSE_ERRORS, read_header_elements
from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import ConfigError, DicomError, MedfakeError
from medfake.files import in_a_word
from medfake.pacs.about_series import Object
from medfake.pacs.arrivals import Arrivals, TooLargeSeriesError
from medfake.pacs.guarded_line import Bounds, next_instance, parts_in
from medfake.pacs.guarded_server import GuardedEntity, GuardedServer
from medfake.pacs.modality_text import modality_text
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
_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_OUR_PDU: Final = 1 << 18
_FEW: Final = 4
_MOST_EXPECTED: Final = 1_000_000
_LIMIT: Final = 0x03  # as the source of a rejection: the limit of associations (PS3.8 9.3.4)
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
        self.counts, self._counting = Counts(), threading.Lock()
        self._configured = ExitStack()
        entity = GuardedEntity(ae_title=settings.aet)
        entity.require_called_aet = True
        entity.require_calling_aet = list(settings.callers) or [secrets.token_hex(8)]  # an empty list lets all in
        entity.maximum_associations = settings.associations
        entity.maximum_pdu_size = _OUR_PDU
        entity.dimse_timeout = entity.network_timeout = settings.silence_s
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), list(_SYNTAXES))
        entity.add_supported_context(_VERIFICATION)
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_REJECTED, self._rejected),
        ]
        self._entity, self._handlers = entity, handlers
        self._server: GuardedServer | None = None

    def start(self) -> int:
        """Begin to listen; the port."""
        settings = self._settings
        at_once = max(_FEW, settings.associations)
        bounds = Bounds(
            settings.silence_s, settings.largest_instance_mb * MIB, settings.spare_mb * MIB, self._arrivals.incoming,
            lines=6 * at_once, strangers=4 * at_once, strangers_of_one=at_once,
        )  # fmt: skip
        try:
            self._server = GuardedServer(
                self._entity, (settings.host, settings.port), self._handlers, _context(settings), bounds, self._ended
            )
        except OSError as error:
            raise ConfigError(
                "the listener cannot listen there", where=f"{settings.host} port {settings.port}",
                received=in_a_word(error), remedy="another port under `listen` in pacs.yaml; 0 takes a free one",
            ) from None  # fmt: skip
        self._configured.enter_context(_configured(self._arrivals.incoming))
        self._server.begin()
        return self._server.port

    def stop(self) -> None:
        """Take no more; associations under way are aborted, and what they had acknowledged is on disk."""
        if self._server:
            self._server.end()
        self._configured.close()

    def _store(self, event: evt.Event) -> int:
        """Take one object; the answer is given when it is on disk."""
        next_instance(event.assoc)
        request: Any = event.request  # a C-STORE request
        part: Path | None = request._dataset_path
        if part is None:
            _log.warning("an object was refused: it has no data set")
            status, size, kept = CANNOT_UNDERSTAND, 0, False
        else:
            size, kept = part.stat().st_size, str(request.AffectedSOPClassUID or "") in IMAGES
            status = self._taken(event, part) if kept else SUCCESS
        with self._counting:
            self.counts.bytes += size
            self.counts.objects += status == SUCCESS
            self.counts.refused += status != SUCCESS
            self.counts.not_kept += status == SUCCESS and not kept
        return status

    def _taken(self, event: evt.Event, part: Path) -> int:
        request: Any = event.request
        sop_uid, sop_class = str(request.AffectedSOPInstanceUID or ""), str(request.AffectedSOPClassUID or "")
        try:
            with quiet_pydicom():
                dataset, _ = read_header_elements(part)
                header = _Header.of(dataset)
        except DicomError as error:
            _log.warning("an object was refused: %s", error.reason)
            return CANNOT_UNDERSTAND
        except PARSE_ERRORS as error:
            _log.warning("an object was refused: its header cannot be read (%s)", type(error).__name__)
            return CANNOT_UNDERSTAND
        if not all(_UID.fullmatch(uid) for uid in (header.study, header.series, sop_uid)):
            _log.warning("an object was refused: its study, series or instance UID is none (PS3.5 9.1)")
            return CANNOT_UNDERSTAND
        if header.sop_uid != sop_uid or header.sop_class != sop_class:
            _log.warning("an object was refused: it is another one than its command says")
            return MISMATCH
        key = series_key(header.study, header.series, self._key)
        caller = str(event.assoc.requestor.ae_title)
        object_ = Object(key, sop_uid, caller, id(event.assoc), header.modality, header.expected)
        try:
            reason = self._why_full(key)
            if reason is None:
                self._arrivals.take(part, object_)
        except TooLargeSeriesError:
            reason = "it has more files or bytes than `limits` in pacs.yaml takes"
        except MedfakeError as error:  # of the queue's database
            reason = error.what
        except OSError as error:
            reason = in_a_word(error)
        if reason is None:
            return SUCCESS
        if self._arrivals.refuse(object_, reason):
            _log.error("objects of a series are refused, and callers told to come later: %s", reason)
        return OUT_OF_RESOURCES

    def _why_full(self, key: str) -> str | None:
        """Why an object of a series cannot be taken now; None where it can."""
        if self._busy() and not self._arrivals.has(key):  # what has begun may come to its end
            return "as many series wait as `limits.waiting` allows"
        if shutil.disk_usage(self._arrivals.incoming).free < self._settings.spare_mb * MIB:
            return "less than `listen.spare_mb` is free on the disk (`df -h`)"
        return None

    def _ended(self, association: Association) -> None:
        self._arrivals.ended(id(association), released=association.is_released)

    def _rejected(self, event: evt.Event) -> None:
        rejection = event.assoc.acceptor.primitive
        if rejection is not None and rejection.result_source == _LIMIT:
            _log.warning("a caller was not let in: there are as many associations as `listen.associations` allows")
        else:
            _log.warning("a caller was not let in: its AE title, or the one that it calls, is not in pacs.yaml")


def series_key(study_uid: str, series_uid: str, key: bytes) -> str:
    """Keyed pseudonym by which a series is known."""
    return pseudonym(f"{study_uid}|{series_uid}", key, "series", SERIES_KEY_DIGITS)


@dataclass(frozen=True)
class _Header:
    """What the listener needs to know of an object; any text, as its sender wrote it."""

    study: str
    series: str
    sop_uid: str
    sop_class: str
    modality: str
    expected: int | None

    @classmethod
    def of(cls, dataset: Dataset) -> "_Header":
        """Of a data set, whose values may be odd enough to raise one of `PARSE_ERRORS`."""
        study, series, sop_uid, sop_class = (str(dataset.get(name, "")) for name in _UIDS)
        modality = modality_text(dataset.get("Modality", ""))
        return cls(study, series, sop_uid, sop_class, modality, _expected(dataset))


def _expected(dataset: Dataset) -> int | None:
    """Number of Series Related Instances (0020,1209), where it can be one."""
    try:
        told = int(str(dataset.get("NumberOfSeriesRelatedInstances", "")))
    except PARSE_ERRORS:
        return None
    return told if 0 < told <= _MOST_EXPECTED else None


@contextmanager
def _configured(incoming: Path) -> Iterator[None]:
    """Settings of pynetdicom, which belong to the whole process, for as long as the listener listens."""
    wanted = {
        "STORE_RECV_CHUNKED_DATASET": True, "ENFORCE_UID_CONFORMANCE": True, "LOG_REQUEST_IDENTIFIERS": False,
        "LOG_RESPONSE_IDENTIFIERS": False, "LOG_HANDLER_LEVEL": "none",
    }  # fmt: skip
    before = {name: getattr(_config, name) for name in wanted}
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)  # its lines quote what callers send
    for name, value in wanted.items():
        setattr(_config, name, value)
    try:
        with parts_in(incoming):  # on the disk on which they stay
            yield
    finally:
        for name, value in before.items():
            setattr(_config, name, value)


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
