"""Passwords and keys: there, long, nobody's default, and where only the server reads them."""

import re
import stat
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from mlflow_server.configured_service import ADMIN, ADMIN_PASSWORD, OF_FILE, SECRET_KEY, SECRETS, Kind, Service
from mlflow_server.rules.registry import Severity, rule

SHORTEST_PASSWORD: Final = 12  # MLflow's own limit
SHORTEST_KEY: Final = 32
_FEWEST_CHARACTERS: Final = 6  # different ones
_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|PASSPHRASE")
# What documentation and examples are full of, and is long enough; shorter ones are refused for that.
_KNOWN: Final = frozenset(
    {
        "1234567890123456",
        "123456789012",
        "adminadminadmin",
        "administrator",
        "changemechangeme",
        "minioadmin123",
        "my-secret-key",
        "mysecretpassword",
        "mlflow_password",
        "mlflowpassword",
        "password1234",
        "password123456",
        "passwordpassword",
        "postgrespassword",
        "secretsecret",
    }
)
_MAKE: Final = "(umask 077; openssl rand -hex 32 > FILE),"


@rule("secrets are there", remedy=f"{_MAKE} with NAME{OF_FILE}=FILE")
def secrets_are_there(service: Service) -> Iterator[str]:
    """A server that asks who calls needs its first password, and a key to sign with."""
    if service.kind is Kind.TEAM:
        for name in (ADMIN_PASSWORD, SECRET_KEY):
            if name in service.variables and not service.variables[name]:
                yield f"{name} is empty"
            elif not service.variables.get(name) and name not in _named(service):
                yield f"neither {name} nor {name}{OF_FILE} is set"


@rule("secrets are strong", remedy=f"{_MAKE} with NAME{OF_FILE}=FILE")
def secrets_are_strong(service: Service) -> Iterator[str]:
    """Nothing short, repetitive or from a manual."""
    for name, value in _secrets(service):
        shortest = SHORTEST_KEY if name == SECRET_KEY else SHORTEST_PASSWORD
        if value.lower() in _KNOWN:
            yield f"{name} is a password that everybody knows"
        elif len(value) < shortest:
            yield f"{name} has {len(value)} characters, fewer than {shortest}"
        elif len(set(value)) < _FEWEST_CHARACTERS:
            yield f"{name} has {len(set(value))} different characters"
        elif name == ADMIN_PASSWORD and service.variables.get(ADMIN, "admin").lower() == value.lower():
            yield f"{name} is the name of the user"


@rule("secrets are not kept with the project", remedy="take it out, change it, and pass a file that git ignores")
def secrets_are_kept_apart(service: Service) -> Iterator[str]:
    """A compose file lies in git; what stands in it is known to all who ever clone it."""
    for name in sorted(service.written):
        if _SECRET.search(name) and not name.endswith(OF_FILE):
            yield f"the value of {name} stands in the file"
        elif _password_in(service.variables.get(name, "")):
            yield f"the address {name} has a password in it, which stands in the file"


@rule("no secret on a command line", remedy="pass it in the environment or a file")
def no_secret_on_a_command_line(service: Service) -> Iterator[str]:
    """`ps` shows the words of a command to every user."""
    for word in service.command:
        value = word.partition("=")[2] or word
        if _password_in(value):
            yield "an address with a password in it"
        if re.search(r"--?[a-z-]*(password|secret|token)[a-z-]*=.", word, re.IGNORECASE):
            yield f"the option {word.partition('=')[0]} with its value"


@rule("secret files are private", remedy="chmod 600 FILE")
def secret_files_are_private(service: Service) -> Iterator[str]:
    """What others on the machine can read is no secret."""
    for path in sorted({*service.secret_files.values(), *service.private_files}):
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            yield f"others can read {path}, mode {mode:o}"


@rule("secrets in files", severity=Severity.CAUTION, remedy=f"write it into a file of mode 600 and set NAME{OF_FILE}")
def secrets_in_files(service: Service) -> Iterator[str]:
    """The environment of a container is shown by `docker inspect`."""
    if service.container is not None:
        for name, value in sorted(service.variables.items()):
            if value and name in SECRETS and name not in service.written:
                yield f"{name} comes through the environment"


def _named(service: Service) -> set[str]:
    """Secrets that a file is named for, whether it is there or on another machine."""
    return {name.removesuffix(OF_FILE) for name, value in service.variables.items() if name.endswith(OF_FILE) and value}


def _secrets(service: Service) -> Iterator[tuple[str, str]]:
    for name, value in sorted(service.variables.items()):
        if value and _SECRET.search(name) and not name.endswith(OF_FILE):
            yield name, value
        elif password := _password_in(value):
            yield f"the password in {name}", password
    for name, path in sorted(service.secret_files.items()):
        if path.exists() and (value := service.value(name) or ""):
            yield name, value


def _password_in(address: str) -> str | None:
    if "://" not in address:
        return None
    try:
        return urlsplit(address).password
    except ValueError:  # no address after all
        return None
