"""MLflow's own server on the study's store, with everything off that is not tracking."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from medfake.config import TrackingParams
from medfake.errors import BusyError, ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_AI_GATEWAY": "false",
    "MLFLOW_ENABLE_REMOTE_ASSISTANT": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS": "false",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
}
_PATIENCE_S = 10


def serve(tracking: TrackingParams, host: str, port: int) -> int:
    """Run the server until Ctrl-C or SIGTERM; its children end with it.

    Args:
        tracking: The store of params.yaml.
        host: A loopback address; MLflow's server here asks nobody who they are.
        port: TCP port.

    Returns:
        Its exit code; 0 when it was told to stop.

    Raises:
        ConfigError: The host is not of this machine alone.
        BusyError: Something listens on the port.
    """
    if host not in LOOPBACK:
        raise ConfigError(
            "the tracking server has no authentication and listens on this machine only",
            where="--host",
            received=host,
            remedy=f"use a tunnel from the other machine: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE",
        )
    _require_free(host, port)
    process = subprocess.Popen(  # noqa: S603  # our own interpreter with constant arguments and validated values
        _command(tracking, host, port), env={**os.environ, **_ENVIRONMENT}, start_new_session=True
    )
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        _end(process)


def _command(tracking: TrackingParams, host: str, port: int) -> list[str]:
    artifacts = tracking.artifacts if "://" in tracking.artifacts else Path(tracking.artifacts).absolute().as_uri()
    names = ",".join(f"{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]"))
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", tracking.uri, "--default-artifact-root", artifacts),
        *("--host", host, "--port", str(port), "--workers", "1", "--allowed-hosts", names),
    ]


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise BusyError(
                "something listens on this port already",
                where=f"{host}:{port}",
                remedy=f"open http://{host}:{port}, or python -m mlflow_server --port {port + 1}",
            ) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server's whole process group, first politely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_PATIENCE_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
