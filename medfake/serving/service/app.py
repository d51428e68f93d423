"""The application: routes behind the door, errors in one shape. The page adds its own routes, see `create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from medfake import __version__
from medfake.errors import ConfigError, MedfakeError
from medfake.package.card import INTENDED_USE
from medfake.serving.service.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from starlette.responses import JSONResponse


def create_app(settings: Settings) -> "FastAPI":
    """The service as an ASGI application; `app.state.service` is what is behind its routes.

    Args:
        settings: What it is told; safe, see `Settings.require_safe`.

    Raises:
        ConfigError: FastAPI is not installed.
        StorageError: The database or the data folder cannot be used.
    """
    require_installed()
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    from medfake.serving.service import routes_jobs, routes_login, routes_scans, routes_slices, routes_state
    from medfake.serving.service.door import Door
    from medfake.serving.service.service_process import Service

    service = Service(settings)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        from starlette.concurrency import run_in_threadpool

        service.start()
        yield
        await run_in_threadpool(service.stop)

    app = FastAPI(
        title="medfake", version=__version__, description=INTENDED_USE, lifespan=life,
        docs_url=None, redoc_url=None, redirect_slashes=False,  # their pages load scripts from other machines
    )  # fmt: skip
    app.state.service = service
    for routes in (routes_scans, routes_jobs, routes_slices, routes_state, routes_login):
        app.include_router(routes.router)
    app.add_exception_handler(MedfakeError, _told)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Door, settings=settings, sessions=service.sessions, metrics=service.metrics)
    return app


def require_installed() -> None:
    """See to it that what the service is made of is there.

    Raises:
        ConfigError: It is not.
    """
    try:
        import fastapi  # noqa: F401
        import itsdangerous  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "the service needs more than is installed", where="medfake serve", received=f"no {error.name}",
            remedy='pip install "medfake[serve]"',
        ) from None  # fmt: skip


async def _told(_: "Request", error: Exception) -> "JSONResponse":
    from medfake.serving.service.door import error_response

    assert isinstance(error, MedfakeError)  # noqa: S101 - what it is registered for
    return error_response(error)


async def _http_error(_: "Request", error: Exception) -> "JSONResponse":
    from starlette.exceptions import HTTPException
    from starlette.responses import JSONResponse

    assert isinstance(error, HTTPException)  # noqa: S101
    remedy = "/openapi.json lists what there is"
    return JSONResponse(
        {"error": {"what": error.detail, "where": None, "received": None, "remedy": remedy}},
        error.status_code,
        error.headers,
    )


async def _invalid(_: "Request", error: Exception) -> "JSONResponse":
    from fastapi.exceptions import RequestValidationError
    from starlette.responses import JSONResponse

    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    told = {
        "what": f"{first['msg']}",
        "where": " ".join(str(part) for part in first["loc"]),
        "received": str(first.get("input"))[:80],
        "remedy": "/openapi.json says what is taken",
    }
    return JSONResponse({"error": told}, 422)
