"""What the service and its scoring processes say to each other: lines of JSON, as nothing else of hostile input is."""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict

from medfake.serving.scoring.limits import ScoringLimits


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def line(self) -> bytes:
        """As it travels."""
        return self.model_dump_json().encode() + b"\n"


@dataclass(frozen=True)
class Package:
    """A detector's package as a scoring process opens it.

    Attributes:
        folder: Of the package.
        name: As of `medfake.serving.model.Model`, as are the next two.
        digest: SHA-256 of its graphs and card, which tells packages apart.
        since: When it was chosen, ISO 8601.
        calibration: Of the site, a `SiteCalibration` as JSON; "" for the detector's own thresholds.
    """

    folder: str
    name: str
    chosen: str
    by_default: bool
    digest: str
    since: str
    calibration: str = ""

    @property
    def judges_as(self) -> str:
        """What verdicts rest on, as a word: scans that were judged by other thresholds are judged anew."""
        return sha256(f"{self.digest} {self.calibration}".encode()).hexdigest() if self.calibration else self.digest


class Start(_Message):
    """To a new process: what to score with, and how much to take."""

    package: dict[str, Any]
    memory_bytes: int
    slice_pixels: int
    expanded_bytes: int
    threads: int

    @classmethod
    def of(cls, package: Package, limits: ScoringLimits, threads: int) -> "Start":
        """Made of a package and what a service takes."""
        return cls(
            package=asdict(package), memory_bytes=limits.worker_memory_bytes, slice_pixels=limits.slice_pixels,
            expanded_bytes=limits.expanded_bytes, threads=threads,
        )  # fmt: skip


class Work(_Message):
    """To a process: a job's folder."""

    folder: str


class Told(_Message):
    """From a process: one thing that happened; what is None says nothing.

    Attributes:
        ready: The detector is open and has scored something.
        file: Place of the file that is read next.
        scan: Id of the scan that is worked on.
        scans: How many the job has.
        slices: How many the job has.
        slices_done: How many were decoded so far.
        scored: Verdict of a scan that is done, "" where it was skipped.
        again: Whether that scan was done before the job was taken up again.
        said: What is recorded of it, see `medfake.serving.monitoring`.
        model: Name of the detector that scores this job.
        done: Whether the report is written.
        skipped: Number of files without a score, by class of reasons.
        failed: An error that ends the job, or the start of the process.
    """

    ready: bool = False
    file: str | None = None
    scan: str | None = None
    scans: int | None = None
    slices: int | None = None
    slices_done: int | None = None
    scored: str | None = None
    again: bool = False
    said: dict[str, Any] | None = None
    model: str | None = None
    done: bool = False
    skipped: dict[str, int] | None = None
    failed: dict[str, Any] | None = None
