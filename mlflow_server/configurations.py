"""Configurations in files: a compose file (Compose specification) or lines NAME=VALUE, as services to be judged."""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from medfake.config.yaml_file import read_text, read_yaml
from medfake.errors import ConfigError
from mlflow_server.configured_service import (
    BEHIND_PROXY,
    HOST,
    LOOPBACK,
    OF_FILE,
    TLS_CERT,
    Container,
    Kind,
    Service,
    is_on,
    team_of,
)

_YAML: Final = (".yaml", ".yml")
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::?(?P<what>[-?+])(?P<rest>[^}]*))?\}|\$(?P<bare>\w+)")
_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_]\w*)=(?P<value>.*)")
_MOUNTED: Final = "/run/secrets/"


def read_configuration(path: Path) -> list[Service]:
    """Services that a file configures.

    Args:
        path: A compose file (.yaml, .yml), or one of lines NAME=VALUE, which are a team's server's.

    Raises:
        ConfigError: There is no such file, or it is neither.
    """
    if not path.is_file():
        raise ConfigError("there is no such file", where=path, remedy="python -m mlflow_server check compose.yaml")
    return _read_compose(path) if path.suffix in _YAML else [_read_environment(path)]


def _read_environment(path: Path) -> Service:
    variables = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise ConfigError(
                "a line of an environment file is NAME=VALUE", where=f"{path} line {number}", remedy="mend the line"
            )
        variables[found["name"]] = found["value"].strip("\"'")
    return replace(team_of(variables, str(path)), private_files=(path,))


def _read_compose(path: Path) -> list[Service]:
    document = read_yaml(path)
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(services, dict):
        raise ConfigError(
            "a compose file has services", where=path, remedy="python -m mlflow_server check compose.yaml"
        )
    with _shaped(f"secrets in {path}"):
        secrets = _secret_files(document.get("secrets") or {}, path.parent)
    found = []
    for name in services:
        with _shaped(f"{name} in {path}"):
            found.append(_read_service(path, name, services, secrets))
    return found


@contextmanager
def _shaped(where: str) -> Iterator[None]:
    """Say where a compose file has a list, a number or a text in the place of something else."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            "this is not what a compose file has there", where=where, received=type(error).__name__,
            remedy="docker compose config says what is wrong",
        ) from error  # fmt: skip


def _read_service(path: Path, name: str, services: Mapping[str, Any], secrets: Mapping[str, Path]) -> Service:
    block = services[name] or {}
    raw = _pairs(block.get("environment") or {})
    variables = {key: _filled(value) for key, value in raw.items()}
    command = (*_words(block.get("entrypoint")), *_words(block.get("command")))
    named = {key: value.removeprefix(_MOUNTED) for key, value in variables.items() if key.endswith(OF_FILE)}
    mounted = [one["source"] if isinstance(one, dict) else _text(one) for one in block.get("secrets") or ()]
    return Service(
        where=f"{name} in {path}",
        kind=_kind(command),
        variables=variables,
        command=command,
        host=_option(command, "--host") or variables.get(HOST) or LOOPBACK[0],
        tls=bool(_option(command, "--tls-cert") or variables.get(TLS_CERT)),
        behind_proxy="--behind-proxy" in command or is_on(variables.get(BEHIND_PROXY, "")),
        written=frozenset(key for key, value in raw.items() if value and not _is_from_outside(value)),
        secret_files={key.removesuffix(OF_FILE): secrets[one] for key, one in named.items() if one in secrets},
        private_files=tuple(secrets[one] for one in mounted if one in secrets),
        container=_container(block, frozenset(services) - {name}),
    )


def _container(block: Mapping[str, Any], neighbours: frozenset[str]) -> Container:
    options = [_text(one).replace("=", ":") for one in block.get("security_opt") or ()]
    user = _text(block.get("user", ""))
    return Container(
        image=None if "build" in block else _text(block.get("image", "")),
        published=tuple(_published(port) for port in block.get("ports") or ()),
        neighbours=neighbours,
        read_only=bool(block.get("read_only", False)),
        root=user.partition(":")[0] in ("", "0", "root"),
        gains_privileges=bool(block.get("privileged", False)) or "no-new-privileges:true" not in options,
    )


def _published(port: object) -> str:
    """127.0.0.1:5000 of "127.0.0.1:5000:5000"; without an address Docker takes all of them."""
    if isinstance(port, Mapping):
        return f"{_text(port.get('host_ip', '0.0.0.0'))}:{_text(port.get('published', ''))}"  # noqa: S104  # Docker's default, told
    address, _, outside = _filled(_text(port)).rpartition(":")[0].rpartition(":")
    return f"{address or '0.0.0.0'}:{outside}"  # noqa: S104


def _secret_files(block: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Secret -> its file on this machine, where the file of the compose file says which."""
    files = {}
    for name, one in block.items():
        text = _filled(_text((one or {}).get("file", "")))
        if text:
            files[name] = folder / text
    return files


def _kind(command: Iterable[str]) -> Kind:
    line = " ".join(command)
    if "mlflow_server" in line:
        return Kind.TEAM if re.search(r"mlflow_server team\b", line) else Kind.LAPTOP
    return Kind.MLFLOW if re.search(r"\bmlflow (server|ui)\b", line) else Kind.OTHER


def _words(command: object) -> tuple[str, ...]:
    if isinstance(command, str):
        return tuple(shlex.split(command))
    return tuple(map(_text, command)) if isinstance(command, Iterable) else ()


def _option(command: tuple[str, ...], name: str) -> str | None:
    for at, word in enumerate(command):
        if word == name and at + 1 < len(command):
            return command[at + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def _pairs(environment: object) -> dict[str, str]:
    if isinstance(environment, Mapping):
        return {str(key): "" if value is None else _text(value) for key, value in environment.items()}
    lines = environment if isinstance(environment, Iterable) else ()
    return {name: value for name, _, value in (_text(line).partition("=") for line in lines)}


def _text(value: object) -> str:
    """A word or a number as text; never a list, which may hold itself a thousand million times by its aliases."""
    if isinstance(value, Mapping | list):
        raise TypeError
    return str(value)


def _is_from_outside(value: str) -> bool:
    """Whether nothing of a value stands in the file: it is ${NAME} or ${NAME:?message}, without a default."""
    found = _VARIABLE.fullmatch(value)
    return found is not None and found["what"] in (None, "?")


def _filled(value: str) -> str:
    """A value with ${NAME} replaced as Compose does, "" for what is not set here."""

    def fill(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        outside = os.environ.get(found["name"] or found["bare"], "")
        return outside or (found["rest"] if found["what"] == "-" else "")

    return _VARIABLE.sub(fill, value)
