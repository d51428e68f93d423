"""Who can reach a server, under which names, and whether passwords cross a network in the clear."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from medfake.loopback import is_loopback
from mlflow_server.configured_service import BACKEND, HOSTS, LOOPBACK, Kind, Service
from mlflow_server.rules.registry import Severity, rule

_TLS: Final = "--tls-cert FILE --tls-key FILE, or --behind-proxy where a proxy before it has the certificate"
_ORIGINS: Final = "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"
_SENDS_PASSWORDS: Final = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL")
_CHECKED_TLS: Final = ("sslmode=verify-full", "sslmode=verify-ca")


@rule("nobody gets in without a password", remedy="python -m mlflow_server team, or listen on 127.0.0.1")
def nobody_without_a_password(service: Service) -> Iterator[str]:
    """MLflow's server without users does for anybody whatever they ask."""
    asks = service.kind is Kind.TEAM or (service.kind is Kind.MLFLOW and "basic-auth" in " ".join(service.command))
    if service.is_server and not asks and (service.listens_beyond or _process_listens_beyond(service)):
        yield f"{service.kind} asks nobody who they are and listens on {_where(service)}"


@rule("passwords are encrypted on the way", remedy=_TLS)
def encrypted_on_the_way(service: Service) -> Iterator[str]:
    """Basic authentication sends the password with every request."""
    beyond = _process_listens_beyond(service) or service.listens_beyond
    if service.kind in (Kind.TEAM, Kind.MLFLOW) and beyond and not service.tls and not service.behind_proxy:
        yield f"it listens on {_where(service)} without TLS"


@rule(
    "published on this machine alone",
    remedy="publish 127.0.0.1:PORT:PORT, with a proxy before it",
)
def published_here_alone(service: Service) -> Iterator[str]:
    """Docker publishes past the firewall of the machine."""
    if service.container is not None and service.listens_beyond and not service.tls:
        yield f"it is published on {', '.join(service.container.published)}"


@rule("known names alone", remedy=f"{HOSTS}=mlflow.example.org, the names by which it is called, a port with them")
def known_names_alone(service: Service) -> Iterator[str]:
    """Any web page can make its own name point at the server (DNS rebinding)."""
    hosts = [one.strip() for one in service.variables.get(HOSTS, "").split(",") if one.strip()]
    if any(host.strip(":*") == "" for host in hosts):
        yield f"{HOSTS} lets every name in"
    if service.kind is Kind.TEAM and not hosts and service.host not in LOOPBACK:
        yield f"{HOSTS} is not set, and it listens on {_where(service)}"


@rule("no page of other sites", remedy=f"leave {_ORIGINS} out")
def no_page_of_other_sites(service: Service) -> Iterator[str]:
    """A page that a user has open acts with the user's rights."""
    if service.kind is not Kind.TEAM and "*" in service.variables.get(_ORIGINS, ""):
        yield f"{_ORIGINS} lets pages of every site in"


@rule("credentials go out encrypted", remedy="https://, or the name of a service of the same compose file")
def credentials_go_out_encrypted(service: Service) -> Iterator[str]:
    """A password or key that is sent to another machine over http can be read on the way."""
    for name in _SENDS_PASSWORDS:
        address = service.variables.get(name, "")
        if address.startswith("http://") and _is_elsewhere(service, address):
            yield f"{name} names another machine over http"
    if service.variables.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        yield "MLFLOW_TRACKING_INSECURE_TLS takes every certificate for the server's"


@rule("the database is reached encrypted", severity=Severity.CAUTION, remedy="add ?sslmode=verify-full to the address")
def database_is_reached_encrypted(service: Service) -> Iterator[str]:
    """PostgreSQL's client takes an unencrypted connection where it is offered no other."""
    address = service.variables.get(BACKEND, "")
    if address.startswith("postgres") and _is_elsewhere(service, address):
        mode = service.variables.get("PGSSLMODE", "")
        if not any(sign in address for sign in _CHECKED_TLS) and f"sslmode={mode}" not in _CHECKED_TLS:
            yield f"{BACKEND} names another machine, whose certificate is not checked"


def _process_listens_beyond(service: Service) -> bool:
    """Whether the process itself does, in a container or not; `listens_beyond` is about what is reached of it."""
    return not is_loopback(service.host)


def _where(service: Service) -> str:
    return ", ".join(service.container.published) if service.container and service.container.published else service.host


def _is_elsewhere(service: Service, address: str) -> bool:
    host = urlsplit(address).hostname
    near = service.container.neighbours if service.container else frozenset()
    return host is not None and not is_loopback(host) and host not in near
