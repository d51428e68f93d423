"""What a running service is made of, and how it begins and ends."""

import asyncio
import logging
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from medfake.errors import MedfakeError
from medfake.files import in_a_word
from medfake.locks import exclusive_lock, is_held
from medfake.serving.calibration import read_calibration
from medfake.serving.database import open_database
from medfake.serving.monitoring.recorder import Recorder
from medfake.serving.monitoring.served import ServedScan
from medfake.serving.scoring import job_files
from medfake.serving.scoring.detectors import Detectors
from medfake.serving.scoring.pool import HowToScore, Pool
from medfake.serving.scoring.progress import Progress
from medfake.serving.service.incoming import Incoming
from medfake.serving.service.job_store import ENDED, Job, JobStore, State
from medfake.serving.service.metrics import Metrics
from medfake.serving.service.refusals import TooManyError, UnavailableError
from medfake.serving.service.settings import Settings
from medfake.serving.service.tokens import Sessions

_log = logging.getLogger(__name__)
_CLEAN_EVERY_S: Final = 60.0
_ORPHAN_S: Final = 600.0
_ASKED_AT_ONCE: Final = 1000  # folders; databases take so many values in a statement and not all that there may be
_POLL_S: Final = 1.0  # for a job that another process of the service ended
_WORKER: Final = "medfake.serving.service.worker"
_LOCK: Final = "alive.lock"
_OWNER: Final = re.compile(r"[0-9a-f]{32}")


class Service:
    """One process of the service.

    Args:
        settings: What it was told.

    Raises:
        StorageError: The database or the data folder cannot be used.
        ConfigError: The database is none that is known.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.owner = uuid.uuid4().hex
        self.jobs, self.models = settings.data / "jobs", settings.data / "models"
        self._arriving = settings.data / "incoming"
        self.arriving = self._arriving / self.owner
        for folder in (settings.data, self.jobs, self.models, self._arriving, self.arriving):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = open_database(settings.database)
        self.store = JobStore(engine, settings.database, self.owner, settings.lease_s)
        self.recorder = Recorder(engine, settings.keep_records_days)
        self.sessions = Sessions(settings.tokens, settings.data)
        self.metrics = Metrics()
        how = HowToScore(_WORKER, settings.workers, settings.lease_s, settings.limits, "send the scans again")
        self.pool = Pool(how, self.store, self.jobs, self.metrics, self._ended, self._record)
        calibration = read_calibration(settings.calibration).model_dump_json() if settings.calibration else ""
        self.detectors = Detectors(settings.model, self.models, settings.watch_s, self.pool.serve, calibration)
        self.uploads = 0
        self.stopping = False
        self._waiting: dict[str, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._held = ExitStack()
        self._stop_cleaning = threading.Event()
        self._cleaner = threading.Thread(target=self._clean_up, name="cleaner", daemon=True)

    def start(self) -> None:
        """Begin to watch the registry, to score and to clean up; to be called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._held.enter_context(exclusive_lock(self.arriving / _LOCK, "another service"))
        self.pool.start()
        self.detectors.start()
        self._cleaner.start()

    def stop(self) -> None:
        """Take no more, put what is under way back into the queue, end all processes."""
        self.begin_to_stop()
        self._stop_cleaning.set()
        self.detectors.stop()
        self.pool.stop()
        self._held.close()
        job_files.remove(self.arriving)

    def begin_to_stop(self) -> None:
        """Take no more jobs; who waits for one is told where to ask for it later."""
        self.stopping = True
        if self._loop:
            self._loop.call_soon_threadsafe(self._wake_all)

    @contextmanager
    def upload(self) -> Iterator[None]:
        """Count an upload while the block lasts; in the event loop, so that no two take the last place.

        Raises:
            UnavailableError: The service stops, or takes as many uploads as it can.
        """
        limits = self.settings.limits
        if self.stopping:
            raise UnavailableError(
                "the service is stopping", remedy="send the scans again in a moment", retry_after_s=10
            )
        if self.uploads >= limits.uploads:
            raise UnavailableError(
                f"{limits.uploads} uploads are under way", remedy="send the scans again in a moment", retry_after_s=5
            )
        self.uploads += 1
        try:
            yield
        finally:
            self.uploads -= 1

    def require_room_in_queue(self) -> None:
        """Refuse an upload that would wait too long.

        Raises:
            TooManyError: The queue is full.
        """
        limits = self.settings.limits
        if self.store.counts()[State.QUEUED] >= limits.queue:
            raise TooManyError(
                f"{limits.queue} jobs wait already", where="the queue", remedy="send the scans again later",
                retry_after_s=60,
            )  # fmt: skip

    def begin(self, incoming: Incoming, files: int) -> Job:
        """Make a job of an upload that is whole, and have it scored."""
        job_id = uuid.uuid4().hex
        folder = self.jobs / job_id
        incoming.keep(folder)
        try:
            job = self.store.add(job_id, Progress(files=files), incoming.size)
        except BaseException:
            job_files.remove(folder)
            raise
        self.pool.wake()
        return job

    async def wait(self, job_id: str, seconds: float) -> Job | None:
        """Wait until a job has ended, or the service stops, but no longer than so many seconds."""
        event = self._waiting.setdefault(job_id, asyncio.Event())
        ends = time.monotonic() + seconds
        try:
            while True:
                job = await asyncio.to_thread(self.store.find, job_id)
                left = ends - time.monotonic()
                if job is None or job.state in ENDED or left <= 0 or self.stopping:
                    return job
                try:
                    async with asyncio.timeout(min(left, _POLL_S)):
                        await event.wait()
                except TimeoutError:
                    continue
                event.clear()
        finally:
            self._waiting.pop(job_id, None)

    def delete(self, job_id: str) -> bool:
        """Delete a job and all that is kept of it; False where there is none."""
        job = self.store.find(job_id)
        if job is None or not self.store.delete(job_id):
            return False
        self.pool.cancel(job_id)
        job_files.remove(self.jobs / job_id)
        if job.state is not State.RUNNING:  # otherwise whoever works on it removes the rest, or the next cleaning
            self.store.forget(job_id)
        return True

    def _record(self, key: str, said: dict[str, Any]) -> None:
        self.recorder.record({key: ServedScan.from_json(said)})

    def _ended(self, job_id: str) -> None:
        event = self._waiting.get(job_id)
        if event and self._loop:
            self._loop.call_soon_threadsafe(event.set)

    def _wake_all(self) -> None:
        for event in self._waiting.values():
            event.set()

    def _clean_up(self) -> None:
        while True:
            try:
                self._remove_outdated()
                self._remove_orphans()
            except (MedfakeError, OSError) as error:  # out of reach for a while, or another process was faster
                _log.error("%s", error.what if isinstance(error, MedfakeError) else in_a_word(error))
            if self._stop_cleaning.wait(_CLEAN_EVERY_S):
                return

    def _remove_outdated(self) -> None:
        for job_id in self.store.outdated(self.settings.keep_s):
            self.store.delete(job_id)
            self.pool.cancel(job_id)
            job_files.remove(self.jobs / job_id)
            self.store.forget(job_id)

    def _remove_orphans(self) -> None:
        """Folders that a killed process left: uploads that never became a job, jobs that were being deleted."""
        old = _unchanged_since(time.time() - _ORPHAN_S, self.jobs)
        for start in range(0, len(old), _ASKED_AT_ONCE):
            some = old[start : start + _ASKED_AT_ONCE]
            for name in set(some) - self.store.known(some):
                job_files.remove(self.jobs / name)
        for one in self._arriving.iterdir():
            if _OWNER.fullmatch(one.name) and one != self.arriving and not is_held(one / _LOCK):
                job_files.remove(one)


def _unchanged_since(moment: float, folder: Path) -> list[str]:
    """Names in a folder; what goes while it is looked at, as a job does once it is answered, is not among them."""
    names = []
    with os.scandir(folder) as entries:
        for one in entries:
            with suppress(FileNotFoundError):
                if one.stat().st_mtime < moment:
                    names.append(one.name)
    return names
