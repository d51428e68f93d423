import asyncio
import base64
from typing import Any

import pytest

from mlflow_server.sign_in import LARGEST_BODY, SignedInOnly, is_of_another_site, read_credentials


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        (_basic("ann:secret"), ("ann", "secret")),
        (_basic("ann:with:colons"), ("ann", "with:colons")),
        (_basic("ann:pässwörd"), ("ann", "pässwörd")),
        (_basic("ann:secret").replace("Basic", "basic"), ("ann", "secret")),
        ("", None),
        ("Bearer abc", None),
        ("Basic", None),
        ("Basic !!!", None),
        ("Basic /w==", None),
        (_basic("ann"), None),
        (_basic("ann:"), None),
        (_basic(":secret"), None),
    ],
)
def test_names_and_passwords_are_read_as_rfc_7617_says(header: str, credentials: tuple[str, str] | None) -> None:
    assert read_credentials(header) == credentials


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({"host": "mlflow:5000"}, False),
        ({"host": "mlflow:5000", "origin": "http://mlflow:5000"}, False),
        ({"host": "mlflow.example.org", "origin": "https://MLflow.example.org"}, False),
        ({"host": "mlflow:5000", "origin": "http://mlflow:5001"}, True),
        ({"host": "localhost:5000", "origin": "http://localhost:3000"}, True),
        ({"host": "mlflow:5000", "origin": "null"}, True),
        ({"origin": "http://mlflow:5000"}, True),
    ],
)
def test_a_page_is_of_the_server_where_its_origin_is_the_host(headers: dict[str, str], foreign: bool) -> None:
    assert is_of_another_site(headers) is foreign


def _status(kind: str = "http", method: str = "GET", path: str = "/", **headers: str) -> int:
    """What the door answers; 200 where the request went through."""
    said: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        said.append(dict(message))

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "path": path, "headers": pairs, "extensions": {}}
    door = SignedInOnly(application, lambda name, password: (name, password) == ("ann", "secret"))
    asyncio.run(door(scope, receive, send))
    return int(said[0].get("status", 0))


def test_health_alone_is_told_to_anybody() -> None:
    assert _status(path="/health") == 200
    assert _status(path="/health", method="POST") == 401
    assert _status(path="/health/") == 401
    assert _status(path="/healthy") == 401
    assert _status(path="/static-files/main.js") == 401
    assert _status(path="/api/3.0/mlflow/server-info") == 401


def test_a_known_user_gets_through_and_others_do_not() -> None:
    assert _status(authorization=_basic("ann:secret")) == 200
    assert _status(authorization=_basic("ann:Secret")) == 401
    assert _status(authorization=_basic("bob:secret")) == 401


def test_a_web_socket_is_refused() -> None:
    assert _status(kind="websocket", authorization=_basic("ann:secret")) == 403


def test_a_call_says_how_long_it_is_and_is_not_too_long() -> None:
    ann = _basic("ann:secret")
    call = "/api/2.0/mlflow/runs/create"
    assert _status(method="POST", path=call, authorization=ann) == 411
    assert _status(method="POST", path=call, authorization=ann, content_length=str(LARGEST_BODY)) == 200
    assert _status(method="POST", path=call, authorization=ann, content_length=str(LARGEST_BODY + 1)) == 413


def test_a_file_may_be_as_long_as_it_likes() -> None:
    path = "/api/2.0/mlflow-artifacts/artifacts/1/detector.onnx"
    assert _status(method="PUT", path=path, authorization=_basic("ann:secret")) == 200
