"""The queue as a pool of scoring processes sees it: series that are to be judged."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from medfake.errors import STORAGE_FAULTS, StorageError
from medfake.metrics.scans import Verdict
from medfake.pacs.judged import ORDER, Judged, Order, require_judged
from medfake.pacs.queued_series import Origin, QueuedSeries, State
from medfake.pacs.retries import retry_after_s
from medfake.pacs.sender import LEDGER
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import GIVEN_UP, OTHER_PIXELS, PacsSettings
from medfake.serving.scoring import job_files
from medfake.serving.scoring.progress import Progress

_TRIES = 2  # of judging a series: what fails once may have failed for memory


class ScoringJobs:
    """Series that are to be judged, as `medfake.serving.scoring.jobs.Jobs`.

    Args:
        queue: Of series.
        folder_of: Where a series lies.
        settings: Routes and alarms.
        judged: Is called with the id of each series that is judged, or given up.
    """

    def __init__(
        self,
        queue: SeriesQueue,
        folder_of: Callable[[str], Path],
        settings: PacsSettings,
        judged: Callable[[str], object],
    ) -> None:
        self._queue, self._folder_of, self._settings, self._judged = queue, folder_of, settings, judged

    def take(self) -> QueuedSeries | None:
        """Take the next series, with what there is to do beside its files.

        What ended scoring processes when it was taken before is tried again: they may have been killed from outside.
        """
        series = self._queue.take(State.SCORE)
        if series is None:
            return None
        missing = max(0, (series.expected or 0) - series.files)
        asked_for = series.origin is Origin.SCAN  # whoever asks for a series gets an answer
        before = () if asked_for else tuple(sorted(self._queue.judged_keys(series.series_key)))
        order = Order(
            caller=series.caller, routes=self._settings.routes, pixels=self._queue.pixels_of(series.series_key),
            judged_keys=before, missing=missing, files=series.files,
        )  # fmt: skip
        folder = self._folder_of(series.id)
        try:
            order.write(folder / ORDER)
            (folder / job_files.BAD).unlink(missing_ok=True)
        except OSError:  # the disk is full, or the folder is out of reach: nothing that this series did
            self._queue.give_back(series.id, State.SCORE)
            raise
        return series

    def renew(self, job_id: str, progress: Progress, model: str) -> bool:
        """Say that work goes on."""
        return self._queue.renew(job_id, State.SCORE, progress=progress.model_dump_json(), model=model)

    def finish(self, job_id: str, progress: Progress, model: str, error: Mapping[str, Any] | None = None) -> bool:
        """Keep what came of a series; one that failed is tried again, or put into the dead-letter list."""
        if error is not None:
            return self._failed(job_id, error)
        try:
            judged = require_judged(self._folder_of(job_id))
        except StorageError as fault:
            self._failed(job_id, {"what": fault.what, "received": fault.received})
            return False  # its files stay, for another try
        (self._folder_of(job_id) / LEDGER).unlink(missing_ok=True)  # who judges has sent nothing
        kept = self._queue.judged(job_id, judged, model, progress, self._alarms(judged))
        self._judged(job_id)
        return kept

    def holding(self, job_id: str) -> AbstractContextManager[threading.Event]:
        """Keep a series of this thread for as long as the block lasts."""
        return self._queue.holding(job_id, State.SCORE)

    def give_back(self, job_id: str) -> None:
        """Let the next process go on with a series."""
        self._queue.give_back(job_id, State.SCORE)

    def exists(self, job_id: str) -> bool:
        """Whether there is such a series."""
        return self._queue.find(job_id) is not None

    def forget(self, job_id: str) -> None:
        """Remove the row of a series whose files are gone."""
        self._queue.forget(job_id)

    def _failed(self, job_id: str, error: Mapping[str, Any]) -> bool:
        what, received = str(error["what"]), error.get("received")
        reason = what if received is None else f"{what}: {received}"
        series = self._queue.find(job_id)
        if series is None:
            return False
        limits, of_disk = self._settings.limits, what in STORAGE_FAULTS
        if series.tries + 1 < (limits.silent_tries if of_disk else _TRIES):
            wait_s = retry_after_s(series.tries, self._settings) if of_disk else limits.first_retry_s
            return self._queue.try_again(job_id, State.SCORE, reason, wait_s)
        alarms = [GIVEN_UP] if GIVEN_UP in self._settings.alarms.on else []
        given_up = self._queue.give_up(job_id, State.SCORE, reason, alarms)
        self._judged(job_id)
        return given_up

    def _alarms(self, judged: Judged) -> list[str]:
        kinds = [judged.verdict] if judged.verdict in (Verdict.TAMPERED, Verdict.UNCERTAIN) else []
        kinds += [OTHER_PIXELS] if judged.other_pixels else []
        return [str(kind) for kind in kinds if kind in self._settings.alarms.on]
