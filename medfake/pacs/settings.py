"""pacs.yaml: who may send scans, where verdicts go, which scans are judged and how. No secret stands in it."""

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from medfake.config.reading import validate
from medfake.config.yaml_file import read_yaml
from medfake.errors import ConfigError
from medfake.loopback import is_loopback
from medfake.outputs import text_format
from medfake.pacs.results.kinds import ResultKind
from medfake.vocabulary import Modality

FILE: Final = Path("pacs.yaml")
USER_VARIABLE: Final = "MEDFAKE_PACS_USER"
PASSWORD_VARIABLE: Final = "MEDFAKE_PACS_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE: Final = "MEDFAKE_PACS_TOKEN"  # noqa: S105 - likewise
SMTP_PASSWORD_VARIABLE: Final = "MEDFAKE_SMTP_PASSWORD"  # noqa: S105 - likewise

OTHER_PIXELS: Final = "other pixels"
GIVEN_UP: Final = "given up"
"""Kinds of alarms beside verdicts."""

AETitle = Annotated[str, StringConstraints(pattern=r"^[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?$")]
"""1 to 16 characters of the default repertoire without backslash, no blank at either end (PS3.5, VR AE)."""
Seconds = Annotated[float, Field(gt=0, le=30 * 86_400, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerTLS(_Block):
    """TLS of the listener.

    Attributes:
        certificate: PEM file.
        key: PEM file, without a passphrase.
        callers_ca: PEM file of whoever signs callers' certificates; a caller without one is not let in.
    """

    certificate: Path
    key: Path
    callers_ca: Path


class ClientTLS(_Block):
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


class Listen(_Block):
    """The listener for C-STORE and C-ECHO.

    Attributes:
        callers: AE titles that are let in; nobody where it is empty.
        associations: At a time.
        silence_s: That a caller may say nothing, and within which one message part has to arrive whole.
        largest_instance_mb: Of one object; what is larger ends its association.
        spare_mb: That have to stay free on the disk; below that, objects are refused with "out of resources".
    """

    aet: AETitle = "MEDFAKE"
    host: str = "127.0.0.1"
    port: Port = 11_112
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


class Store(_Block):
    """Where verdicts are sent by C-STORE, instead of STOW-RS."""

    host: str
    port: Port
    aet: AETitle
    calling_aet: AETitle = "MEDFAKE"
    tls: ClientTLS | None = None


class Archive(_Block):
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
        scheme, _, rest = value.partition("://")
        host = rest.split("/", 1)[0]
        if scheme not in ("http", "https") or not host or "@" in host or "?" in rest or "#" in rest:
            raise ValueError(f"expected http(s)://HOST:PORT/PATH without user and password, received scheme {scheme}")
        if scheme == "http" and not is_loopback(host.rsplit(":", 1)[0]):
            raise ValueError("beyond this machine scans travel encrypted: https://...")
        return value.rstrip("/")


class Watch(_Block):
    """What `medfake pacs watch` looks for.

    Attributes:
        every_s: Between two looks.
        modalities: As DICOM has them (0008,0060).
        look_back_days: Studies of that many days before today, and all later ones, as clocks disagree; None for all.
    """

    every_s: Seconds = 30.0
    modalities: tuple[Literal["CT", "MR", "CR", "DX"], ...] = ("CT",)
    look_back_days: int | None = Field(default=3, ge=0)


class Complete(_Block):
    """When a series that arrives counts as whole.

    Attributes:
        idle_s: Since its last object, where nobody told how many there are; where all that were told are there, it is
            whole at once.
        released_s: Likewise, once each association that sent some of it has been released; after one that broke, and
            after a restart, it takes `idle_s`, as the caller tries again.
        give_up_s: Since its last object, where some that were told have not come.
    """

    idle_s: Seconds = 30.0
    released_s: Seconds = 3.0
    give_up_s: Seconds = 600.0


class Route(_Block):
    """Which series are judged, and how; the first route that fits is taken.

    Attributes:
        callers: Calling AE titles; any where it is empty, as of the next two. Series that `watch` finds have none.
        modalities: As medfake calls them: CT, MR, X-ray.
        body_parts: Body Part Examined (0018,0015); THORAX and other synonyms count as CHEST.
        newer_than_days: By Series Date, or else Study Date; a series without one fits. None for any age.
        scan: False for series that are taken and not judged.
        calibration: From `medfake calibrate`; None for the detector's own thresholds.
        results: What is sent back.
    """

    name: str = Field(pattern=r"^[\w .-]{1,40}$")
    callers: tuple[AETitle, ...] = ()
    modalities: tuple[Modality, ...] = ()
    body_parts: tuple[str, ...] = ()
    newer_than_days: int | None = Field(default=None, ge=1)
    scan: bool = True
    calibration: Path | None = None
    results: tuple[ResultKind, ...] = (ResultKind.SR, ResultKind.SEG, ResultKind.SC)

    @field_validator("body_parts")
    @classmethod
    def _upper(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one.upper() for one in value)


class Email(_Block):
    """Alarms by e-mail; the password of `user` comes from MEDFAKE_SMTP_PASSWORD."""

    host: str
    port: Port = 587
    sender: str
    to: tuple[str, ...] = Field(min_length=1)
    user: str | None = None
    starttls: bool = True


class Alarms(_Block):
    """Who is told of what; never with an identifier.

    Attributes:
        on: "tampered", "uncertain", "other pixels" (the same UIDs came again with other pixels), "given up" (a series
            is in the dead-letter list).
        webhook: Address that a JSON document is posted to.
    """

    on: tuple[Literal["tampered", "uncertain", "other pixels", "given up"], ...] = (
        "tampered", "other pixels", "given up",
    )  # fmt: skip
    webhook: str | None = None
    email: Email | None = None


class Limits(_Block):
    """How much is taken, and how often something is tried.

    Attributes:
        waiting: Series that wait to be judged; beyond that, callers are told to come later and nothing is fetched.
        tries: Of sending, or of fetching, one series that the PACS refuses, before it is put into the dead-letter list.
        silent_tries: Likewise where the PACS does not answer: by default, for a week.
        first_retry_s: Until the second try; each further one waits twice as long.
        longest_retry_s: Between two tries.
        keep_days: That rows of the queue without any identifier are kept, which is how a series that comes again is
            known.
        keep_dead_days: That files of series in the dead-letter list are kept.
        series_mb: Of one series.
        series_files: Of one series.
    """

    waiting: int = Field(default=200, ge=1)
    tries: int = Field(default=5, ge=1)
    silent_tries: int = Field(default=700, ge=1)
    first_retry_s: Seconds = 5.0
    longest_retry_s: Seconds = 900.0
    keep_days: int = Field(default=365, ge=1)
    keep_dead_days: int = Field(default=30, ge=1)
    series_mb: int = Field(default=8192, ge=1)
    series_files: int = Field(default=20_000, ge=1)


class PacsSettings(_Block):
    """The whole of pacs.yaml; each block may be left out.

    Attributes:
        model: As of `medfake scan --model`; None for the champion, watched, or else the built-in detector.
        workers: Scoring processes.
        routes: The last resort, if none fits, is to judge with the detector's own thresholds.
    """

    listen: Listen = Listen()
    archive: Archive = Archive()
    watch: Watch = Watch()
    complete: Complete = Complete()
    routes: tuple[Route, ...] = ()
    alarms: Alarms = Alarms()
    limits: Limits = Limits()
    model: str | None = None
    workers: int = Field(default=1, ge=1, le=256)

    @model_validator(mode="after")
    def _routes_differ(self) -> "PacsSettings":
        names = [route.name for route in self.routes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two routes have the name {twice[0]!r}")
        return self


def read_settings(path: Path | None = None) -> PacsSettings:
    """Settings of a file; pacs.yaml of the working folder where none is named, and defaults where there is none.

    Raises:
        ConfigError: The named file is missing, is no YAML, or has a wrong key, type or value.
    """
    if path is None and not FILE.exists():
        return PacsSettings()
    named = path or FILE
    values: Any = read_yaml(named) if named.exists() else None
    if values is None and not named.exists():
        raise ConfigError("there is no such file", where=str(named), remedy="medfake pacs init writes one")
    settings = validate(PacsSettings, values or {}, str(named))
    return _beside(settings, named.parent)


def example() -> str:
    """A pacs.yaml with all settings and what they mean."""
    return (Path(__file__).parent / "example.yaml").read_text(encoding="utf-8")


def require_installed() -> None:
    """See to it that the libraries of this room are there.

    Raises:
        ConfigError: This installation lacks the extra.
    """
    from importlib.util import find_spec

    missing = [name for name in ("pynetdicom", "dicomweb_client", "highdicom") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            "medfake pacs needs more than is installed", where=", ".join(missing),
            remedy='pip install "medfake[pacs]"',
        )  # fmt: skip


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


def _beside(settings: PacsSettings, folder: Path) -> PacsSettings:
    """Paths in the file count from where it lies."""

    def placed(value: Any) -> Any:
        if isinstance(value, Path):
            return folder / value
        if isinstance(value, dict):
            return {name: placed(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return tuple(placed(one) for one in value)
        return value

    return PacsSettings.model_validate(placed(settings.model_dump()))


EXAMPLE_OUTPUT: Final = text_format("pacs.yaml", example(), "medfake pacs init", ".yaml")
