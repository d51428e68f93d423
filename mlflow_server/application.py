"""MLflow's web application with its doors to other services shut.

MLflow serves its tracking API from the same process as an assistant that runs shell commands, a gateway to language
models, a job queue, webhooks and uploads. None of them is tracking, and none asks who calls.
"""

import os
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse

from medfake.config import TrackingParams

CLOSED = frozenset({"assistant", "gateway", "jobs", "mcp-servers", "mlflow-artifacts", "v1", "webhooks"})
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
    """An ASGI application that answers 403 for whatever is not tracking or registry."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or shut the door."""
        if scope["type"] != "lifespan" and is_closed(scope["path"]):
            await JSONResponse({"detail": "this service is off here"}, status_code=403)(scope, receive, send)
        else:
            await self._application(scope, receive, send)


def is_closed(path: str) -> bool:
    """Whether a path belongs to one of MLflow's other services, e.g. /ajax-api/3.0/mlflow/assistant/message."""
    return not CLOSED.isdisjoint(path.split("/")[1:5])


def tracking_application(tracking: TrackingParams, port: int) -> TrackingOnly:
    """MLflow's application on a study's store.

    Args:
        tracking: The store of params.yaml.
        port: Where it will listen; requests that name another host or port in their Host header are refused, so that no
            web page can reach it by DNS rebinding.
    """
    hosts = ",".join(f"{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]"))
    os.environ.update(_ENVIRONMENT, MLFLOW_SERVER_ALLOWED_HOSTS=hosts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own imports are deprecated in places
        from mlflow.server import constants, handlers

        artifacts = tracking.artifacts if "://" in tracking.artifacts else Path(tracking.artifacts).absolute().as_uri()
        os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = tracking.uri
        os.environ[constants.REGISTRY_STORE_URI_ENV_VAR] = tracking.uri
        os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = artifacts
        handlers.initialize_backend_stores(tracking.uri, tracking.uri, artifacts)
        from mlflow.server.fastapi_app import app
    return TrackingOnly(app)
