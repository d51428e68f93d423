"""Jobs: how far they are, what they found, and away with them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from medfake.serving.service.answers import find_job, job_answer, read_report, refused, service_of
from medfake.serving.service.contract import JobAnswer, JobList, ReportAnswer
from medfake.serving.service.job_store import State
from medfake.serving.service.refusals import ConflictError

router = APIRouter(tags=["jobs"])


@router.get("/v1/jobs", responses=refused(401, 403, 422))
def get_jobs(
    request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 50, offset: Annotated[int, Query(ge=0)] = 0
) -> JobList:
    """All jobs that are kept, newest first."""
    jobs, total = service_of(request).store.newest(limit, offset)
    return JobList(jobs=[job_answer(one) for one in jobs], total=total, limit=limit, offset=offset)


@router.get("/v1/jobs/{job_id}", responses=refused(401, 403, 404))
def get_job(request: Request, job_id: str) -> JobAnswer:
    """How far a job is."""
    return job_answer(find_job(request, job_id))


@router.get(
    "/v1/jobs/{job_id}/report", responses={200: {"model": ReportAnswer}, **refused(401, 403, 404, 409)},
    response_model=None,
)  # fmt: skip
def get_report(request: Request, job_id: str) -> Response:
    """What was found, as `medfake scan --json` writes it."""
    job = find_job(request, job_id)
    if job.state is not State.DONE:
        raise ConflictError(
            "this job has no report", where=f"/v1/jobs/{job_id}", received=str(job.state),
            remedy="send the scans again" if job.state is State.FAILED else "ask again when it is done",
        )  # fmt: skip
    return Response(read_report(service_of(request), job_id), media_type="application/json")


@router.delete("/v1/jobs/{job_id}", status_code=204, responses=refused(401, 403, 404))
def delete_job(request: Request, job_id: str) -> None:
    """Delete a job: its row, its files, its results; one that runs is cancelled."""
    find_job(request, job_id)
    service_of(request).delete(job_id)
