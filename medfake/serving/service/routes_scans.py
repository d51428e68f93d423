"""Uploads: POST /v1/scans waits for the verdict, POST /v1/jobs does not."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from medfake.serving.service.answers import job_answer, read_report, refused, service_of
from medfake.serving.service.bodies import drain, take_in
from medfake.serving.service.contract import JobAnswer, ReportAnswer
from medfake.serving.service.incoming import refusal_of
from medfake.serving.service.job_store import Job, State
from medfake.serving.service.refusals import FullError, RefusalError, says_full
from medfake.serving.service.service_process import Service

router = APIRouter(tags=["scans"])
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FORM: Final = {"type": "object", "properties": {"files": {"type": "array", "items": _BINARY["schema"]}}}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "multipart/related": _BINARY,
            "application/dicom": _BINARY,
            "application/zip": _BINARY,
        },
    }
}
_REFUSED: Final = refused(400, 401, 403, 408, 413, 415, 422, 429, 503, 507)


@router.post(
    "/v1/scans", responses={200: {"model": ReportAnswer}, 202: {"model": JobAnswer}, **_REFUSED}, openapi_extra=_BODY,
    response_model=None,
)  # fmt: skip
async def post_scans(request: Request, prefer: Annotated[str, Header()] = "") -> Response:
    """Score the files of a study; the report where that takes seconds, otherwise 202 and a job.

    Nothing is kept of what was answered with a report. `Prefer: respond-async` asks for a job.
    """
    service = service_of(request)
    job = await _begin(request, service)
    limits = service.settings.limits
    if "respond-async" in prefer or job.size > limits.small_bytes:
        return _accepted(job)
    ended = await service.wait(job.id, limits.wait_s)
    if ended is None:
        raise RefusalError("the job was deleted while it ran", where=job.id, remedy="send the scans again")
    if ended.state is State.DONE:
        report = await run_in_threadpool(read_report, service, job.id)
        await run_in_threadpool(service.delete, job.id)
        return Response(report, media_type="application/json")
    if ended.state is State.FAILED and ended.error:
        await run_in_threadpool(service.delete, job.id)
        return JSONResponse(
            {"error": {key: ended.error.get(key) for key in ("what", "where", "received", "remedy")}},
            FullError.status if says_full(ended.error["what"]) else 422,
        )
    return _accepted(ended)


@router.post(
    "/v1/jobs", status_code=202, responses={202: {"model": JobAnswer}, **_REFUSED}, openapi_extra=_BODY,
    response_model=None,
)  # fmt: skip
async def post_jobs(request: Request) -> Response:
    """Put the files of a study into the queue; the answer says where to ask how far it is."""
    return _accepted(await _begin(request, service_of(request)))


async def _begin(request: Request, service: Service) -> Job:
    """Take an upload in, and make a job of it."""
    try:
        with service.upload():
            await run_in_threadpool(service.require_room_in_queue)
            incoming = await take_in(request, service.arriving, service.settings.limits)
            try:
                return await run_in_threadpool(service.begin, incoming, len(incoming.files()))
            except OSError as error:
                raise refusal_of(error) or error from error
            finally:
                await run_in_threadpool(incoming.discard)  # nothing, once it has become a job
    except RefusalError:
        await drain(request)
        raise


def _accepted(job: Job) -> Response:
    headers = {"Location": f"/v1/jobs/{job.id}", "Retry-After": "1"}
    return JSONResponse(job_answer(job).model_dump(), 202, headers)
