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
from mlflow_server.server import serve

PROJECT = Path(__file__).resolve().parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_host_of_other_machines_is_refused(tracking: TrackingParams) -> None:
    with pytest.raises(ConfigError, match="this machine only") as caught:
        serve(tracking, "0.0.0.0", 5000)  # noqa: S104  # refused is what is tested
    assert "ssh -L" in str(caught.value.remedy)


def test_a_busy_port_is_one_clear_error(tracking: TrackingParams) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(BusyError) as caught:
            serve(tracking, "127.0.0.1", port)
    assert f"--port {port + 1}" in str(caught.value.remedy)


@pytest.mark.slow
def test_the_server_answers_on_this_machine_alone_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((PROJECT / "params.yaml").read_text())
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
        with pytest.raises(urllib.error.HTTPError) as refused:
            _get(port, "/api/2.0/mlflow/experiments/search?max_results=5", host="elsewhere.example")
        assert refused.value.code == 403
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(40)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        _get(port, "/health")


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
