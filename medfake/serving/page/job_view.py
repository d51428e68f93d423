"""A job as pages show it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from medfake.serving.service.contract import JobAnswer, Problem

_GOES_ON: Final = ("queued", "running")


@dataclass(frozen=True)
class JobView:
    """A job.

    Attributes:
        files: That were uploaded.
        scans: That were found among them; 0 until all headers are read.
        verdicts: Each with how many scans have it; empty until the job is done.
        error: Why it failed.
    """

    id: str
    state: str
    created: datetime
    ended: datetime | None
    files: int
    scans: int
    scans_done: int
    slices: int
    slices_done: int
    verdicts: tuple[tuple[str, int], ...]
    error: Problem | None

    @property
    def goes_on(self) -> bool:
        """Whether it is not done yet."""
        return self.state in _GOES_ON


def job_view(job: JobAnswer, verdicts: tuple[tuple[str, int], ...] = ()) -> JobView:
    """Get a job ready to be shown.

    Args:
        job: As the API answers it.
        verdicts: As in `JobView`.
    """
    at = job.progress
    return JobView(
        id=job.id,
        state=job.state,
        created=datetime.fromisoformat(job.created),
        ended=datetime.fromisoformat(job.ended) if job.ended else None,
        files=at.files,
        scans=at.scans,
        scans_done=at.scans_done,
        slices=at.slices,
        slices_done=at.slices_done,
        verdicts=verdicts,
        error=job.error,
    )
