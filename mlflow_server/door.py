"""The door before MLflow's application: tracking and the registry are let through, all other services are shut.

MLflow serves its tracking API from the same process as an assistant that runs shell commands, a gateway to language
models, a job queue, webhooks and uploads. None of them is tracking, and none asks who calls.
"""

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

SERVICES: Final = frozenset(
    {
        "artifacts",
        "experiments",
        "logged-models",
        "metrics",
        "model-versions",
        "registered-models",
        "runs",
        "server-info",
    }
)  # /api/2.0/mlflow/<service>/..., and the same below /ajax-api for the UI
PEOPLE: Final = frozenset({"users", "roles"})  # who may do what, on a server that asks who calls
_API = re.compile(r"/(?:ajax-)?api/\d+\.\d+/mlflow/(?P<service>[a-z-]+)(?:/(?P<call>.*))?")
_PROXY = re.compile(r"/(?:ajax-)?api/2\.0/mlflow-artifacts/artifacts(?:/.*)?", re.DOTALL)
_CLOSED_CALLS = frozenset(
    {
        ("runs", "create-promptlab-run"),  # asks a language model
        ("users", "create-ui"),  # a form; users are made by the API
        ("artifacts", "presigned-download-url"),  # leads past the server, to a store that clients have no access to
        ("artifacts", "presigned-upload-url"),
    }
)
_PAGES = frozenset(
    {"/", "/get-artifact", "/graphql", "/health", "/model-versions/get-artifact", "/version"}
    | {f"/{kind}/2.0mlflow/experiments/search-datasets" for kind in ("api", "ajax-api")}  # MLflow's spelling
)
_STATIC = "/static-files/"
_SERVER_INFO = ("/api/3.0/mlflow/server-info", "/ajax-api/3.0/mlflow/server-info")
_WAYS_PAST = re.compile("multipart|presigned")
_OF_THE_BODY = frozenset({b"content-length", b"etag", b"last-modified", b"cache-control"})

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class TrackingOnly:
    """An ASGI application that lets tracking and registry through and answers 403 for whatever else there is."""

    def __init__(
        self, application: Application, front_page: Callable[[bytes], bytes] = bytes, *, team: bool = False
    ) -> None:
        """Stand before an application.

        Args:
            application: MLflow's.
            front_page: Makes the page at "/" out of MLflow's.
            team: Whether the proxy for files and the users' API are open, too.
        """
        self._application, self._team = application, team
        self._changes = {"/": front_page, **dict.fromkeys(_SERVER_INFO, _without_ways_past)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or shut the door."""
        if scope["type"] != "lifespan" and not is_open(scope["path"], team=self._team):
            await JSONResponse({"detail": "this service is off here"}, status_code=403)(scope, receive, send)
        elif scope["type"] == "http" and (change := self._changes.get(scope["path"])):
            await self._application(scope, receive, _Rewritten(send, change))
        else:
            await self._application(scope, receive, send)


class _Rewritten:
    """Sends a page or an answer once it is whole, changed; MLflow's own checks and headers stay."""

    def __init__(self, send: Send, change: Callable[[bytes], bytes]) -> None:
        self._send, self._change, self._body = send, change, b""
        self._start: Scope = {}

    async def __call__(self, message: Scope) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        if self._start["status"] == 200:
            self._body = await run_in_threadpool(self._change, self._body)
            kept = [pair for pair in self._start["headers"] if pair[0].lower() not in _OF_THE_BODY]
            length = (b"content-length", str(len(self._body)).encode())
            self._start["headers"] = [*kept, length, (b"cache-control", b"no-store")]
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": self._body})


def _without_ways_past(answer: bytes) -> bytes:
    """What the server says of itself, without the ways past it to an object store: clients have no access there."""
    facts = json.loads(answer)
    return json.dumps({name: value if not _WAYS_PAST.search(name) else False for name, value in facts.items()}).encode()


def is_open(path: str, *, team: bool = False) -> bool:
    """Whether a path belongs to tracking, the registry or their pages, e.g. /api/2.0/mlflow/runs/search.

    Args:
        path: Of a request, decoded.
        team: Whether files go through the server, and users are kept by it.
    """
    if path in _PAGES or path.startswith(_STATIC) or (team and _PROXY.fullmatch(path)):
        return True
    call = _API.fullmatch(path)
    services = SERVICES | PEOPLE if team else SERVICES
    return call is not None and call["service"] in services and (call["service"], call["call"]) not in _CLOSED_CALLS
