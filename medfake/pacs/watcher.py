"""Finds new series in a PACS by polling (QIDO-RS), and fetches those that are in the queue (WADO-RS)."""

import logging
import os
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from medfake.errors import MedfakeError, PacsError, PacsSilentError
from medfake.files import in_a_word
from medfake.pacs.arrivals import FOLDER_OF_FILES
from medfake.pacs.dicomweb import DicomWeb
from medfake.pacs.fetch_limits import FetchLimits, require_room
from medfake.pacs.found_series import FoundSeries
from medfake.pacs.listener import series_key
from medfake.pacs.queued_series import UNDER_WAY, NewSeries, Origin, QueuedSeries, State
from medfake.pacs.retries import failed
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import PacsSettings
from medfake.serving.scoring import job_files
from medfake.serving.scoring.limits import MIB

_log = logging.getLogger(__name__)
_LOOK_AGAIN_S: Final = 1.0


@dataclass
class _Growing:
    """A series that is not in the queue yet; the time is that of `time.monotonic`, s."""

    instances: int | None
    unchanged_since: float


class Watcher:
    """Looks at a PACS, and puts what is new or has grown into the queue once it has come to rest.

    No time that the PACS tells is compared with one of this machine: what grows is noticed by its number of instances
    between two looks.

    Args:
        web: The PACS.
        queue: Of series.
        settings: What is looked for.
        key: Of pseudonyms.
        clock: Of this machine; s.
    """

    def __init__(
        self,
        web: DicomWeb,
        queue: SeriesQueue,
        settings: PacsSettings,
        key: bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._web, self._queue, self._settings, self._key, self._clock = web, queue, settings, key, clock
        self._growing: dict[str, _Growing] = {}
        self.looks = 0
        self._said = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def look(self) -> int:
        """Look once; how many series were put into the queue.

        Raises:
            PacsError: It does not answer, or of some modality with what is no answer; all others were looked at.
        """
        added, seen, fault = 0, set[str](), None
        for modality in self._settings.watch.modalities:
            try:
                for found in self._web.series(modality, self._since()):
                    key = series_key(found.address.study_uid, found.address.series_uid, self._key)
                    seen.add(key)
                    if self._is_new(key, found) and self._at_rest(key, found):
                        if self._queue.waiting() >= self._settings.limits.waiting:
                            return added  # the next look comes by it again
                        self._growing.pop(key, None)
                        added += self._queue.add_unless_under_way(arrival(key, found, Origin.WATCH))
            except PacsSilentError:
                raise
            except PacsError as error:
                fault = error
        self._growing = {key: one for key, one in self._growing.items() if key in seen}
        if fault is not None:
            raise fault
        self.looks += 1
        return added

    def _is_new(self, key: str, found: FoundSeries) -> bool:
        """Whether it never came, or the PACS tells of more objects than it told of, or sent, when it came last.

        It may tell of objects that it gives to nobody: what came is then no measure of what has grown.
        """
        last = self._queue.last_of(key)
        if last is None:
            return True
        sent_to_us = last.origin is Origin.LISTEN or last.expected is None
        before = last.files if sent_to_us else last.expected
        return last.state not in UNDER_WAY and found.instances is not None and found.instances > (before or 0)

    def _at_rest(self, key: str, found: FoundSeries) -> bool:
        now, known = self._clock(), self._growing.get(key)
        if known is None or known.instances != found.instances:
            self._growing[key] = known = _Growing(found.instances, now)
        return now - known.unchanged_since >= self._settings.watch.unchanged_s

    def _since(self) -> date | None:
        days = self._settings.watch.look_back_days
        return None if days is None else datetime.now(UTC).date() - timedelta(days=days)

    def _run(self) -> None:
        while not self._stopping.is_set():
            said = ""
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - whatever a PACS or a database does, the next look may succeed
                said = error.what if isinstance(error, MedfakeError) else in_a_word(error)
            if said != self._said:
                again = f"{said}; looking again every {self._settings.watch.every_s:g} s"
                _log.warning("%s", again if said else "the PACS answers again")
                self._said = said
            pause_s = self._settings.watch.every_s
            growing = bool(self._growing)
            self._stopping.wait(min(pause_s, self._settings.watch.unchanged_s) if growing else pause_s)


class Fetcher:
    """A thread that fetches series, from `start` to `stop`.

    Args:
        web: The PACS; of this thread alone.
        queue: Of series.
        folder_of: Where a series lies.
        settings: How much is taken, how often something is tried.
        fetched: Is called when a series is there.
    """

    def __init__(
        self,
        web: DicomWeb,
        queue: SeriesQueue,
        folder_of: Callable[[str], Path],
        settings: PacsSettings,
        fetched: Callable[[], object],
    ) -> None:
        self._web, self._queue, self._folder_of, self._settings = web, queue, folder_of, settings
        self._fetched = fetched
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fetcher", daemon=True)

    def start(self) -> None:
        """Begin to fetch."""
        self._thread.start()

    def stop(self) -> None:
        """Fetch no more."""
        self._stopping.set()

    def fetch_next(self) -> bool:
        """Fetch the next series; False where there is none."""
        series = self._queue.take(State.FETCH)
        if series is None:
            return False
        try:
            with self._queue.holding(series.id, State.FETCH) as lost:
                files = self._fetch(series, lost)
        except Exception as error:  # noqa: BLE001 - whatever a PACS, a library or a disk does, it counts as a try
            failed(self._queue, series, State.FETCH, error, self._settings)
        else:
            if self._queue.fetched(series.id, files):
                self._fetched()
        return True

    def _fetch(self, series: QueuedSeries, lost: threading.Event) -> int:
        if series.address is None:
            raise PacsError("nobody knows any more where this series is in the PACS")
        folder = self._folder_of(series.id)
        limits, listen = self._settings.limits, self._settings.listen
        spare_bytes = listen.spare_mb * MIB
        require_room(folder.parent, spare_bytes)
        for old in (*folder.parent.glob(f".{folder.name}*"), folder):  # of those whose lease ran out, or were killed
            job_files.remove(old)
        partial = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")  # nobody else's, should our lease run out
        (partial / FOLDER_OF_FILES).mkdir(mode=0o700, parents=True)

        def still_ours() -> bool:
            with suppress(OSError):  # whoever has it now has removed it
                os.utime(partial)  # somebody is at work in it
            return not lost.is_set()

        taken = FetchLimits(
            limits.series_mb * MIB, limits.series_files, listen.largest_instance_mb * MIB, spare_bytes
        )  # fmt: skip
        try:
            files = self._web.fetch(series.address, partial / FOLDER_OF_FILES, taken, still_ours)
            if not files:
                raise PacsSilentError("the PACS has no object of this series any more")
            job_files.synced(partial)
            if not self._queue.renew(series.id, State.FETCH):
                raise PacsError("somebody else works on this series")
            partial.rename(folder)
        finally:
            job_files.remove(partial)
        job_files.synced_name(folder)
        return files

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.fetch_next():
                    continue
            except Exception as error:  # noqa: BLE001 - database or disk may come back; the lease runs out meanwhile
                _log.error("%s", error.what if isinstance(error, MedfakeError) else in_a_word(error))
            self._stopping.wait(_LOOK_AGAIN_S)


def arrival(key: str, found: FoundSeries, origin: Origin) -> NewSeries:
    """A series of a PACS that is to be fetched."""
    return NewSeries(
        uuid.uuid4().hex, key, origin, modality=found.modality, files=found.instances or 0,
        expected=found.instances, address=found.address,
    )  # fmt: skip
