"""MLflow's web application with its doors to other services shut.

MLflow serves its tracking API from the same process as an assistant that runs shell commands, a gateway to language
models, a job queue, webhooks and uploads. None of them is tracking, and none asks who calls.
"""

import os
import re
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from medfake.config import TrackingParams
from medfake.tracking.comparison_link import comparison_link
from medfake.tracking.store import Store
from mlflow_server.front_page import with_defaults

SERVICES = frozenset(
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
_API = re.compile(r"/(?:ajax-)?api/\d+\.\d+/mlflow/(?P<service>[a-z-]+)(?:/(?P<call>.*))?")
_CLOSED_CALLS = frozenset({("runs", "create-promptlab-run")})  # asks a language model
_PAGES = frozenset(
    {"/", "/get-artifact", "/graphql", "/health", "/model-versions/get-artifact", "/version"}
    | {f"/{kind}/2.0mlflow/experiments/search-datasets" for kind in ("api", "ajax-api")}  # MLflow's spelling
)
_STATIC = "/static-files/"
_OF_THE_BODY = frozenset({b"content-length", b"etag", b"last-modified", b"cache-control"})
# Names that no web page can rebind, and patterns for them with any port; in a pattern "[[]" is one bracket.
_HOSTS = ("localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*", "[::1]", "[[]::1]:*")
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_ENABLE_AI_GATEWAY": "false",
    "MLFLOW_DEPLOYMENTS_TARGET": "",
    "MLFLOW_ENABLE_REMOTE_ASSISTANT": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SERVER_JOB_ENABLE_PERIODIC_TASKS": "false",
    "MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS": "false",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "false",
}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class TrackingOnly:
    """An ASGI application that lets tracking and registry through and answers 403 for whatever else there is."""

    def __init__(self, application: Application, front_page: Callable[[bytes], bytes] = bytes) -> None:
        """Stand before an application.

        Args:
            application: MLflow's.
            front_page: Makes the page at "/" out of MLflow's.
        """
        self._application, self._front_page = application, front_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or shut the door."""
        if scope["type"] != "lifespan" and not is_open(scope["path"]):
            await JSONResponse({"detail": "this service is off here"}, status_code=403)(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/":
            await self._application(scope, receive, _Rewritten(send, self._front_page))
        else:
            await self._application(scope, receive, send)


class _Rewritten:
    """Sends a page once it is whole, changed; MLflow's own checks and headers stay."""

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


def is_open(path: str) -> bool:
    """Whether a path belongs to tracking, the registry or their pages, e.g. /api/2.0/mlflow/runs/search."""
    if path in _PAGES or path.startswith(_STATIC):
        return True
    call = _API.fullmatch(path)
    return call is not None and call["service"] in SERVICES and (call["service"], call["call"]) not in _CLOSED_CALLS


def tracking_application(tracking: TrackingParams, study: str) -> TrackingOnly:
    """MLflow's application on a study's store.

    Requests whose Host header names another host are refused, so that no web page can reach it by DNS rebinding; any
    port will do, for a tunnel from another machine has its own.

    Args:
        tracking: The store of params.yaml.
        study: Whose trainings the front page shows, once they are compared.
    """
    os.environ.update(_ENVIRONMENT, MLFLOW_SERVER_ALLOWED_HOSTS=",".join(_HOSTS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own imports are deprecated in places
        from mlflow.server import constants, handlers

        artifacts = tracking.artifacts if "://" in tracking.artifacts else Path(tracking.artifacts).absolute().as_uri()
        os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = tracking.uri
        os.environ[constants.REGISTRY_STORE_URI_ENV_VAR] = tracking.uri
        os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = artifacts
        handlers.initialize_backend_stores(tracking.uri, tracking.uri, artifacts)
        from mlflow.server.fastapi_app import app
    store = Store(tracking)

    def front_page(page: bytes) -> bytes:
        return with_defaults(page, comparison_link(store, study))

    return TrackingOnly(app, front_page)
