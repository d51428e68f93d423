"""Where files lie is for the server to say, never for who calls.

The server fetches files with its own rights, wherever a run's or version's address points. An experiment "at" the
files of another one, or a version whose source is a path of the server, would hand them to whoever made it up.
"""

import json
from typing import Any, Final

from flask import Response, jsonify, request

_LOCATION: Final = ("artifact_location", "artifactLocation")  # MLflow reads both spellings
_OWN_SOURCES: Final = ("models:/", "runs:/", "mlflow-artifacts:/")  # MLflow holds these to what the caller may read
_EXPERIMENT: Final = "/mlflow/experiments/create"
_VERSION: Final = "/mlflow/model-versions/create"


def refuse_foreign_places() -> Response | None:
    """A hook of Flask before each request: the answer to a call that names a place of its own, else None."""
    path = request.path.rstrip("/")
    if path.endswith(_EXPERIMENT) and any(_body().get(name) for name in _LOCATION):
        return _refusal("this server says itself where an experiment keeps its files; leave artifact_location out")
    if path.endswith(_VERSION) and not str(_body().get("source", "")).startswith(_OWN_SOURCES):
        return _refusal("the source of a version is a logged model or a run of this server")
    return None


def _body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if isinstance(body, str):  # MLflow takes JSON in JSON of old clients
        try:
            body = json.loads(body)
        except ValueError:
            body = None
    return body if isinstance(body, dict) else {}


def _refusal(message: str) -> Response:
    response = jsonify({"error_code": "INVALID_PARAMETER_VALUE", "message": message})
    response.status_code = 400
    return response
