"""The DICOMweb service of a PACS (PS3.18): searched, fetched from and stored to, with bounds on what it may answer.

Errors carry statuses and no address: addresses hold UIDs.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from medfake.errors import ConfigError, PacsError, PacsSilentError
from medfake.pacs.fetch_limits import FetchLimits, within, write_object
from medfake.pacs.found_series import FoundSeries, found_series, is_uid, value_of
from medfake.pacs.multipart_stream import CutOffError, Parts
from medfake.pacs.patience import SLOWEST, Patience
from medfake.pacs.queued_series import Address
from medfake.pacs.settings import Archive
from medfake.pacs.stow import StowAnswer, StowBody, read_answer

_PIECE: Final = 1 << 18
_AT_ONCE: Final = 1000
"""Series that are asked for at a time."""
_MOST_PAGES: Final = 200
_MOST_SERIES: Final = 100_000
"""Of one search."""
_PATIENCE: Final = 10
"""Times `archive.timeout_s` within which an answer has to be whole."""
_AS_STORED: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_FOR_NOW: Final = (401, 403, 408, 429, 500, 502, 503, 504)
"""Statuses of a service that is not at its best, or of credentials that have run out."""
_OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)
_DUPLICATE: Final = 0x0111
_INSTANCE: Final = "00080018"


class DicomWeb:
    """A client of one PACS; of one thread.

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

        from medfake.pacs.bounded_answers import bounded_session

        for name in ("dicomweb_client", "urllib3", "requests", "retrying"):  # their lines hold addresses
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._url, self._timeout_s = archive.dicomweb, archive.timeout_s
        self._session, self._cut = bounded_session(archive)
        self._client = DICOMwebClient(self._url, session=self._session, permissive_uid=True, timeout=self._timeout_s)
        self._client.host = urlsplit(self._url).netloc  # its own reading of addresses knows no IPv6
        self._client.set_http_retry_params(retry=False)  # the queue tries again, and knows how often

    def series(self, modality: str, since: date | None) -> Iterator[FoundSeries]:
        """Series of a modality whose studies are of a day or later (QIDO-RS), each once.

        Args:
            modality: (0008,0060).
            since: Study Date (0008,0020); None for all.

        Raises:
            PacsError: It does not answer, or with what is no answer, or with more series than are taken, or cannot
                be asked for all; what it said before is yielded first.
        """
        filters = {"Modality": modality} | ({"StudyDate": f"{since:%Y%m%d}-"} if since else {})
        yield from self._series_of(None, filters)

    def series_of_study(self, study_uid: str) -> list[FoundSeries]:
        """All series of a study; errors as of `series`."""
        if not is_uid(study_uid):  # it becomes a part of an address
            raise PacsError("there is no such study", received="no Study Instance UID (0020,000D)")
        return list(self._series_of(study_uid, {}))

    def has(self, address: Address, sop_uid: str) -> bool:
        """Whether it has an object; errors as of `series`."""
        with self._asked("search"):
            found = self._client.search_for_instances(
                address.study_uid, address.series_uid, search_filters={"SOPInstanceUID": sop_uid}, limit=1
            )
            return any(value_of(one, _INSTANCE) == sop_uid for one in found)  # some ignore what they are asked for

    def fetch(self, address: Address, folder: Path, limits: FetchLimits, still_ours: Callable[[], bool]) -> int:
        """Stream a series into a folder, each object as the PACS stores it, under numbers (WADO-RS).

        Args:
            address: Of the series.
            folder: That is there and empty.
            limits: How much is taken.
            still_ours: Is asked every few seconds, in another thread, too; where it says no, somebody else fetches
                the series.

        Returns:
            Number of files.

        Raises:
            PacsError: It does not answer, breaks off, takes too long, or has more than is taken.
            StorageError: The disk is nearly full.
            OSError: The disk is full.
        """
        url = f"{self._url}/studies/{address.study_uid}/series/{address.series_uid}"
        count = 0
        with self._asked("fetch", still_ours) as patience:
            asked = self._session.get(url, headers={"Accept": _AS_STORED}, timeout=self._timeout_s, stream=True)
            with asked as response:
                response.raise_for_status()
                pieces = within(limits, response.iter_content(_PIECE), patience, folder)
                for part in Parts(response.headers.get("Content-Type", ""), pieces):
                    if count >= limits.files:
                        raise PacsError(
                            "a series has more objects than are taken", where="pacs.yaml, limits.series_files",
                            received=f"more than {limits.files}", remedy="raise the limit, or leave the series out",
                        )  # fmt: skip
                    write_object(part, folder / f"{count:06d}.dcm", limits)
                    count += 1
        if not still_ours():
            raise PacsError("somebody else fetches this series")
        return count

    def store(self, file: Path, address: Address, sop_uid: str) -> None:
        """Store one object (STOW-RS).

        Args:
            file: A whole DICOM file.
            address: Of its series.
            sop_uid: SOP Instance UID (0008,0018).

        Raises:
            PacsError: It refuses.
            PacsSilentError: It does not answer, or neither says so nor lets itself be asked whether it has the object.
        """
        body = StowBody(file)
        with self._asked("store", more_s=len(body) / SLOWEST):
            response = self._session.post(
                f"{self._url}/studies", data=body, timeout=self._timeout_s,
                headers={"Content-Type": body.content_type, "Accept": "application/dicom+json"},
            )  # fmt: skip
            answer = read_answer(response.content, sop_uid)
            if not answer.refused:
                response.raise_for_status()
        if answer.stored:
            return
        if (not answer.refused or _DUPLICATE in answer.reasons) and self._confirms(address, sop_uid):
            return
        raise _not_stored(answer, response.status_code)

    def _confirms(self, address: Address, sop_uid: str) -> bool:
        try:
            return self.has(address, sop_uid)
        except PacsError:
            return False

    def _series_of(self, study_uid: str | None, filters: dict[str, Any]) -> Iterator[FoundSeries]:
        seen, offset = set[Address](), 0
        for _ in range(_MOST_PAGES):
            with self._asked("search"):
                found = self._client.search_for_series(
                    study_uid, limit=_AT_ONCE, offset=offset, search_filters=filters,
                    fields=["StudyInstanceUID", "Modality", "NumberOfSeriesRelatedInstances"],
                )  # fmt: skip
                if not isinstance(found, list):
                    raise TypeError
                page = {one.address: one for one in map(found_series, found) if one}
            new = [one for address, one in page.items() if address not in seen]
            if not new:
                if len(found) == _AT_ONCE:  # it keeps to the limit and not to the offset
                    raise PacsError(
                        "the PACS tells the same series again and again, and no others", where="DICOMweb",
                        remedy=f"it ignores `offset`: ask it for fewer than {_AT_ONCE}, see watch.look_back_days",
                    )  # fmt: skip
                return
            yield from new
            seen.update(page)
            offset += len(found)
            if len(seen) > _MOST_SERIES:
                break
        raise PacsError(
            "the PACS finds more series than are taken", where="DICOMweb", received=f"more than {len(seen)}",
            remedy="lower watch.look_back_days",
        )  # fmt: skip

    @contextmanager
    def _asked(
        self, what: str, still_ours: Callable[[], bool] | None = None, more_s: float = 0.0
    ) -> Iterator[Patience]:
        """Bound how long it takes, and turn what HTTP clients raise into one error, without addresses."""
        with Patience(self._cut, _PATIENCE * self._timeout_s + more_s, still_ours) as patience, _told(what):
            yield patience


def _not_stored(answer: StowAnswer, status: int) -> PacsError:
    if not answer.refused:
        return PacsSilentError(
            "the PACS does not say that it has stored an object", where="STOW-RS", received=f"status {status}",
            remedy="see that archive.dicomweb is the address of its DICOMweb service, and the PACS's own log",
        )  # fmt: skip
    later = bool(answer.reasons) and all(one in _OUT_OF_RESOURCES for one in answer.reasons)
    told = [f"failure reason 0x{one:04X}" for one in answer.reasons[:3]]
    return (PacsSilentError if later else PacsError)(
        "the PACS refuses an object", where="STOW-RS", received=", ".join([f"status {status}", *told]),
        remedy="see the PACS's own log",
    )  # fmt: skip


@contextmanager
def _told(what: str) -> Iterator[None]:
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
    except CutOffError:
        raise PacsSilentError(
            "the PACS broke off in the midst of a series", where="DICOMweb", remedy="see the PACS's own log"
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
