"""What the service answers, as OpenAPI shows it; the page and other programs build on it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from medfake.serving.scoring.progress import Progress


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Problem(_Answer):
    """What went wrong, where, what was received there, and what to do next."""

    what: str
    where: str | None = None
    received: str | None = None
    remedy: str | None = None


class Refused(_Answer):
    """The body of every answer from 400 on."""

    error: Problem


class JobAnswer(_Answer):
    """A job. Times are ISO 8601 in UTC."""

    id: str
    state: str = Field(description="queued, running, done, failed or deleted")
    created: str
    started: str | None
    ended: str | None
    progress: Progress
    model: str | None = Field(description="name of the detector; null until it was taken up")
    error: Problem | None


class JobList(_Answer):
    """Jobs, newest first."""

    jobs: list[JobAnswer]
    total: int
    limit: int
    offset: int


class Place(_Answer):
    """Middle of a piece of tissue; y and x in px."""

    slice_file: str
    z_mm: float
    y: float
    x: float


class SiteAnswer(Place):
    """A suspicious place."""

    p_tampered: float


class CopyAnswer(_Answer):
    """Tissue that stands twice; either may be the copy."""

    one: Place
    other: Place
    pairs: int


class SliceScoreAnswer(_Answer):
    """One file, or "file#frame", and its probability."""

    file: str
    p_tampered: float


class ScanAnswer(_Answer):
    """One scan; identifiers are keyed pseudonyms."""

    scan_id: str
    patient_id: str
    p_tampered: float
    verdict: str = Field(description="tampered, not tampered or uncertain")
    n_slices: int
    sites: list[SiteAnswer]
    slices: list[SliceScoreAnswer]
    warnings: list[str]
    copies: list[CopyAnswer]


class SkippedAnswer(_Answer):
    """A file without a score, and why."""

    path: str
    reason: str


class ReportAnswer(_Answer):
    """As `medfake scan --json` writes it: every file is in exactly one of `slices` of a scan and `skipped`."""

    model: dict[str, Any]
    scans: list[ScanAnswer]
    skipped: list[SkippedAnswer]


class SliceAnswer(_Answer):
    """One slice of a scan, in its order along the scan."""

    index: int = Field(description="names the slice in addresses of its pictures")
    number: int = Field(description="along the scan, from 1; slices that could not be decoded count")
    file: str
    z_mm: float
    p_tampered: float | None = Field(description="null where the detector gives no number")
    shows_lung: bool
    rows: int
    cols: int
    spacing_mm: tuple[float, float] = Field(description="between rows, between columns")
    instance: int | None


class RegistryAnswer(_Answer):
    """How the registry of detectors stands."""

    state: str = Field(description="ok, unreachable, refused, loading, or none where no registry is watched")
    said: str = Field(description="a sentence; empty where there is nothing to say")
    checked: str | None = Field(description="when it last answered")


class ModelAnswer(_Answer):
    """Which detector scores."""

    name: str
    chosen: str = Field(description="why it is this one; empty where it was asked for")
    since: str
    package_sha256: str
    card: dict[str, Any]
    calibration: dict[str, Any] | None = Field(
        default=None, description="whose thresholds are used in place of the card's, as medfake calibrate wrote it"
    )
    registry: RegistryAnswer
    intended_use: str


class Health(_Answer):
    """Whether the process lives, or can score."""

    status: str
    reason: str | None = None


class Token(_Answer):
    """What a browser logs in with."""

    token: str
