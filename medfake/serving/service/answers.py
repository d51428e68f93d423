"""What routes share: the service behind a request, a job as an answer, refusals in OpenAPI."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from medfake.serving.scoring.job_files import JOB_ID, REPORT
from medfake.serving.service.contract import JobAnswer, Problem, Refused
from medfake.serving.service.job_store import Job
from medfake.serving.service.refusals import NotFoundError
from medfake.serving.service.service_process import Service


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


def find_job(request: Request, job_id: str) -> Job:
    """A job by its id.

    Raises:
        NotFoundError: There is none, or no longer.
    """
    service = service_of(request)
    job = service.store.find(job_id) if JOB_ID.fullmatch(job_id) else None
    if job is None:
        raise NotFoundError(
            "there is no such job, or no longer", where="job_id",
            remedy=f"GET /v1/jobs lists those that there are; they are kept {service.settings.keep_s / 3600:g} h",
        )  # fmt: skip
    return job


def job_answer(job: Job) -> JobAnswer:
    """A job as clients see it."""
    return JobAnswer(
        id=job.id,
        state=job.state,
        created=_time(job.created) or "",
        started=_time(job.started),
        ended=_time(job.ended),
        progress=job.progress,
        model=job.model,
        error=Problem(**{key: job.error.get(key) for key in Problem.model_fields}) if job.error else None,
    )


def read_report(service: Service, job_id: str) -> bytes:
    """What a job that is done has found, as JSON.

    Raises:
        NotFoundError: Somebody deletes it at this moment.
    """
    try:
        return (service.jobs / job_id / REPORT).read_bytes()
    except FileNotFoundError:
        raise NotFoundError("this job is being deleted", where="job_id", remedy="send the scans again") from None


def refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers of an error, for OpenAPI."""
    return {status: {"model": Refused} for status in statuses}


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
