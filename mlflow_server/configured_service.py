"""A process as somebody has configured it: what rules judge, and what a team's server is started from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from medfake.errors import ConfigError
from medfake.loopback import is_loopback

BACKEND: Final = "MLFLOW_BACKEND_STORE_URI"
DESTINATION: Final = "MLFLOW_ARTIFACTS_DESTINATION"
HOSTS: Final = "MLFLOW_SERVER_ALLOWED_HOSTS"
ADMIN: Final = "MLFLOW_AUTH_ADMIN_USERNAME"
ADMIN_PASSWORD: Final = "MLFLOW_AUTH_ADMIN_PASSWORD"  # noqa: S105  # a name
SECRET_KEY: Final = "MLFLOW_FLASK_SERVER_SECRET_KEY"  # noqa: S105
DATABASE_PASSWORD: Final = "PGPASSWORD"  # noqa: S105  # read by PostgreSQL's own client
SECRETS: Final = (ADMIN_PASSWORD, SECRET_KEY, DATABASE_PASSWORD)
"""What `python -m mlflow_server team` takes from the environment, or from the file that NAME_FILE names."""

HOST: Final = "MLFLOW_HOST"
TLS_CERT: Final = "MEDFAKE_TLS_CERT"
TLS_KEY: Final = "MEDFAKE_TLS_KEY"
BEHIND_PROXY: Final = "MEDFAKE_BEHIND_PROXY"

OF_FILE: Final = "_FILE"
_PREFIXES: Final = ("AWS_", "MEDFAKE_", "MLFLOW_", "PG", "POSTGRES_")  # of variables that say anything about a server
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
"""Loopback addresses whose names MLflow is told to answer to unasked; see `medfake.loopback` for all there are."""


class Kind(StrEnum):
    """What a process is."""

    LAPTOP = "python -m mlflow_server"
    TEAM = "python -m mlflow_server team"
    MLFLOW = "mlflow server"
    OTHER = "another"


@dataclass(frozen=True)
class Container:
    """What a compose file says of the box around a process.

    Attributes:
        image: As written; None where it is built from the project.
        published: Addresses of this machine on which its ports are reached, e.g. "127.0.0.1:5000"; "0.0.0.0:5000"
            where the file names none.
        neighbours: Names of the other services, which are reached without leaving the machine.
        read_only: Whether its files cannot be changed.
        root: Whether it may run as root.
        gains_privileges: Whether a program in it may gain privileges, or has all of them.
    """

    image: str | None
    published: tuple[str, ...]
    neighbours: frozenset[str]
    read_only: bool
    root: bool
    gains_privileges: bool


@dataclass(frozen=True)
class Service:
    """A process with its settings.

    Attributes:
        where: It stands, for messages.
        variables: Of its environment.
        command: Its words.
        host: Address that it listens on.
        tls: Whether it has a certificate of its own.
        behind_proxy: Whether somebody says that a proxy before it has one.
        written: Names of variables whose values stand in a file that is kept with the project.
        secret_files: Variable -> file on this machine that its value comes from.
        private_files: Other files with secrets in them.
        container: Around it; None without one.
    """

    where: str
    kind: Kind
    variables: Mapping[str, str]
    command: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    tls: bool = False
    behind_proxy: bool = False
    written: frozenset[str] = frozenset()
    secret_files: Mapping[str, Path] = field(default_factory=dict)
    private_files: tuple[Path, ...] = ()
    container: Container | None = None

    def value(self, name: str) -> str | None:
        """Of a variable, or of the file that its NAME_FILE names, without the line end; None where there is none.

        Raises:
            ConfigError: There is no such file, or it cannot be read.
        """
        if self.variables.get(name):
            return self.variables[name]
        path = self.secret_files.get(name)
        return read_secret(path, name) if path is not None else None

    @property
    def is_server(self) -> bool:
        """Whether it is a tracking server."""
        return self.kind is not Kind.OTHER

    @property
    def listens_beyond(self) -> bool:
        """Whether other machines reach it."""
        if self.container is not None:
            return not all(is_loopback(address.rpartition(":")[0]) for address in self.container.published)
        return not is_loopback(self.host)


def team_of_environment() -> Service:
    """The team's server that this environment would make, were no option given."""
    return team_of(
        {name: value for name, value in os.environ.items() if name.startswith(_PREFIXES)}, "this environment"
    )


def team_of(variables: Mapping[str, str], where: str) -> Service:
    """The team's server that these variables would make."""
    return Service(
        where=where,
        kind=Kind.TEAM,
        variables=variables,
        host=variables.get(HOST) or LOOPBACK[0],
        tls=bool(variables.get(TLS_CERT)),
        behind_proxy=is_on(variables.get(BEHIND_PROXY, "")),
        secret_files=secret_files_of(variables),
    )


def is_on(value: str) -> bool:
    """Whether a variable's value says yes."""
    return value.lower() in ("true", "1", "yes", "on")


def secret_files_of(variables: Mapping[str, str]) -> dict[str, Path]:
    """Files that NAME_FILE of these variables name, by NAME."""
    return {name: Path(variables[name + OF_FILE]) for name in SECRETS if variables.get(name + OF_FILE)}


def read_secret(path: Path, name: str) -> str:
    """Text of a file, without the line end that editors add.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "the file of a secret cannot be read", where=f"{name}{OF_FILE}={path}", received=type(error).__name__,
            remedy=f"write the secret into it: (umask 077; openssl rand -hex 32 > {path})",
        ) from None  # fmt: skip
