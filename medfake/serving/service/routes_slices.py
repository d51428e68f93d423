"""Slices of a scored scan and their pictures, for a viewer."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from medfake.serving.scoring import job_files
from medfake.serving.service.answers import find_job, refused, service_of
from medfake.serving.service.contract import SliceAnswer
from medfake.serving.service.pictures import Window, heat_png, slice_png
from medfake.serving.service.refusals import NotFoundError

router = APIRouter(tags=["slices"])
_SCAN: Final = "/v1/jobs/{job_id}/scans/{scan_id}/slices"
_PNG: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"image/png": {}}}, **refused(401, 403, 404, 422)}
_KEEP: Final = {"Cache-Control": "private, max-age=3600, immutable"}  # a scored slice never changes


@router.get(_SCAN, responses=refused(401, 403, 404))
def get_slices(request: Request, job_id: str, scan_id: str) -> list[SliceAnswer]:
    """Slices that could be decoded, in their order along the scan."""
    return [SliceAnswer(**one) for one in _scan(request, job_id, scan_id)["slices"]]


@router.get(_SCAN + "/{index}.png", responses=_PNG, response_class=Response)
def get_slice(request: Request, job_id: str, scan_id: str, index: int, window: Window | None = None) -> Response:
    """A slice in grey, through a window of its units; the usual one of its modality where none is named."""
    scan = _scan(request, job_id, scan_id)
    png = slice_png(service_of(request).jobs / job_id, scan, scan_id, index, window)
    return Response(png, media_type="image/png", headers=_KEEP)


@router.get(_SCAN + "/{index}/heat.png", responses=_PNG, response_class=Response)
def get_heat(request: Request, job_id: str, scan_id: str, index: int) -> Response:
    """The detector's own map of a slice, to lay over it; transparent where nothing is suspicious."""
    scan = _scan(request, job_id, scan_id)
    png = heat_png(service_of(request).jobs / job_id, scan, scan_id, index)
    return Response(png, media_type="image/png", headers=_KEEP)


def _scan(request: Request, job_id: str, scan_id: str) -> dict[str, Any]:
    find_job(request, job_id)
    scan = job_files.read_scan(service_of(request).jobs / job_id, scan_id)
    if scan is None:
        raise NotFoundError(
            "this job has no such scan, or it is not scored yet", where="scan_id",
            remedy=f"GET /v1/jobs/{job_id}/report names the scans",
        )  # fmt: skip
    return scan
