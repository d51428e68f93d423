"""Addresses of pages."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from medfake.errors import MedfakeError
from medfake.serving.page.about import About, about_service
from medfake.serving.page.kept import Kept
from medfake.serving.page.pages import Pages
from medfake.serving.service import routes_jobs, routes_scans
from medfake.serving.service.refusals import RefusalError, status_of
from medfake.serving.service.service_process import Service

_ROOM: Final = Path(__file__).parent
_REPORT_CSS: Final = _ROOM.parents[1] / "reports" / "templates" / "report.css"
_SEE_OTHER: Final = 303
_ASK_AGAIN: Final = {"Cache-Control": "no-cache"}


class _Static(StaticFiles):
    """Styles and scripts, which browsers may keep as long as they ask whether they are still the same."""

    def file_response(self, *args: Any, **named: Any) -> Response:
        """As of Starlette, with a header of its own: everything else here is not to be kept at all."""
        response = super().file_response(*args, **named)
        response.headers.update(_ASK_AGAIN)
        return response


class _PageRoute(APIRoute):
    """A route whose errors are pages, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_and_tell(request: Request) -> Response:
            try:
                return await handle(request)
            except MedfakeError as error:
                fault = error
            except RequestValidationError:
                fault = RefusalError("this address is no page", remedy="go on from /")
            drawn = await run_in_threadpool(_pages(request).fault, fault)
            return HTMLResponse(drawn, status_of(fault))

        return handle_and_tell


def _pages(request: Request) -> Pages:
    about: About = request.app.state.about
    return Pages(Kept(request), about)


_Pages = Annotated[Pages, Depends(_pages)]
_Wanted = Annotated[int | None, Query(alias="slice")]
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=_PageRoute)


def add_pages(app: FastAPI) -> None:
    """Give a service its pages, at addresses that its API leaves free.

    Args:
        app: From `create_app`.
    """
    service: Service = app.state.service
    app.state.about = about_service(service.settings)
    app.include_router(router)
    app.mount("/static", _Static(directory=_ROOM / "static"))


@router.get("/")
def start(pages: _Pages) -> str:
    """Where scans are dropped."""
    return pages.start()


@router.get("/jobs")
def jobs(pages: _Pages, start: Annotated[int, Query(ge=0)] = 0) -> str:
    """Uploads."""
    return pages.jobs(start)


@router.post("/jobs")
async def upload(request: Request, pages: _Pages) -> Response:
    """Take the files of a form, for browsers without script."""
    try:
        taken = await routes_scans.post_jobs(request)
    except RefusalError as fault:
        return HTMLResponse(await run_in_threadpool(pages.start, fault), status_of(fault))
    return RedirectResponse(f"/jobs/{taken.headers['Location'].rpartition('/')[2]}", _SEE_OTHER)


@router.get("/jobs/{job_id}")
def job(job_id: str, pages: _Pages) -> str:
    """An upload."""
    return pages.job(job_id)


@router.get("/jobs/{job_id}/scans/{scan_id}")
def scan(
    job_id: str,
    scan_id: str,
    pages: _Pages,
    wanted: Annotated[int | None, Query(alias="slice")] = None,
    window: str = "",
) -> str:
    """The slices of a scan."""
    return pages.scan(job_id, scan_id, wanted, window)


@router.get("/jobs/{job_id}/report.html")
def report(job_id: str, pages: _Pages, download: Annotated[bool, Query()] = False) -> Response:
    """The report of an upload, to keep and to print."""
    printed = pages.printed(job_id)
    headers = {"Content-Security-Policy": printed.policy}
    if download:
        headers["Content-Disposition"] = f'attachment; filename="medfake-{job_id}.html"'
    return HTMLResponse(printed.html, headers=headers)


@router.get("/jobs/{job_id}/delete")
def ask_to_delete(job_id: str, pages: _Pages) -> str:
    """Say what would be gone."""
    return pages.delete(job_id)


@router.post("/jobs/{job_id}/delete")
def delete(job_id: str, request: Request) -> Response:
    """Delete an upload."""
    routes_jobs.delete_job(request, job_id)
    return RedirectResponse("/jobs", _SEE_OTHER)


@router.get("/detector")
def detector(pages: _Pages) -> str:
    """The card of the detector."""
    return pages.detector()


@router.get("/monitoring")
def monitoring(pages: _Pages) -> str:
    """How what was scanned differs from what the detector learnt from."""
    return pages.monitoring()


@router.get("/status")
def status(pages: _Pages) -> str:
    """The line below every page, by itself."""
    return pages.status()


@router.get("/login")
def login(pages: _Pages, refused: Annotated[bool, Query()] = False) -> str:
    """Where a browser shows its token; once more after a wrong one."""
    return pages.login(refused=refused)


@router.get("/static/report.css")
def report_css() -> Response:
    """Colours, type and tables of every page that medfake writes."""
    return FileResponse(_REPORT_CSS, headers=_ASK_AGAIN)
