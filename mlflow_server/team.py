"""MLflow's web application for a team: users with passwords, permissions, files through the server alone."""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlflow_server.door import TrackingOnly
from mlflow_server.environment import LOOPBACK_NAMES, NO_PERMISSIONS, OFF
from mlflow_server.front_page import with_defaults
from mlflow_server.places import refuse_foreign_places
from mlflow_server.sign_in import SignedInOnly

PROXY: Final = "mlflow-artifacts:/"
_CHECKED_FOR_S: Final = 60  # a password that was right needs no new comparison; changes by the API count at once
_ALWAYS: Final = {
    "MLFLOW_BASIC_AUTH_FAIL_CLOSED": "true",
    "MLFLOW_SERVER_ENABLE_GRAPHQL_AUTH": "true",
    "MLFLOW_ENABLE_WORKSPACES": "false",
    "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": "",
    "MLFLOW_SERVER_X_FRAME_OPTIONS": "DENY",
    "_MLFLOW_SGI_NAME": "uvicorn",
}
_NEVER: Final = ("_MLFLOW_AUTH_ADMIN_BOOTSTRAPPED", "_MLFLOW_INTERNAL_GATEWAY_AUTH_TOKEN", "_MLFLOW_STATIC_PREFIX")
_LOUD: Final = ("mlflow.server.auth", "mlflow.server.fastapi_security", "mlflow.store.db.utils", "alembic", "psycopg")


@dataclass(frozen=True)
class TeamServer:
    """What a team's server stands on.

    Attributes:
        database: Address of PostgreSQL, with SQLAlchemy's driver; may hold a password.
        destination: Folder or s3:// address that files are kept below.
        hosts: Names by which clients call it, with their port where it is not the usual one.
        admin: Name of the first user, who is made where there is none.
        admin_password: Of that user, then.
        secret_key: Signs what MLflow's pages hand out.
    """

    database: str
    destination: str
    hosts: Sequence[str]
    admin: str
    admin_password: str
    secret_key: str


def team_application(server: TeamServer) -> SignedInOnly:
    """MLflow's application for a team, once in a process.

    A user may do nothing that was not granted, but make experiments and models of their own. Every answer but that of
    /health is for signed-in users; services that are not tracking, registry, files or users are shut for all of them.
    """
    os.environ.update(OFF | _ALWAYS)
    os.environ.update(
        MLFLOW_SERVER_ALLOWED_HOSTS=",".join((*server.hosts, *LOOPBACK_NAMES)),
        MLFLOW_AUTH_ADMIN_USERNAME=server.admin,
        MLFLOW_AUTH_ADMIN_PASSWORD=server.admin_password,
        MLFLOW_FLASK_SERVER_SECRET_KEY=server.secret_key,
    )
    for name in _NEVER:
        os.environ.pop(name, None)
    with warnings.catch_warnings(), _auth_settings(server.database):
        warnings.simplefilter("ignore")  # MLflow's own imports are deprecated in places
        from mlflow.server import app, auth, constants, handlers

        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.ERROR)
        os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = server.database
        os.environ[constants.REGISTRY_STORE_URI_ENV_VAR] = server.database
        os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = PROXY
        os.environ[constants.ARTIFACTS_DESTINATION_ENV_VAR] = server.destination
        os.environ[constants.SERVE_ARTIFACTS_ENV_VAR] = "true"
        handlers.initialize_backend_stores(server.database, server.database, PROXY)
        application = auth.create_app()
    app.before_request(refuse_foreign_places)

    def knows(name: str, password: str) -> bool:
        return auth._authenticate_cached(name, password) is not None

    def front_page(page: bytes) -> bytes:
        return with_defaults(page, None)

    return SignedInOnly(TrackingOnly(application, front_page, team=True), knows)


@contextmanager
def _auth_settings(database: str) -> Iterator[None]:
    """The file that MLflow reads settings of its users from, while it is imported: the address may hold a password."""
    settings = ConfigParser(interpolation=None)
    settings["mlflow"] = {
        "default_permission": NO_PERMISSIONS,
        "database_uri": database.replace("%", "%%"),  # MLflow interpolates
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        "grant_default_workspace_access": "false",
        "auth_cache_ttl_seconds": str(_CHECKED_FOR_S),
    }
    with tempfile.TemporaryDirectory() as folder:  # mode 0700
        path = Path(folder) / "users.ini"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            settings.write(file)
        os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(path)
        yield
    del os.environ["MLFLOW_AUTH_CONFIG_PATH"]
