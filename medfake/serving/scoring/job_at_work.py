"""A job that a process of this service is at: how far it is, and what a process that died was at."""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from medfake.serving.scoring import job_files
from medfake.serving.scoring.jobs import Job
from medfake.serving.scoring.progress import Progress
from medfake.serving.scoring.worker_messages import Told

_DEATHS_OF_A_SCAN: Final = 3
"""After which it is the scan, whichever of its files was open."""


@dataclass
class JobAtWork:
    """A job under way.

    Attributes:
        job: As it was when it was taken.
        progress: Of now.
        model: Name of the detector that scores it.
        cancelled: Whether it was deleted.
        renewed: When the lease was renewed, as of `time.monotonic`.
        scoring_since: When the first slice was to be scored, likewise; None before.
        file: Place of the file that is open.
        scan: Id of the scan that is scored.
        deaths: Of processes, so far.
        died_at: How many of them at each file and scan.
    """

    job: Job
    progress: Progress
    model: str
    cancelled: bool = False
    renewed: float = 0.0
    scoring_since: float | None = None
    file: str | None = None
    scan: str | None = None
    deaths: int = 0
    died_at: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)

    @classmethod
    def of(cls, job: Job, model: str) -> "JobAtWork":
        """A job that begins, or begins again."""
        return cls(job, Progress(files=job.progress.files), model)

    def hear(self, told: Told) -> None:
        """Keep what a process says."""
        self.file = told.file or (None if told.scan else self.file)
        self.scan = None if told.scored is not None else told.scan or self.scan
        self.model = told.model or self.model
        if told.scans is not None and self.scoring_since is None:
            self.scoring_since = time.monotonic()
        done = self.progress.scans_done + (told.scored is not None)
        counts = {"scans": told.scans, "slices": told.slices, "slices_done": told.slices_done}
        news = {name: count for name, count in counts.items() if count is not None}
        news |= {"scans_done": 0, "slices_done": 0} if told.scans is not None else {"scans_done": done}
        self.progress = self._with_eta(self.progress.model_copy(update=news))

    def blame(self, folder: Path, death: str, most_deaths: int, chances: int = 1) -> bool:
        """Keep what a process died of, so that the next one leaves it out.

        Args:
            folder: Of the job.
            death: How it died.
            most_deaths: That a job may have.
            chances: Deaths at one place after which it is to blame; before, somebody else may have ended the process.

        Returns:
            False where the job cannot go on: there were too many, or nobody knows what it was at.
        """
        self.deaths += 1
        self.died_at[self.file, self.scan] += 1
        if self.deaths > most_deaths:
            return False
        if self.died_at[self.file, self.scan] < chances:
            self.file = self.scan = None
            return True
        if self.file is None and self.scan is None:
            return False
        bad, why = job_files.read_bad(folder), f"the scoring process did not survive it: {death}"
        in_this_scan = sum(scan == self.scan for scan in bad.files_scan.values()) + 1
        if self.scan and (self.file is None or in_this_scan >= _DEATHS_OF_A_SCAN):
            bad = replace(bad, scans=bad.scans | {self.scan: why})
        elif self.file:
            of_scan = {self.file: self.scan} if self.scan else {}
            bad = replace(bad, files=bad.files | {self.file: why}, files_scan=bad.files_scan | of_scan)
        bad.write(folder)
        self.file = self.scan = None
        return True

    def _with_eta(self, progress: Progress) -> Progress:
        """With the time that is left, by the pace so far."""
        if self.scoring_since is None or not progress.slices_done:
            return progress.model_copy(update={"eta_s": None})
        pace_s = (time.monotonic() - self.scoring_since) / progress.slices_done
        left = max(progress.slices - progress.slices_done, 0)
        return progress.model_copy(update={"eta_s": round(pace_s * left, 1)})
