"""Who calls is asked before anything else: every request but the one for health brings a user's name and password.

MLflow's own authentication leaves static files and server-info open, and keeps a whole request in memory before it
asks. Here nobody who is not known gets a page, or makes the server keep what they send.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from mlflow_server.door import Application, Receive, Scope, Send

HEALTH: Final = "/health"
LARGEST_BODY: Final = 64 << 20  # bytes of a call that is no file's; MLflow keeps it in memory as a whole
_AT_ONCE: Final = 4  # passwords that are compared at a time, which takes a processor for a while each
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_FILES: Final = ("/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/")
_ASKS: Final = {"WWW-Authenticate": 'Basic realm="mlflow", charset="UTF-8"'}


class SignedInOnly:
    """An ASGI application that answers known users alone, and no page of another site on their behalf."""

    def __init__(self, application: Application, knows: Callable[[str, str], bool]) -> None:
        """Stand before an application.

        Args:
            application: Behind the door.
            knows: Whether a user has this name and password; may take its time.
        """
        self._application, self._knows = application, knows
        self._comparing: anyio.CapacityLimiter | None = None  # needs a running loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask who calls, then pass the request on."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and _is_health(scope)):
            await self._application(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        await (refusal or self._application)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that goes no further; None where it may."""
        if scope["type"] != "http":
            return _answer(403, "PERMISSION_DENIED", "there are no web sockets here")
        headers = Headers(scope=scope)
        credentials = read_credentials(headers.get("authorization", ""))
        if credentials is None or not await self._are_known(*credentials):
            return _answer(401, "UNAUTHENTICATED", "a user's name and password are asked for", _ASKS)
        if is_of_another_site(headers):
            return _answer(403, "PERMISSION_DENIED", "a page of another site may not call this server")
        if not scope["path"].startswith(_FILES) and scope["method"] not in _WITHOUT_BODY:
            return _refused_size(headers)
        return None

    async def _are_known(self, name: str, password: str) -> bool:
        self._comparing = self._comparing or anyio.CapacityLimiter(_AT_ONCE)
        return await anyio.to_thread.run_sync(self._knows, name, password, limiter=self._comparing)


def read_credentials(authorization: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header (RFC 7617); None where it holds none."""
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon and name and password else None


def is_of_another_site(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of another origin makes this request."""
    origin = headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _refused_size(headers: Mapping[str, str]) -> Response | None:
    length = headers.get("content-length", "")
    if not length.isdecimal():
        return _answer(411, "BAD_REQUEST", "the call does not say how long it is")
    if int(length) > LARGEST_BODY:
        return _answer(413, "BAD_REQUEST", f"a call has at most {LARGEST_BODY} bytes")
    return None


def _answer(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal in MLflow's own form, which its clients read."""
    return JSONResponse({"error_code": code, "message": message}, status_code=status, headers=headers)


def _is_health(scope: Scope) -> bool:
    return scope["path"] == HEALTH and scope["method"] in ("GET", "HEAD")
