"""The DICOMweb service of a PACS (PS3.18): searched, fetched from and stored to, with bounds on what it may answer.

Errors carry statuses and no address: addresses hold UIDs.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medfake.errors import ConfigError, PacsError, PacsSilentError
from medfake.pacs.bounded_answers import BoundedAnswers
from medfake.pacs.queued_series import Address
from medfake.pacs.settings import Archive, credentials

if TYPE_CHECKING:
    import requests

_log = logging.getLogger(__name__)
_CHUNK: Final = 1 << 20
_AT_ONCE: Final = 1000
"""Series that are asked for at a time."""
_ANY_TYPE: Final = 'type="*/*"'
_AS_STORED: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_UID: Final = re.compile(r"[0-9.]{1,64}")
_FOR_NOW: Final = (408, 429, 500, 502, 503, 504)
"""Statuses of a service that is not at its best."""
_STUDY, _SERIES, _MODALITY, _INSTANCES = "0020000D", "0020000E", "00080060", "00201209"
_FAILED, _REASON = "FailedSOPSequence", "FailureReason"


@dataclass(frozen=True)
class FoundSeries:
    """A series that a PACS has.

    Attributes:
        modality: (0008,0060).
        instances: (0020,1209); None where the PACS does not say.
    """

    address: Address
    modality: str
    instances: int | None


class DicomWeb:
    """A client of one PACS.

    Args:
        archive: Of pacs.yaml; `dicomweb` is set.

    Raises:
        ConfigError: There is no address, or the files of TLS cannot be used.
    """

    def __init__(self, archive: Archive) -> None:
        if archive.dicomweb is None:
            raise ConfigError(
                "there is no PACS to ask", where="pacs.yaml, archive.dicomweb",
                remedy="archive: {dicomweb: http://127.0.0.1:8042/dicom-web}, or medfake pacs init",
            )  # fmt: skip
        from dicomweb_client.api import DICOMwebClient

        for name in ("dicomweb_client", "urllib3", "requests"):  # their lines hold addresses
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._url, self._timeout_s = archive.dicomweb, archive.timeout_s
        self._session = _session(archive)
        self._client = DICOMwebClient(
            self._url, session=self._session, chunk_size=_CHUNK, permissive_uid=True, timeout=archive.timeout_s
        )
        self._client.set_http_retry_params(retry=False)  # the queue tries again, and knows how often

    def series(self, modality: str, since: date | None) -> Iterator[FoundSeries]:
        """Series of a modality whose studies are of a day or later (QIDO-RS).

        Args:
            modality: (0008,0060).
            since: Study Date (0008,0020); None for all.

        Raises:
            PacsError: It does not answer, or with what is no answer.
        """
        filters = {"Modality": modality} | ({"StudyDate": f"{since:%Y%m%d}-"} if since else {})
        yield from self._series_of(None, filters)

    def series_of_study(self, study_uid: str) -> list[FoundSeries]:
        """All series of a study; errors as of `series`."""
        return list(self._series_of(study_uid, {}))

    def has(self, address: Address, sop_uid: str) -> bool:
        """Whether it has an object; errors as of `series`."""
        with _asked("search"):
            found = self._client.search_for_instances(
                address.study_uid, address.series_uid, search_filters={"SOPInstanceUID": sop_uid}, limit=1
            )
        return bool(found)

    def fetch(
        self, address: Address, folder: Path, most_bytes: int, most_files: int, still_ours: Callable[[], bool]
    ) -> int:
        """Stream a series into a folder, each object as the PACS stores it, under numbers (WADO-RS).

        Args:
            address: Of the series.
            folder: That is there and empty.
            most_bytes: Of the series.
            most_files: Of the series.
            still_ours: Is asked after each object; where it says no, somebody else fetches the series.

        Returns:
            Number of files.

        Raises:
            PacsError: It does not answer, breaks off, or has more than is taken.
            OSError: The disk is full.
        """
        url = f"{self._url}/studies/{address.study_uid}/series/{address.series_uid}"
        count = 0
        with _asked("fetch"), BoundedAnswers(self._session, most_bytes) as answer:
            for part in self._client.iter_bulkdata(url):
                if count >= most_files:
                    raise PacsError(
                        "a series has more objects than are taken", where="pacs.yaml, limits.series_files",
                        received=f"more than {most_files}", remedy="raise the limit, or leave the series out",
                    )  # fmt: skip
                (folder / f"{count:06d}.dcm").write_bytes(part)
                count += 1
                if not still_ours():
                    raise PacsError("somebody else fetches this series")
            if not answer.is_whole:
                raise PacsSilentError(
                    "the PACS broke off in the midst of a series", where="DICOMweb", remedy="see the PACS's own log"
                )
        return count

    def store(self, file: Path) -> None:
        """Store one object (STOW-RS).

        Raises:
            PacsError: It does not answer, or refuses.
        """
        from pydicom import dcmread

        with _asked("store"):
            answer = self._client.store_instances([dcmread(file)])
        failed = answer.get(_FAILED) or ()
        if failed:
            raise PacsError(
                "the PACS refuses an object", where="STOW-RS", remedy="see the PACS's own log",
                received=", ".join(f"failure reason 0x{int(one.get(_REASON, 0)):04X}" for one in failed),
            )  # fmt: skip

    def _series_of(self, study_uid: str | None, filters: dict[str, Any]) -> Iterator[FoundSeries]:
        offset = 0
        while True:
            with _asked("search"):
                found = self._client.search_for_series(
                    study_uid, limit=_AT_ONCE, offset=offset, search_filters=filters,
                    fields=["StudyInstanceUID", "Modality", "NumberOfSeriesRelatedInstances"],
                )  # fmt: skip
                if not isinstance(found, list):
                    raise TypeError
                series = [_found(one) for one in found]
            yield from (one for one in series if one)
            if len(found) < _AT_ONCE:
                return
            offset += len(found)


def _found(values: dict[str, Any]) -> FoundSeries | None:
    """A series of an answer; None where the answer makes no sense."""
    study, series = _value(values, _STUDY), _value(values, _SERIES)
    if not (_UID.fullmatch(study) and _UID.fullmatch(series)):  # they become parts of addresses
        return None
    told = _value(values, _INSTANCES)
    instances = int(told) if told.isdecimal() and len(told) < 10 else None
    return FoundSeries(Address(study, series), _value(values, _MODALITY), instances)


def _value(values: dict[str, Any], tag: str) -> str:
    element = values.get(tag)
    first = (element.get("Value") or [""])[0] if isinstance(element, dict) else ""
    return first if isinstance(first, str) else str(first) if isinstance(first, int) else ""


def _session(archive: Archive) -> "requests.Session":
    import requests
    from requests.adapters import HTTPAdapter

    class AsStored(HTTPAdapter):
        """Asks for objects as they are stored: the client asks for any type, which some servers refuse."""

        def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
            if _ANY_TYPE in request.headers.get("Accept", ""):
                request.headers["Accept"] = _AS_STORED

    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, AsStored())
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
    return session


@contextmanager
def _asked(what: str) -> Iterator[None]:
    """Turn what HTTP clients raise into one error, without addresses."""
    import requests

    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "none"
        kind = PacsSilentError if status in _FOR_NOW else PacsError
        raise kind(
            f"the PACS refuses to {what}", where="DICOMweb", received=f"status {status}", remedy=_remedy(status)
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:  # JSON that is none, too
        raise PacsError(
            f"the PACS answers with what is no answer ({what})", where="DICOMweb", received=type(error).__name__,
            remedy="see that archive.dicomweb is the address of its DICOMweb service",
        ) from None  # fmt: skip
    except requests.RequestException as error:
        raise PacsSilentError(
            f"the PACS does not answer ({what})", where="archive.dicomweb", received=type(error).__name__,
            remedy="see that it runs and that the address is right",
        ) from None  # fmt: skip


def _remedy(status: int | str) -> str:
    if status in (401, 403):
        return "set MEDFAKE_PACS_USER and MEDFAKE_PACS_PASSWORD, or MEDFAKE_PACS_TOKEN"
    return "see the PACS's own log"
