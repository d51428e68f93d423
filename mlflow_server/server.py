"""MLflow's own server: on the study's store for this machine alone, or for a team with users."""

import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medfake.config import TrackingParams
from medfake.errors import BusyError, ConfigError
from mlflow_server.configured_service import (
    ADMIN,
    ADMIN_PASSWORD,
    BACKEND,
    DATABASE_PASSWORD,
    DESTINATION,
    HOSTS,
    LOOPBACK,
    SECRET_KEY,
    Service,
)

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
            "without users and passwords, the tracking server listens on this machine only",
            where="--host",
            received=host,
            remedy=f"use a tunnel from the other machine: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE; "
            "or, for a team, python -m mlflow_server team",
        )
    _require_free(host, port, again="python -m mlflow_server")
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
    _run(application, host, port)


def serve_team(
    service: Service, port: int, certificate: tuple[Path, Path] | None, say: Callable[[str], object]
) -> None:
    """Run a team's server in this process until Ctrl-C or SIGTERM; it starts no children.

    Args:
        service: Judged safe; says where to listen and what the server stands on.
        port: TCP port.
        certificate: Files of the certificate and its key; None without TLS.
        say: Is told the address once the stores are open.

    Raises:
        ConfigError: A secret's file cannot be read.
        BusyError: Something listens on the port.
        StorageError: The database or the place for files is not reached.
        RegistryError: MLflow cannot open the database.
    """
    _require_free(service.host, port, again="python -m mlflow_server team")
    from medfake.serving.database import with_driver
    from medfake.tracking.store_errors import require_openable, translated
    from mlflow_server.destination import require_destination
    from mlflow_server.team import TeamServer, team_application

    if (password := service.value(DATABASE_PASSWORD)) is not None:
        os.environ[DATABASE_PASSWORD] = password  # PostgreSQL's client reads it there
    server = TeamServer(
        database=with_driver(service.variables[BACKEND]),
        destination=require_destination(service.variables[DESTINATION]),
        hosts=[one.strip() for one in service.variables.get(HOSTS, "").split(",") if one.strip()],
        admin=service.variables.get(ADMIN) or "admin",
        admin_password=service.value(ADMIN_PASSWORD) or "",
        secret_key=service.value(SECRET_KEY) or "",
    )
    require_openable(server.database)
    with translated(server.database):
        application = team_application(server)
    scheme = "http" if certificate is None else "https"
    address = url(service.host, port, scheme)
    say(f"MLflow for a team on {address}, Ctrl-C ends it\nnext: export MLFLOW_TRACKING_URI={address}")
    _run(application, service.host, port, certificate)


def url(host: str, port: int, scheme: str = "http") -> str:
    """Where a browser finds the server."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def page_address(tracking: TrackingParams, path: str) -> str:
    """Where a browser finds a page of MLflow.

    Args:
        tracking: Of params.yaml; a team's server shows its own pages, other stores are shown by this one.
        path: Below the address of the server, e.g. `comparison_link(...).path`.
    """
    base = tracking.uri if tracking.uri.startswith("http") else url(LOOPBACK[0], DEFAULT_PORT)
    return base.rstrip("/") + path


def _run(application: Any, host: str, port: int, certificate: tuple[Path, Path] | None = None) -> None:
    import uvicorn

    chain, key = certificate or (None, None)

    try:
        uvicorn.run(
            application, host=host, port=port, log_level="warning", access_log=False, server_header=False,
            proxy_headers=False, ssl_certfile=chain, ssl_keyfile=key,
        )  # fmt: skip
    except KeyboardInterrupt:  # Ctrl-C is how it ends
        return


def _require_free(host: str, port: int, again: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise BusyError(
                "something listens on this port already",
                where=f"{host}:{port}",
                remedy=f"open {url(host, port)}, or {again} --port {port + 1}",
            ) from None
