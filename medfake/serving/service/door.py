"""Who may come in, and what every answer carries: tokens, hosts, origins, headers, and a line in the log."""

import logging
import time
import traceback
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medfake.errors import MedfakeError
from medfake.loopback import is_loopback
from medfake.serving.scoring.job_files import JOB_ID
from medfake.serving.service.metrics import Metrics
from medfake.serving.service.refusals import (
    ForbiddenError,
    RefusalError,
    TooLargeError,
    TooSlowError,
    UnauthorizedError,
    status_of,
)
from medfake.serving.service.settings import Settings
from medfake.serving.service.tokens import COOKIE, Sessions

_access = logging.getLogger("medfake.serving.service.access")
_log = logging.getLogger(__name__)
LOGIN: Final = "/login"
PUBLIC: Final = ("/healthz", "/readyz", LOGIN)
PUBLIC_FOLDERS: Final = ("/static/",)
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_METHODS: Final = (*_SAFE, "POST", "DELETE", "PUT", "PATCH")
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none, forms of our own page come from the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Door:
    """Stands before the whole application (ASGI).

    Args:
        app: What is behind it.
        settings: Of the service.
        sessions: Of browsers.
        metrics: Count answers.
    """

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions, metrics: Metrics) -> None:
        self._app, self._settings, self._sessions, self._metrics = app, settings, sessions, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(MutableHeaders(scope=message))
                self._metrics.request(_method(scope), _route(scope), status, time.perf_counter() - started)
            await send(message)

        try:
            refusal = self._refusal(Request(scope))
            await (refusal or self._app)(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - an error of ours; the log says where it was
            at = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("%s at %s:%d", type(error).__name__, Path(at.filename).name, at.lineno)
            if not status:
                await error_response(MedfakeError("the service met an error that it does not know"))(
                    scope, receive, answer
                )
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _refusal(self, request: Request) -> Response | None:
        """An answer to who may not come in; None for who may."""
        try:
            if not self._settings.tokens:
                self._require_loopback(request)
                self._require_same_origin(request)
            elif not self._is_public(request) and not self._has_token(request):
                self._require_session(request)
                self._require_same_origin(request)
            elif _path(request) == LOGIN:
                self._require_same_origin(request)
        except UnauthorizedError as error:
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return RedirectResponse(LOGIN, 303)
            return error_response(error)
        except RefusalError as error:
            return error_response(error)
        return None

    def _require_loopback(self, request: Request) -> None:
        """A name of the web that was made to point at this machine may not read what is here (DNS rebinding)."""
        host = _host_name(request.headers.get("host", ""))
        if not is_loopback(host):
            raise ForbiddenError(
                "without tokens the service answers this machine alone", where="Host", received=host[:80],
                remedy=f"open {self._settings.address}, or start the service with MEDFAKE_TOKENS",
            )  # fmt: skip

    def _require_same_origin(self, request: Request) -> None:
        """Another site's page may not change anything in its reader's name."""
        if request.method in _SAFE:
            return
        origin = request.headers.get("origin")
        hosts = {request.headers.get("host", "")}
        if self._settings.behind_proxy:
            hosts.add(request.headers.get("x-forwarded-host", ""))
        cross = request.headers.get("sec-fetch-site") == "cross-site"
        if cross or (origin is not None and urlsplit(origin).netloc not in hosts - {""}):
            raise ForbiddenError(
                "this comes from another site's page", where="Origin", received=(origin or "")[:80],
                remedy="use the service's own page, or a token",
            )  # fmt: skip

    def _is_public(self, request: Request) -> bool:
        path = _path(request)
        return path in PUBLIC or path.startswith(PUBLIC_FOLDERS)

    def _has_token(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._settings.tokens.name_of(token.strip()) is not None

    def _require_session(self, request: Request) -> None:
        if self._sessions.name_of(request.cookies.get(COOKIE, "")) is None:
            given = "a wrong token" if "authorization" in request.headers else "no token"
            raise UnauthorizedError(
                "the service has to know who asks", where="Authorization", received=given,
                remedy="Authorization: Bearer TOKEN, or POST /login",
            )  # fmt: skip

    def _dress(self, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if self._settings.encrypted:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        """Method, route, status, time and job: no address, no name, nothing else that came in."""
        job = str(scope.get("path_params", {}).get("job_id", ""))
        _access.info(
            "%s %s %d %.0f ms%s", _method(scope), _route(scope), status, 1000 * seconds,
            f" job {job}" if JOB_ID.fullmatch(job) else "",
        )  # fmt: skip


def error_response(error: MedfakeError) -> JSONResponse:
    """An error as every client gets it."""
    told = {"what": error.what, "where": error.where, "received": error.received, "remedy": error.remedy}
    headers = {}
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooSlowError | TooLargeError):
        headers["Connection"] = "close"  # the rest of a body that is not wanted would be taken for the next request
    if isinstance(error, RefusalError) and error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    return JSONResponse({"error": told}, status_of(error), headers)


def _path(request: Request) -> str:
    """As routes see it; `request.url` is put together with the Host field, which may hold a path of its own."""
    return str(request.scope["path"])


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The route's template, which holds nothing that a client chose."""
    return str(getattr(scope.get("route"), "path", "-"))


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
