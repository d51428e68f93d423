"""pacs.yaml: who may send scans, where verdicts go, which scans are judged and how. No secret stands in it."""

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from medfake.config.reading import validate
from medfake.config.yaml_file import read_yaml
from medfake.errors import ConfigError
from medfake.outputs import text_format
from medfake.pacs.network_settings import (
    PASSWORD_VARIABLE,
    SMTP_PASSWORD_VARIABLE,
    TOKEN_VARIABLE,
    USER_VARIABLE,
    AETitle,
    Archive,
    Block,
    ClientTLS,
    Email,
    Listen,
    Seconds,
    ServerTLS,
    Store,
    credentials,
    is_guarded,
)
from medfake.pacs.results.kinds import ResultKind
from medfake.vocabulary import Modality

__all__ = [
    "EXAMPLE_OUTPUT", "FILE", "GIVEN_UP", "OTHER_PIXELS", "PASSWORD_VARIABLE", "SMTP_PASSWORD_VARIABLE",
    "TOKEN_VARIABLE", "USER_VARIABLE", "AETitle", "Alarms", "Archive", "ClientTLS", "Complete", "Email", "Limits",
    "Listen", "PacsSettings", "Route", "ServerTLS", "Store", "Watch", "credentials", "example", "read_settings",
    "require_installed",
]  # fmt: skip

FILE: Final = Path("pacs.yaml")

OTHER_PIXELS: Final = "other pixels"
GIVEN_UP: Final = "given up"
"""Kinds of alarms beside verdicts."""
_DAYS_OF_CLOCKS: Final = 1
"""By which dates of a scanner, a PACS and a database may differ."""


class Watch(Block):
    """What `medfake pacs watch` looks for.

    Attributes:
        every_s: Between two looks.
        modalities: As DICOM has them (0008,0060).
        look_back_days: Studies of that many days before today, and all later ones, as clocks disagree; None for all,
            and nothing of the queue is forgotten then, see `PacsSettings.remembers_all`.
        unchanged_s: That the number of objects of a series stays the same before it is fetched.
    """

    every_s: Seconds = 30.0
    modalities: tuple[Literal["CT", "MR", "CR", "DX"], ...] = ("CT",)
    look_back_days: int | None = Field(default=3, ge=0)
    unchanged_s: Seconds = 3.0


class Complete(Block):
    """When a series that arrives counts as whole.

    Attributes:
        idle_s: Since its last object, where nobody told how many there are; where all that were told are there, it is
            whole at once.
        released_s: Likewise, once each association that sent some of it has been released, and one brought several
            objects. It takes `idle_s` after one that broke, and after a restart, as the caller tries again; and where
            each object came by an association of its own, as who hangs up after one calls again for the next.
        give_up_s: Since its last object, where some that were told have not come.
    """

    idle_s: Seconds = 30.0
    released_s: Seconds = 1.0
    give_up_s: Seconds = 600.0


class Route(Block):
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


class Alarms(Block):
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

    @field_validator("webhook")
    @classmethod
    def _guarded(cls, value: str | None) -> str | None:
        if value is not None and not is_guarded(value):
            raise ValueError("expected https://HOST/PATH, as alarms travel encrypted beyond this machine")
        return value


class Limits(Block):
    """How much is taken, and how often something is tried.

    Attributes:
        waiting: Series that wait to be judged; beyond that, callers are told to come later and nothing is fetched.
        tries: Of sending, or of fetching, one series that the PACS refuses, before it is put into the dead-letter list.
        silent_tries: Likewise where the PACS does not answer: by default, for a week.
        first_retry_s: Until the second try; each further one waits twice as long.
        longest_retry_s: Between two tries.
        keep_days: That rows of the queue without any identifier are kept, which is how a series that comes again is
            known; longer than `watch.look_back_days`.
        keep_dead_days: That files of series in the dead-letter list are kept; likewise.
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


class PacsSettings(Block):
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

    @field_validator("model", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        """A version's number, which YAML reads as one."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _routes_differ(self) -> "PacsSettings":
        names = [route.name for route in self.routes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two routes have the name {twice[0]!r}")
        return self

    @model_validator(mode="after")
    def _remembers_what_it_looks_at(self) -> "PacsSettings":
        days, limits = self.watch.look_back_days, self.limits
        for name, kept in (("keep_days", limits.keep_days), ("keep_dead_days", limits.keep_dead_days)):
            if days is not None and kept <= days + _DAYS_OF_CLOCKS:
                raise ValueError(
                    f"limits.{name} ({kept}) has to be at least {days + _DAYS_OF_CLOCKS + 1} where "
                    f"watch.look_back_days is {days}: what was forgotten is found again, judged again and sent again"
                )
        return self

    @property
    def remembers_all(self) -> bool:
        """Whether no row of the queue may be forgotten: `watch` looks at studies of any day, and would find it anew."""
        return self.watch.look_back_days is None


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
