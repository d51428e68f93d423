"""Where result objects go: a DICOMweb service, a C-STORE peer, or a folder where nothing is to be sent."""

import logging
import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from medfake.dicom.parse import PARSE_ERRORS
from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import ConfigError, PacsError, PacsSilentError, StorageError
from medfake.files import in_a_word
from medfake.pacs.dicomweb import DicomWeb
from medfake.pacs.queued_series import Address
from medfake.pacs.settings import Archive, ClientTLS, Store

if TYPE_CHECKING:
    from pynetdicom.association import Association

_SUCCESS: Final = 0x0000
_WARNINGS: Final = range(0xB000, 0xC000)
_OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)
_NOT_AUTHORIZED: Final = 0x0124
"""Statuses of C-STORE (PS3.4 B.2.3, PS3.7 C)."""
_TRANSIENT: Final = 2
"""Result of an A-ASSOCIATE-RJ (PS3.8 9.3.4)."""


class Outlet(Protocol):
    """A place for result objects."""

    def has(self, file: Path) -> bool:
        """Whether an object is there; False where nobody can be asked."""

    def store(self, file: Path) -> None:
        """Put an object there.

        Raises:
            PacsError: It is refused, or nobody answers.
        """


@dataclass(frozen=True)
class DicomWebOutlet:
    """STOW-RS, with QIDO-RS to see whether an object that was under way had arrived."""

    archive: DicomWeb

    def has(self, file: Path) -> bool:
        """Whether an object is there."""
        return self.archive.has(*_identifiers(file))

    def store(self, file: Path) -> None:
        """Put an object there."""
        self.archive.store(file, *_identifiers(file))


@dataclass(frozen=True)
class CStoreOutlet:
    """C-STORE to a peer (PS3.4 B), with QIDO-RS to see whether an object had arrived where the archive has it.

    Attributes:
        peer: Who takes objects.
        timeout_s: Within which it has to answer.
        archive: Of the same PACS; None where it has no DICOMweb: then an object whose sending was cut off is sent
            again, with the same UIDs and bytes.
    """

    peer: Store
    timeout_s: float
    archive: DicomWeb | None

    def has(self, file: Path) -> bool:
        """Whether an object is there."""
        return self.archive is not None and DicomWebOutlet(self.archive).has(file)

    def store(self, file: Path) -> None:
        """Put an object there."""
        from pydicom import dcmread

        with _reading():
            dataset = dcmread(file)
            kind, syntax = str(dataset.SOPClassUID), str(dataset.file_meta.TransferSyntaxUID)
        association = self._associate(kind, syntax)
        try:
            with quiet_pydicom():
                answer = association.send_c_store(dataset)
        except (ValueError, RuntimeError) as error:
            raise PacsError(
                "the PACS takes no such object", where="C-STORE", received=type(error).__name__, remedy=_KINDS
            ) from None
        finally:
            if association.is_established:
                association.release()
        if "Status" not in answer:
            raise PacsSilentError("the PACS broke off while it was sent an object", where="C-STORE", remedy=_RUNS)
        if answer.Status != _SUCCESS and answer.Status not in _WARNINGS:
            later = answer.Status in _OUT_OF_RESOURCES or answer.Status == _NOT_AUTHORIZED
            raise (PacsSilentError if later else PacsError)(
                "the PACS refuses an object", where="C-STORE", received=f"status 0x{answer.Status:04X}",
                remedy="see the PACS's own log",
            )  # fmt: skip

    def _associate(self, kind: str, syntax: str) -> "Association":
        from pynetdicom import AE, _config

        _config.LOG_HANDLER_LEVEL = "none"
        _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
        entity = AE(ae_title=self.peer.calling_aet)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = self.timeout_s
        entity.connection_timeout = self.timeout_s
        entity.add_requested_context(kind, syntax)
        tls = (_client_context(self.peer.tls), self.peer.host) if self.peer.tls else None
        association = entity.associate(self.peer.host, self.peer.port, ae_title=self.peer.aet, tls_args=tls)
        if association.is_established:
            return association
        if association.is_rejected:
            said = association.acceptor.primitive
            later = said is not None and said.result == _TRANSIENT
            raise (PacsSilentError if later else PacsError)(
                "the PACS does not let medfake in" + " now" * later, where="archive.store",
                remedy=f"let AE title {self.peer.calling_aet} in there, and see that its own is {self.peer.aet}",
            )  # fmt: skip
        if association.rejected_contexts:
            raise PacsError("the PACS takes no such object", where="C-STORE", remedy=_KINDS)
        raise PacsSilentError("the PACS does not answer (C-STORE)", where="archive.store", remedy=_RUNS)


@dataclass(frozen=True)
class FolderOutlet:
    """A folder that holds what would have been sent, a folder a series."""

    folder: Path

    def has(self, file: Path) -> bool:
        """Whether an object is there."""
        return self._place(file).exists()

    def store(self, file: Path) -> None:
        """Put an object there."""
        place = self._place(file)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(file, place)

    def _place(self, file: Path) -> Path:
        return self.folder / file.parent.parent.name / file.name


_RUNS: Final = "see that it runs, and that host and port are right"
_KINDS: Final = "see which SOP classes it takes, or leave the kind out of `results` in pacs.yaml"


def outlet_of(archive: Archive, dry_run: Path | None) -> Outlet:
    """Where results go by the settings.

    Raises:
        ConfigError: Nobody says where, or files of TLS cannot be used.
    """
    if dry_run is not None:
        return FolderOutlet(dry_run)
    web = DicomWeb(archive) if archive.dicomweb else None
    if archive.store:
        if archive.store.tls:
            _client_context(archive.store.tls)  # says at once what is wrong with it
        return CStoreOutlet(archive.store, archive.timeout_s, web)
    if web:
        return DicomWebOutlet(web)
    raise ConfigError(
        "nobody says where verdicts go", where="pacs.yaml, archive",
        remedy="set archive.dicomweb or archive.store, or --dry-run FOLDER to keep them here",
    )  # fmt: skip


def _client_context(tls: ClientTLS) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate and tls.key:
            context.load_cert_chain(tls.certificate, tls.key, lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigError(
            "TLS cannot begin with these files", where="archive.store.tls in pacs.yaml", received=in_a_word(error),
            remedy="ca, certificate and key (without a passphrase) are PEM files",
        ) from None  # fmt: skip
    return context


def _identifiers(file: Path) -> tuple[Address, str]:
    """Where an object belongs, and its SOP Instance UID."""
    from pydicom import dcmread

    with _reading():
        dataset = dcmread(file, stop_before_pixels=True)
        address = Address(str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID))
        return address, str(dataset.SOPInstanceUID)


@contextmanager
def _reading() -> Iterator[None]:
    """Read a result object; what pydicom says of its values would quote them."""
    try:
        with quiet_pydicom():
            yield
    except OSError:
        raise
    except PARSE_ERRORS:
        raise StorageError("a result is damaged on the disk", remedy="send the series again") from None
