"""Scoring processes and the threads that feed them with jobs: each job on the detector that it began with."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from medfake.errors import MedfakeError
from medfake.files import in_a_word
from medfake.package.cores import usable_cores
from medfake.serving.scoring import job_files
from medfake.serving.scoring.job_at_work import JobAtWork
from medfake.serving.scoring.jobs import Job, Jobs
from medfake.serving.scoring.limits import ScoringLimits
from medfake.serving.scoring.worker_messages import Package, Start, Told
from medfake.serving.scoring.worker_process import DiedError, WorkerProcess

_log = logging.getLogger(__name__)
MOST_ATTEMPTS: Final = 5
"""Processes of a service that may die in one job."""
READY_S: Final = 120.0
_LOOK_AGAIN_S: Final = 1.0
_RENEW: Final = 3.0  # times within a lease


Record = Callable[[str, dict[str, Any]], object]
"""Takes a key, which is the same when a job is taken up again, and what is recorded of a scan."""


@dataclass(frozen=True)
class HowToScore:
    """How a pool scores.

    Attributes:
        module: That scoring processes run.
        workers: Scoring processes.
        lease_s: How long a job stays with a process that says nothing.
        limits: How much of a job is taken.
        again: What whoever gave a job in can do where it failed.
        keeps_failed: Whether the files of a job that failed stay, for another try.
        chances: Deaths at one place of a job after which it is left out.
    """

    module: str
    workers: int
    lease_s: float
    limits: ScoringLimits
    again: str
    keeps_failed: bool = False
    chances: int = 1


class Counts(Protocol):
    """What is counted of jobs, for whoever watches the service."""

    def scan(self, verdict: str) -> None:
        """A scan was scored."""

    def skipped(self, kinds: Mapping[str, int]) -> None:
        """A job is done, and so many of its files have no score."""

    def restart(self, why: str) -> None:
        """A scoring process was replaced."""


class Pool:
    """Scoring processes, fed with jobs.

    Args:
        how: By how many processes, and under which limits.
        store: Of jobs.
        jobs: Folder of jobs.
        counts: Is told what happens.
        ended: Is called with the id of each job that ended here.
        record: Is given what is recorded of each scan.
    """

    def __init__(
        self,
        how: HowToScore,
        store: Jobs,
        jobs: Path,
        counts: Counts,
        ended: Callable[[str], object],
        record: Record,
    ) -> None:
        self._how, self._store, self._jobs, self._counts, self._ended = how, store, jobs, counts, ended
        self._record = record
        self._package: Package | None = None
        self._spares: list[WorkerProcess] = []
        self._workers: dict[int, WorkerProcess] = {}
        self._working: dict[str, JobAtWork] = {}
        self._lock = threading.Lock()
        self._wake = threading.Condition()
        self._calls = 0
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._feed, args=(number,), name=f"scoring-{number}", daemon=True)
            for number in range(how.workers)
        ]

    def start(self) -> None:
        """Begin to take jobs as soon as there is a detector."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Put what is under way back into the queue and end all processes."""
        self._stopping = True
        self.wake()
        for thread in self._threads:
            thread.join()
        for worker in (*self._spares, *self._workers.values()):
            worker.end()

    def wake(self) -> None:
        """There may be something to do."""
        with self._wake:
            self._calls += 1
            self._wake.notify_all()

    @property
    def package(self) -> Package | None:
        """What new jobs are scored with."""
        return self._package

    @property
    def ready(self) -> bool:
        """Whether a scoring process with a detector is up."""
        with self._lock:
            return any(worker.alive for worker in (*self._spares, *self._workers.values()))

    def serve(self, package: Package) -> None:
        """Score new jobs with another detector, once it has been opened and has scored something in new processes.

        Raises:
            MedfakeError: It cannot be opened, or gives no number; what served until now goes on.
        """
        fresh: list[WorkerProcess] = []
        try:
            while len(fresh) < self._how.workers:
                fresh.append(self._new_worker(package))
        except MedfakeError:
            for worker in fresh:
                worker.end()
            raise
        with self._lock:
            retired, self._spares = self._spares, fresh
            self._package = package
        for worker in retired:
            worker.end()
        self.wake()

    def cancel(self, job_id: str) -> None:
        """Stop work on a job that was deleted, if it is done here."""
        working = self._working.get(job_id)
        if working:
            working.cancelled = True

    def _new_worker(self, package: Package) -> WorkerProcess:
        threads = max(1, usable_cores() // self._how.workers)
        start = Start.of(package, self._how.limits, threads)
        return WorkerProcess(self._how.module, package, start, READY_S)

    def _feed(self, number: int) -> None:
        """Take jobs and have them scored, until the service stops."""
        while not self._stopping:
            calls = self._calls
            try:
                worker = self._worker(number)
                job = self._store.take() if worker else None
                if job and worker:
                    self._do(job, number, worker)
                    continue
            except Exception as error:  # noqa: BLE001 - database, detector or disk may come back; one job stops no other
                _log.error("%s", error.what if isinstance(error, MedfakeError) else in_a_word(error))
                self._end_of(number)  # a job that was under way is taken up again when its lease has run out
            with self._wake:
                if calls == self._calls and not self._stopping:
                    self._wake.wait(_LOOK_AGAIN_S)

    def _end_of(self, number: int) -> None:
        with self._lock:
            worker = self._workers.pop(number, None)
        if worker:
            worker.end()

    def _worker(self, number: int) -> WorkerProcess | None:
        """A process with the detector of now; None where there is no detector yet."""
        with self._lock:
            package, mine = self._package, self._workers.get(number)
            if mine and mine.alive and mine.package == package:
                return mine
            spare = next((one for one in self._spares if one.alive and one.package == package), None)
            if spare:
                self._spares.remove(spare)
                self._workers[number] = spare
            else:
                self._workers.pop(number, None)
        if mine:
            mine.end()
        if spare or package is None:
            return spare
        worker = self._new_worker(package)
        with self._lock:
            self._workers[number] = worker
        return worker

    def _do(self, job: Job, number: int, worker: WorkerProcess) -> None:
        """Have one job scored, in as many processes as it takes."""
        folder, name = self._jobs / job.id, worker.package.name
        working = JobAtWork.of(job, name)
        self._working[job.id] = working
        ends = time.monotonic() + self._how.limits.job_s
        package = worker.package
        try:
            if job.attempts > MOST_ATTEMPTS:
                self._fail(working, "the service ended in this job again and again", f"{job.attempts - 1} times")
                return
            while True:
                try:
                    self._score(working, worker, folder, ends)
                except DiedError as death:
                    self._counts.restart("died" if "ended" in death.what else "silent")
                    if not working.blame(folder, death.what, self._how.limits.deaths, self._how.chances):
                        self._fail(working, "scoring processes do not survive this job", death.what)
                        return
                    with self._store.holding(job.id):
                        worker = self._new_worker(package)
                    with self._lock:
                        self._workers[number] = worker
                else:
                    return
        except TimeoutError:
            self._counts.restart("slow job")
            self._fail(working, "the job took too long", f"more than {self._how.limits.job_s:g} s")
        finally:
            self._working.pop(job.id, None)
            if working.cancelled:
                job_files.remove(folder)
                self._store.forget(job.id)
            self._ended(job.id)

    def _score(self, working: JobAtWork, worker: WorkerProcess, folder: Path, ends: float) -> None:
        """Listen to a process until the job has ended, or is this process's no more."""
        for told in worker.work(str(folder), ends, self._how.limits.file_s):
            if told:
                self._hear(working, told)
            if self._stopping:
                worker.end()
                self._store.give_back(working.job.id)
                return
            if working.cancelled or not self._renewed(working):
                self._lost(working)
                worker.end()
                return
            if told and told.failed:
                self._fail(working, **told.failed)
            elif told and told.done:
                if self._store.finish(working.job.id, working.progress, working.model):
                    job_files.remove(folder / job_files.FILES)
                    self._counts.skipped(told.skipped or {})
                else:
                    self._lost(working)

    def _hear(self, working: JobAtWork, told: Told) -> None:
        """Keep what a process says of a job, and tell others of a scan that is done."""
        working.hear(told)
        if told.scored is None:
            return
        if told.scored and not told.again:
            self._counts.scan(told.scored)
        if told.said is not None:
            try:
                self._record(f"{working.job.id}/{told.scan}", told.said)
            except MedfakeError as error:  # a verdict is not lost because nobody could write it down
                _log.error("a scan was not recorded: %s", error.what)

    def _renewed(self, working: JobAtWork) -> bool:
        now = time.monotonic()
        if now - working.renewed < min(_LOOK_AGAIN_S, self._how.lease_s / _RENEW):
            return True
        working.renewed = now
        return self._store.renew(working.job.id, working.progress, working.model)

    def _fail(self, working: JobAtWork, what: str, received: str | None = None, remedy: str | None = None) -> None:
        error = {"what": what, "where": None, "received": received, "remedy": remedy or self._how.again}
        _log.error("job %s failed: %s", working.job.id, what)
        if not self._store.finish(working.job.id, working.progress, working.model, error):
            self._lost(working)
        elif not self._how.keeps_failed:
            job_files.remove(self._jobs / working.job.id / job_files.FILES)  # nobody tries it again

    def _lost(self, working: JobAtWork) -> None:
        """The job is this process's no more: it was deleted, or another process has taken it up."""
        working.cancelled = working.cancelled or not self._store.exists(working.job.id)
