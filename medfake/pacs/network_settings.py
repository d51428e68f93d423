"""Blocks of pacs.yaml that say who is talked to over a network: nothing leaves this machine that is not encrypted."""

import os
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from medfake.errors import ConfigError
from medfake.loopback import is_loopback

USER_VARIABLE: Final = "MEDFAKE_PACS_USER"
PASSWORD_VARIABLE: Final = "MEDFAKE_PACS_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE: Final = "MEDFAKE_PACS_TOKEN"  # noqa: S105 - likewise
SMTP_PASSWORD_VARIABLE: Final = "MEDFAKE_SMTP_PASSWORD"  # noqa: S105 - likewise

AETitle = Annotated[str, StringConstraints(pattern=r"^[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?$")]
"""1 to 16 characters of the default repertoire without backslash, no blank at either end (PS3.5, VR AE)."""
Seconds = Annotated[float, Field(gt=0, le=30 * 86_400, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Block(BaseModel):
    """A block of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerTLS(Block):
    """TLS of the listener.

    Attributes:
        certificate: PEM file.
        key: PEM file, without a passphrase.
        callers_ca: PEM file of whoever signs callers' certificates; a caller without one is not let in.
    """

    certificate: Path
    key: Path
    callers_ca: Path


class ClientTLS(Block):
    """TLS towards a PACS.

    Attributes:
        ca: PEM file of whoever signs its certificate; None for those that this system trusts.
        certificate: PEM file of our own; None where the PACS asks for none.
        key: PEM file of our own.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> "ClientTLS":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate and its key go together")
        return self


class Listen(Block):
    """The listener for C-STORE and C-ECHO.

    Attributes:
        callers: AE titles that are let in; nobody where it is empty.
        port: 0 takes a free one.
        associations: At a time.
        silence_s: That a caller may say nothing, and within which one message part has to arrive whole.
        largest_instance_mb: Of one object; what is larger ends its association.
        spare_mb: That have to stay free on the disk; below that, objects are refused with "out of resources".
    """

    aet: AETitle = "MEDFAKE"
    host: str = "127.0.0.1"
    port: int = Field(default=11_112, ge=0, le=65_535)
    callers: tuple[AETitle, ...] = ()
    tls: ServerTLS | None = None
    associations: int = Field(default=10, ge=1, le=1000)
    silence_s: Seconds = 60.0
    largest_instance_mb: int = Field(default=2048, ge=1)
    spare_mb: int = Field(default=2048, ge=0)

    @model_validator(mode="after")
    def _guarded(self) -> "Listen":
        if not is_loopback(self.host) and self.tls is None:
            raise ValueError(
                f"host {self.host} is beyond this machine, where an AE title is no proof of who calls; set tls with "
                "certificate, key and callers_ca, or host 127.0.0.1 behind a TLS tunnel"
            )
        return self


class Store(Block):
    """Where verdicts are sent by C-STORE, instead of STOW-RS."""

    host: str
    port: Port
    aet: AETitle
    calling_aet: AETitle = "MEDFAKE"
    tls: ClientTLS | None = None

    @model_validator(mode="after")
    def _guarded(self) -> "Store":
        if not is_loopback(self.host) and self.tls is None:
            raise ValueError(
                "the host is beyond this machine, where verdicts travel encrypted: set tls ({} for a certificate that "
                "this system trusts), or host 127.0.0.1 in front of a TLS tunnel"
            )
        return self


class Archive(Block):
    """The PACS that holds the scans and takes the verdicts.

    Attributes:
        dicomweb: Address of its DICOMweb service, e.g. http://127.0.0.1:8042/dicom-web; user and password, or a token,
            come from MEDFAKE_PACS_USER and MEDFAKE_PACS_PASSWORD, or MEDFAKE_PACS_TOKEN.
        store: Where verdicts go by C-STORE; None for STOW-RS.
        timeout_s: Within which it has to answer.
    """

    dicomweb: str | None = None
    tls: ClientTLS = ClientTLS()
    store: Store | None = None
    timeout_s: Seconds = 60.0

    @field_validator("dicomweb")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if any(sign in value for sign in "@?#"):
            raise ValueError("expected http(s)://HOST:PORT/PATH without user and password")
        if not is_guarded(value):
            raise ValueError("expected https://HOST:PORT/PATH, as scans travel encrypted beyond this machine")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _tls_of_something(self) -> "Archive":
        if self.tls != ClientTLS() and not (self.dicomweb or "").startswith("https:"):
            raise ValueError("tls is of no use without dicomweb: https://...; that of `store` is store.tls")
        return self


class Email(Block):
    """Alarms by e-mail; the password of `user` comes from MEDFAKE_SMTP_PASSWORD."""

    host: str
    port: Port = 587
    sender: str
    to: tuple[str, ...] = Field(min_length=1)
    user: str | None = None
    starttls: bool = True

    @model_validator(mode="after")
    def _guarded(self) -> "Email":
        if not is_loopback(self.host) and not self.starttls:
            raise ValueError("the host is beyond this machine, where alarms travel encrypted: leave starttls out")
        return self


def is_guarded(address: str) -> bool:
    """Whether this is an address of the web to which nothing travels unencrypted, but on this machine.

    >>> [is_guarded(one) for one in ("https://a.example/x", "http://[::1]:8042/x", "http://a.example/x", "http://[::1")]
    [True, True, False, False]
    """
    if any(sign.isspace() or not sign.isprintable() or sign == "\\" for sign in address):  # readers differ in these
        return False
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def credentials() -> tuple[str, str] | str | None:
    """User and password, or a token, of the PACS; None where the environment holds neither.

    Raises:
        ConfigError: A user without a password, or both kinds.
    """
    user, password = os.environ.get(USER_VARIABLE), os.environ.get(PASSWORD_VARIABLE)
    token = os.environ.get(TOKEN_VARIABLE)
    if bool(user) != bool(password) or (user and token):
        raise ConfigError(
            "a PACS is reached with a user and a password, or with a token", where="the environment",
            received=", ".join(
                name for name in (USER_VARIABLE, PASSWORD_VARIABLE, TOKEN_VARIABLE) if os.environ.get(name)
            ),
            remedy=f"set {USER_VARIABLE} and {PASSWORD_VARIABLE}, or {TOKEN_VARIABLE} alone",
        )  # fmt: skip
    return (user, password) if user and password else token or None
