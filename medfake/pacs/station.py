"""What a running `medfake pacs` is made of: series come in, are judged, and their verdicts go out."""

import hashlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from medfake.datasets.pseudonyms import KEY_VARIABLE, key_file, pseudonym_key
from medfake.errors import ConfigError, MedfakeError
from medfake.files import in_a_word, path_text, write_json
from medfake.locks import waiting_turn
from medfake.pacs.about_series import ABOUT
from medfake.pacs.alarm_queue import AlarmQueue
from medfake.pacs.alarms import AlarmSender
from medfake.pacs.outlets import outlet_of
from medfake.pacs.queued_series import QueuedSeries, State
from medfake.pacs.scoring_jobs import ScoringJobs
from medfake.pacs.sender import Sender
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import PacsSettings
from medfake.pacs.startup_checks import require_usable
from medfake.serving.database import open_database
from medfake.serving.monitoring.recorder import Recorder
from medfake.serving.monitoring.served import ServedScan
from medfake.serving.scoring import job_files
from medfake.serving.scoring.detectors import Detectors
from medfake.serving.scoring.limits import MIB, ScoringLimits
from medfake.serving.scoring.pool import HowToScore, Pool
from medfake.tracking.store_errors import store_name

_log = logging.getLogger(__name__)
_IDENTITY: Final = "queue.json"
"""Says of a data folder which one it is, wherever it is mounted."""
_WORKER: Final = "medfake.pacs.worker"
_LEASE_S: Final = 15.0
_WATCH_REGISTRY_S: Final = 2.0
_LOOK_S: Final = 0.25
_CLEAN_EVERY_S: Final = 60.0
_ORPHAN_S: Final = 3600.0
_CHANCES: Final = 2  # nobody sends a series again because a scoring process was killed
_DAY_S: Final = 86_400.0
_AGAIN: Final = "medfake pacs retry ID"


@dataclass(frozen=True)
class Places:
    """Where a station keeps what it has, and who hears of it.

    Attributes:
        data: Folder of series, of this user alone.
        database: Of the queue, see `medfake.serving.database`.
        dry_run: Folder that results go into instead of the PACS; None to send them.
        tell: Takes each series that is done or given up.
    """

    data: Path
    database: str
    dry_run: Path | None = None
    tell: Callable[[QueuedSeries], object] = lambda _: None


class Station:
    """Everything but how series come in; `with` it, it judges and sends.

    Args:
        settings: Of pacs.yaml.
        places: Where things are.

    Raises:
        ConfigError: Nobody says where verdicts go, or files of TLS cannot be used.
        StorageError: The database or the folder cannot be used.
    """

    def __init__(self, settings: PacsSettings, places: Places) -> None:
        require_usable(settings)
        self.settings, self._places = settings, places
        self.owner = uuid.uuid4().hex
        self.series, models = places.data / "series", places.data / "models"
        for folder in (places.data, self.series, models):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        outlet = outlet_of(settings.archive, places.dry_run)
        engine = open_database(places.database)
        self.queue = SeriesQueue(engine, places.database, self.owner, _LEASE_S, settings.limits.longest_retry_s)
        self.key = pseudonym_key("private")
        self._require_shared()
        self._recorder = Recorder(engine, settings.limits.keep_days)
        self._sender = Sender(self.queue, self.folder_of, outlet, settings, self._ended)
        self._alarms = AlarmSender(AlarmQueue(engine, places.database), settings)
        jobs = ScoringJobs(self.queue, self.folder_of, settings, self._judged)
        limits = ScoringLimits(expanded_bytes=settings.limits.series_mb * MIB)
        how = HowToScore(_WORKER, settings.workers, _LEASE_S, limits, _AGAIN, keeps_failed=True, chances=_CHANCES)
        self._pool = Pool(how, jobs, self.series, _Uncounted(), _ignore, self._record)
        self._detectors = Detectors(settings.model, models, _WATCH_REGISTRY_S, self._pool.serve)
        self._stopping = threading.Event()
        self._cleaner = threading.Thread(target=self._clean_up, name="cleaner", daemon=True)

    def __enter__(self) -> Self:
        self._detectors.start()
        self._pool.start()
        self._sender.start()
        self._alarms.start()
        self._cleaner.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Put what is under way back into the queue and end all processes."""
        self._stopping.set()
        self._detectors.stop()
        self._pool.stop()
        self._sender.stop()
        self._alarms.stop()

    def _require_shared(self) -> None:
        """Refuse a queue whose files lie elsewhere, or whose series have other pseudonyms.

        Raises:
            ConfigError: It is of another data folder, or of another key.
        """
        file = self.series.parent / _IDENTITY
        with waiting_turn(file):
            if not file.exists():
                write_json(file, {"queue": uuid.uuid4().hex})
        identity = str(json.loads(file.read_text(encoding="utf-8"))["queue"])
        if not self.queue.bind("data", identity):
            raise ConfigError(
                "this queue is of another data folder, where its files lie", where=store_name(self._places.database),
                received=f"--data {path_text(self.series.parent)}",
                remedy="--data, the same folder for all who share a queue; or another --database",
            )  # fmt: skip
        if not self.queue.bind("key", hashlib.sha256(b"medfake pacs" + self.key).hexdigest()):
            raise ConfigError(
                "the series of this queue were named with another key of pseudonyms", where=path_text(key_file()),
                remedy=f"{KEY_VARIABLE}=FILE, the same key for all who share a queue",
            )  # fmt: skip

    def folder_of(self, series_id: str) -> Path:
        """Where a series lies."""
        return self.series / series_id

    def wake(self) -> None:
        """There may be something to judge."""
        self._pool.wake()

    @property
    def detector(self) -> str:
        """What judges now, or why nothing does."""
        package = self._pool.package
        return package.name if package else self._detectors.standing.said or "none yet: it is being opened"

    def wait_until_ready(self, patience_s: float, ended: threading.Event) -> bool:
        """Wait until a detector is open, or somebody ends the program; False where none is in time or it is refused."""
        ends = time.monotonic() + patience_s
        while not self._pool.ready and time.monotonic() < ends and not ended.wait(0.05):
            if self._detectors.standing.state == "refused":
                break
        return self._pool.ready

    def _judged(self, series_id: str) -> None:
        series = self.queue.find(series_id)
        if series and series.state is State.SEND:
            self._sender.wake()
        elif series and series.state in (State.DONE, State.DEAD):
            if series.state is State.DONE:
                job_files.remove(self.folder_of(series_id))
            self._places.tell(series)

    def _ended(self, series_id: str) -> None:
        series = self.queue.find(series_id)
        if series:
            self._places.tell(series)

    def _record(self, key: str, said: dict[str, Any]) -> None:
        self._recorder.record({key: ServedScan.from_json(said)})

    def _clean_up(self) -> None:
        while True:
            try:
                for series_id in self._outdated():
                    if self.queue.forget(series_id):
                        job_files.remove(self.folder_of(series_id))
                self._remove_orphans()
            except (MedfakeError, OSError) as error:  # out of reach for a while, or another process was faster
                _log.error("%s", error.what if isinstance(error, MedfakeError) else in_a_word(error))
            if self._stopping.wait(_CLEAN_EVERY_S):
                return

    def _outdated(self) -> list[str]:
        """What is kept no longer; where all is watched for that there ever was, what is done is remembered for ever."""
        limits = self.settings.limits
        keep_s = None if self.settings.remembers_all else limits.keep_days * _DAY_S
        return self.queue.outdated(keep_s, limits.keep_dead_days * _DAY_S)

    def _remove_orphans(self) -> None:
        """Folders of series that are done or forgotten, and of fetches that were cut off, which a killed process left.

        A series that came and has no row yet has `about.json`, and a fetch that goes on has its row.
        """
        for one in self.series.iterdir():
            series = self.queue.find(one.name.lstrip(".").split(".")[0])
            if series is not None and series.state is State.DONE:
                job_files.remove(one)
            elif one.name.startswith("."):
                if series is None or series.state is not State.FETCH:
                    self._remove_old(one)
            elif series is None and not (one / ABOUT).exists():
                self._remove_old(one)

    def _remove_old(self, folder: Path) -> None:
        if folder.stat().st_mtime < time.time() - _ORPHAN_S:
            job_files.remove(folder)


class _Uncounted:
    """Nobody counts."""

    def scan(self, verdict: str) -> None:
        """A scan was scored."""

    def skipped(self, kinds: Mapping[str, int]) -> None:
        """Files have no score."""

    def restart(self, why: str) -> None:
        """A scoring process was replaced."""
        _log.warning("a scoring process was replaced: %s", why)


def _ignore(_: str) -> None:
    """The pool's jobs end where their series does."""
