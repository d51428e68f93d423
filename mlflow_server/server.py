"""MLflow's own server on the study's store, for this machine alone."""

import logging
import socket
from collections.abc import Callable

from medfake.config import TrackingParams
from medfake.errors import BusyError, ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
DEFAULT_PORT = 5000


def serve(tracking: TrackingParams, study: str, host: str, port: int, say: Callable[[str], object]) -> None:
    """Run the server in this process until Ctrl-C or SIGTERM; it starts no children.

    Args:
        tracking: The store of params.yaml.
        study: Whose trainings the page opens with.
        host: A loopback address; MLflow's server here asks nobody who they are.
        port: TCP port.
        say: Is told the address once the store is open.

    Raises:
        ConfigError: The host is not of this machine alone.
        BusyError: Something listens on the port.
        RegistryError: MLflow cannot open the store.
    """
    if host not in LOOPBACK:
        raise ConfigError(
            "without a token to ask for, the tracking server listens on this machine only",
            where="--host",
            received=host,
            remedy=f"use a tunnel from the other machine: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE",
        )
    _require_free(host, port)
    import uvicorn

    from medfake.tracking.comparison_link import comparison_link
    from medfake.tracking.store import Store
    from medfake.tracking.store_errors import translated
    from mlflow_server.application import tracking_application

    with translated(tracking.uri):
        application = tracking_application(tracking, study)
        link = comparison_link(Store(tracking), study)
    logging.getLogger("mlflow.server.fastapi_security").setLevel(logging.ERROR)
    say(f"MLflow on {url(host, port)}, Ctrl-C ends it")
    if link is not None and link.saved:
        say(f"trainings of {study} side by side: {url(host, port)}{link.path}")
    try:
        uvicorn.run(application, host=host, port=port, log_level="warning", access_log=False)
    except KeyboardInterrupt:  # Ctrl-C is how it ends
        return


def url(host: str, port: int) -> str:
    """Where a browser finds the server."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def page_address(tracking: TrackingParams, path: str) -> str:
    """Where a browser finds a page of MLflow.

    Args:
        tracking: Of params.yaml; a team's server shows its own pages, other stores are shown by this one.
        path: Below the address of the server, e.g. `comparison_link(...).path`.
    """
    base = tracking.uri if tracking.uri.startswith("http") else url(LOOPBACK[0], DEFAULT_PORT)
    return base.rstrip("/") + path


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
                remedy=f"open {url(host, port)}, or python -m mlflow_server --port {port + 1}",
            ) from None
