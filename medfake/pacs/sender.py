"""Sends the objects of judged series: what was cut off is looked for before it is sent again."""

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from medfake.errors import MedfakeError, StorageError
from medfake.files import in_a_word, write_json
from medfake.pacs.judged import result_files
from medfake.pacs.outlets import Outlet
from medfake.pacs.queued_series import Origin, QueuedSeries, State
from medfake.pacs.retries import failed
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import PacsSettings
from medfake.serving.scoring import job_files

_log = logging.getLogger(__name__)
LEDGER: Final = "sent.json"
_UNDER_WAY, _THERE = "under way", "there"
_LOOK_AGAIN_S: Final = 1.0


class Sender:
    """A thread that sends, from `start` to `stop`.

    Args:
        queue: Of series.
        folder_of: Where a series lies.
        outlet: Where objects go.
        settings: How often something is tried.
        ended: Is called with the id of each series that is done or given up.
    """

    def __init__(
        self,
        queue: SeriesQueue,
        folder_of: Callable[[str], Path],
        outlet: Outlet,
        settings: PacsSettings,
        ended: Callable[[str], object],
    ) -> None:
        self._queue, self._folder_of, self._outlet, self._settings = queue, folder_of, outlet, settings
        self._ended = ended
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more; the object that is under way is waited for, but no longer than for an answer of the PACS."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(self._settings.archive.timeout_s)

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def send_next(self) -> bool:
        """Send the next series; False where there is none."""
        series = self._queue.take(State.SEND)
        if series is None:
            return False
        try:
            with self._queue.holding(series.id, State.SEND) as lost:
                files = self._deliver(series, lost)
        except Exception as error:  # noqa: BLE001 - whatever a file, a library or a PACS does, it counts as a try
            if failed(self._queue, series, State.SEND, error, self._settings):
                self._ended(series.id)
        else:
            if files is not None and self._queue.sent(series.id, files):
                job_files.remove(self._folder_of(series.id))
                self._ended(series.id)
        return True

    def _deliver(self, series: QueuedSeries, lost: threading.Event) -> int | None:
        """How many objects are there; None where somebody else goes on with the series."""
        folder = self._folder_of(series.id)
        files = result_files(folder)
        if len(files) != series.objects:
            raise StorageError(
                "results of a series are gone", where=f"series/{series.id}",
                received=f"{len(files)} of {series.objects}", remedy="see that --data is there, or judge it anew",
            )  # fmt: skip
        ledger = _read_ledger(folder)
        for file in files:
            if ledger.get(file.name) == _THERE:
                continue
            if self._stopping.is_set():
                self._queue.give_back(series.id, State.SEND)
                return None
            if lost.is_set() or not self._queue.renew(series.id, State.SEND):
                return None
            may_be_there = ledger.get(file.name) == _UNDER_WAY or series.origin is Origin.SCAN
            if not (may_be_there and self._outlet.has(file)):
                ledger[file.name] = _UNDER_WAY
                write_json(folder / LEDGER, ledger)
                self._outlet.store(file)
            ledger[file.name] = _THERE
            write_json(folder / LEDGER, ledger)
        return len(files)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if self.send_next():
                    continue
            except Exception as error:  # noqa: BLE001 - database or disk may come back; the lease runs out meanwhile
                _log.error("%s", error.what if isinstance(error, MedfakeError) else in_a_word(error))
            self._wake.wait(_LOOK_AGAIN_S)


def _read_ledger(folder: Path) -> dict[str, str]:
    path = folder / LEDGER
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
