"""Where runs, models and files are kept."""

from collections.abc import Iterator
from typing import Final

from mlflow_server.configured_service import BACKEND, DESTINATION, Kind, Service
from mlflow_server.rules.registry import rule

_POSTGRES: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")


@rule("PostgreSQL for a team", remedy=f"{BACKEND}=postgresql://USER@HOST/NAME, and the password in PGPASSWORD_FILE")
def postgresql_for_a_team(service: Service) -> Iterator[str]:
    """A SQLite file lets one writer in at a time, and folders of files none of the registry."""
    address = service.variables.get(BACKEND, "")
    if service.kind is Kind.TEAM and not address:
        yield f"{BACKEND} is not set"
    elif service.kind in (Kind.TEAM, Kind.MLFLOW) and address and not address.startswith(_POSTGRES):
        yield f"{BACKEND} is {address.split(':', 1)[0]}"


@rule("a place for files", remedy=f"{DESTINATION}=s3://BUCKET/medfake, or a folder of the server")
def a_place_for_files(service: Service) -> Iterator[str]:
    """Clients send their files through the server, which has to know where to."""
    if service.kind is Kind.TEAM and not service.variables.get(DESTINATION):
        yield f"{DESTINATION} is not set"
