import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from medfake.config import TrackingParams
from medfake.errors import BusyError, ConfigError
from mlflow_server.application import tracking_application
from mlflow_server.door import SERVICES, is_open
from mlflow_server.server import page_address, serve, url

PROJECT = Path(__file__).resolve().parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_host_of_other_machines_is_refused(tracking: TrackingParams) -> None:
    with pytest.raises(ConfigError, match="this machine only") as caught:
        serve(tracking, "toy", "0.0.0.0", 5000, print)  # noqa: S104  # refused is what is tested
    assert "ssh -L" in str(caught.value.remedy)


def test_a_busy_port_is_one_clear_error(tracking: TrackingParams) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(BusyError) as caught:
            serve(tracking, "toy", "127.0.0.1", port, print)
    assert f"--port {port + 1}" in str(caught.value.remedy)


def test_an_ipv6_address_is_bracketed() -> None:
    assert (url("::1", 5000), url("localhost", 80)) == ("http://[::1]:5000", "http://localhost:80")


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sqlite:///mlflow.db", "http://127.0.0.1:5000/#/a"),
        ("postgresql://host/db", "http://127.0.0.1:5000/#/a"),
        ("https://mlflow.example/", "https://mlflow.example/#/a"),
    ],
)
def test_pages_are_found_on_the_teams_server_or_on_this_one(uri: str, address: str) -> None:
    params = TrackingParams(uri=uri, artifacts="a", experiment="medfake")
    assert page_address(params, "/#/a") == address


@pytest.mark.parametrize(
    "path",
    [
        "/ajax-api/3.0/mlflow/assistant/message",
        "/api/3.0/mlflow/mcp-servers",
        "/api/2.0/mlflow-artifacts/artifacts/x",
        "/api/2.0/mlflow/webhooks",
        "/ajax-api/3.0/mlflow/gateway/endpoints/list",
        "/ajax-api/2.0/mlflow/runs/create-promptlab-run",
        "/ajax-api/2.0/mlflow/upload-artifact",
        "/gateway/a/mlflow/invocations",
        "/v1/traces",
        "/api/4.0/mlflow/service-of-tomorrow/call",
        "/API/2.0/mlflow/runs/search",
        "//api/2.0/mlflow/runs/search",
    ],
)
def test_what_is_not_known_to_be_tracking_is_closed(path: str) -> None:
    assert not is_open(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/health", "/get-artifact", "/static-files/static/js/gateway.js", "/api/2.0/mlflow/runs/search"],
)
def test_tracking_and_the_registry_are_open(path: str) -> None:
    assert is_open(path)


def test_of_all_routes_that_mlflow_serves_only_those_of_tracking_and_the_registry_are_open(
    tracking: TrackingParams,
) -> None:
    tracking_application(tracking, "toy")
    from mlflow.server import app

    routes = {str(rule) for rule in app.url_map.iter_rules()}
    opened = {route for route in routes if is_open(route)}
    calls = {"/".join(route.split("/")[4:]) for route in opened if "api/" in route}
    assert len(routes) > 300
    assert {call.split("/")[0] for call in calls} == SERVICES | {"search-datasets"}
    assert {f"{service}/search" for service in ("experiments", "runs", "registered-models", "model-versions")} <= calls
    pages = {"/", "/graphql", "/health", "/static-files/<path:path>", "/version"}
    files = {"/get-artifact", "/model-versions/get-artifact"}
    assert {route for route in opened if "api/" not in route} == pages | files


@pytest.mark.slow
def test_the_server_answers_on_this_machine_alone_and_leaves_nothing_behind(tmp_path: Path) -> None:
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_text((PROJECT / name).read_text())
    port = _free_port()
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow_server", "--port", str(port)],
        cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert _get(port, "/health", patience_s=90) == "OK"
        found = json.loads(_get(port, "/api/2.0/mlflow/experiments/search?max_results=5"))
        assert found["experiments"][0]["name"] == "Default"
        for elsewhere in ("elsewhere.example", f"elsewhere.example:{port}", "127.0.0.1.elsewhere.example:5001"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                _get(port, "/api/2.0/mlflow/experiments/search?max_results=5", host=elsewhere)
            assert refused.value.code == 403
        for tunnel in ("localhost:5001", "127.0.0.1:8080", "[::1]:5001", "localhost"):
            assert "experiments" in _get(port, "/api/2.0/mlflow/experiments/search?max_results=5", host=tunnel)
        for closed in ("/ajax-api/3.0/mlflow/assistant/config", "/gateway/mlflow/v1/models", "/ajax-api/3.0/jobs/1"):
            with pytest.raises(urllib.error.HTTPError) as shut:
                _get(port, closed)
            assert shut.value.code == 403
        assert "<html" in _get(port, "/")
        assert _children(process.pid) == []
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        _get(port, "/health")


def _children(pid: int) -> list[str]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")  # Linux alone tells
    return listed.read_text().split() if listed.exists() else []


def _get(port: int, path: str, host: str | None = None, patience_s: float = 0) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host} if host else {})
    until = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            raise
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
