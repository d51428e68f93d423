"""What a pool of scoring processes knows of jobs and of where they are kept."""

import threading
from contextlib import AbstractContextManager
from typing import Any, Protocol

from medfake.serving.scoring.progress import Progress


class Job(Protocol):
    """A job that was taken."""

    @property
    def id(self) -> str:
        """Name of its folder."""

    @property
    def attempts(self) -> int:
        """How often it was taken, this time included."""

    @property
    def progress(self) -> Progress:
        """As it was kept."""


class Jobs(Protocol):
    """Where jobs are kept, so that several processes share them without doing one twice."""

    def take(self) -> Job | None:
        """Take the next job that nobody works on."""

    def renew(self, job_id: str, progress: Progress, model: str) -> bool:
        """Say that work goes on; False where the job is this process's no more, or was deleted."""

    def finish(self, job_id: str, progress: Progress, model: str, error: dict[str, Any] | None = None) -> bool:
        """End a job of this process, done or failed; False as for `renew`."""

    def holding(self, job_id: str) -> AbstractContextManager[threading.Event]:
        """Keep a job of this thread for as long as the block lasts; the event is set when somebody else has it."""

    def give_back(self, job_id: str) -> None:
        """Put a job of this process back into the queue."""

    def exists(self, job_id: str) -> bool:
        """Whether there is such a job that is not being deleted."""

    def forget(self, job_id: str) -> None:
        """Remove what is kept of a job whose files are gone."""
