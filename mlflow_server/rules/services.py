"""What MLflow can do beside tracking, and what a user may do who was granted nothing."""

from collections.abc import Iterator
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Final

from mlflow_server.configured_service import Kind, Service, is_on
from mlflow_server.environment import NO_PERMISSIONS, OFF
from mlflow_server.rules.registry import Severity, rule

_AUTH_SETTINGS: Final = "MLFLOW_AUTH_CONFIG_PATH"
_PICKLE: Final = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"
_UNCHECKED: Final = "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"
_TELLS: Final = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "MLFLOW_DISABLE_AGENT_HINT")
_RUNS: Final = tuple(name for name in OFF if name not in (*_TELLS, _PICKLE, _UNCHECKED))
_OWN: Final = (Kind.TEAM, Kind.LAPTOP)  # set all of this themselves, whatever the environment says


@rule("pickle is off", remedy=f"{_PICKLE}=false")
def pickle_is_off(service: Service) -> Iterator[str]:
    """Whoever loads a pickle runs whatever its author liked."""
    if service.kind not in _OWN and is_on(service.variables.get(_PICKLE, "")):
        yield f"{_PICKLE} is on"


@rule("other services are off", remedy="python -m mlflow_server team has them off; or unset the variable")
def other_services_are_off(service: Service) -> Iterator[str]:
    """An assistant that runs commands, a gateway to language models, jobs, scorers of users' own code."""
    if service.kind is Kind.MLFLOW:
        on = (name for name in _RUNS if service.variables.get(name, "").lower() not in ("", "false", "0"))
        yield from (f"{name} is on" for name in on)


@rule("host names and origins are checked", remedy=f"leave {_UNCHECKED} and --disable-security-middleware out")
def names_are_checked(service: Service) -> Iterator[str]:
    """MLflow's own check of Host and Origin can be turned off."""
    off = is_on(service.variables.get(_UNCHECKED, "")) and service.kind not in _OWN
    if off or "--disable-security-middleware" in service.command:
        yield f"{_UNCHECKED} is on"


@rule("nobody may do what was not granted", remedy=f"default_permission = {NO_PERMISSIONS}")
def nothing_ungranted(service: Service) -> Iterator[str]:
    """MLflow lets every user read all experiments and models, unless it is told not to."""
    if service.kind is not Kind.MLFLOW or "basic-auth" not in " ".join(service.command):
        return
    path = service.variables.get(_AUTH_SETTINGS)
    if path is None:
        yield f"{_AUTH_SETTINGS} is not set, and MLflow's default is READ"
        return
    settings = ConfigParser(interpolation=None)
    try:
        found = settings.read(Path(path), encoding="utf-8")
        permission = settings.get("mlflow", "default_permission", fallback="READ") if found else None
    except Error:
        permission = None
    if permission != NO_PERMISSIONS:
        yield f"default_permission is {permission}" if permission else f"{_AUTH_SETTINGS} cannot be read"


@rule("nothing is told to others", severity=Severity.CAUTION, remedy="MLFLOW_DISABLE_TELEMETRY=true")
def nothing_is_told(service: Service) -> Iterator[str]:
    """MLflow reports its use to its makers."""
    if service.kind is Kind.MLFLOW and not is_on(service.variables.get("MLFLOW_DISABLE_TELEMETRY", "")):
        yield "telemetry is on"
