"""Thresholds of a site: chosen on its own scans that are known to be untampered, kept in a file, put on a detector.

Only the threshold from which on a scan is "tampered" is chosen. Authentic scans say how often it would alarm for
nothing; they say nothing of what a detector misses, so the lower threshold, below which a scan is "not tampered", never
rises. Where the new upper one falls below it, it falls along. Between the two a scan stays "uncertain", so that a
stricter alarm makes no scan "not tampered" that was not so before.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medfake.errors import ManifestError, ScanError
from medfake.files import path_text
from medfake.outputs import json_format, write_json_output
from medfake.package.card import Card, graph_digests
from medfake.vocabulary import Modality

if TYPE_CHECKING:
    from medfake.serving.model import Model

_AGAIN: Final = "medfake calibrate FOLDER writes one"


class _Part(BaseModel):
    """A part of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Thresholds(_Part):
    """Of scans, as a card has them: below `low` "not tampered", from `high` on "tampered"."""

    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _require_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("the lower threshold is above the upper one")
        return self


class FalseAlarmRate(_Part):
    """Share of untampered patients whose strongest scan is called tampered.

    Attributes:
        wanted: At most.
        expected: On average over all sets of so many patients.
        low: Lower end of the interval in which the true share lies, in `confidence` of all such sets.
        high: Upper end.
    """

    wanted: float = Field(gt=0, lt=1)
    expected: float = Field(gt=0, lt=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    confidence: float = Field(gt=0, lt=1)


class LeftOut(_Part):
    """What was scanned and is not calibrated on.

    Attributes:
        without_verdict: Scans with too little lung in view for a verdict of their own.
        marked: Scans that carry medfake's own mark: phantoms and what it forged are no authentic scans.
        repeated: Scans whose very pixels came before.
        files: Without a score, as `medfake scan` lists them.
    """

    without_verdict: int = Field(ge=0)
    marked: int = Field(ge=0)
    repeated: int = Field(ge=0)
    files: int = Field(ge=0)


class Mix(_Part):
    """What the scans are, which their rate holds for: counts of scans by what their headers say, no identifiers."""

    manufacturers: dict[str, int]
    kernels: dict[str, int]
    thickness_mm: dict[str, int]
    slices: dict[str, int]


class SiteCalibration(_Part):
    """Thresholds of a site.

    Attributes:
        medfake_version: That chose them.
        model: Name of the detector, for a reader.
        detector: As its card names it.
        package: SHA-256 of each of its graphs by file name: scores of another detector mean something else.
        patients: Calibrated on; the score of a patient is that of the strongest scan.
        scans: Of these patients.
        unnamed_scans: Whose header names no patient, so that each folder of them counts as one.
        reached: Patients whose score reaches the new upper threshold all the same.
        before: Thresholds of the card.
        after: Of the site.
    """

    schema_version: Literal[1] = 1
    medfake_version: str
    model: str
    detector: str
    package: dict[str, str]
    modality: Modality
    patients: int = Field(ge=1)
    scans: int = Field(ge=1)
    unnamed_scans: int = Field(ge=0)
    reached: int = Field(ge=0)
    rate: FalseAlarmRate
    before: Thresholds
    after: Thresholds
    left_out: LeftOut
    mix: Mix

    @property
    def sentence(self) -> str:
        """Where the thresholds come from and what that is worth, for a reader of verdicts."""
        return f"calibrated on {self.patients} untampered patients of this site ({self.scans} scans): {self.promise}"

    @property
    def promise(self) -> str:
        """The rate, with its interval."""
        rate = self.rate
        return (
            f"of such patients {percent(rate.expected)} are expected to be called tampered, "
            f"{percent(rate.confidence)} interval [{percent(rate.low)}, {percent(rate.high)}]; "
            f"at most {percent(rate.wanted)} was asked for"
        )

    def is_of(self, model: "Model") -> bool:
        """Whether it was made with this very detector."""
        return self.package == graph_digests(model.folder)


def percent(share: float) -> str:
    """A share in three digits, however small: 0.0904%."""
    return f"{100 * share:.3g}%"


CALIBRATION_OUTPUT: Final = replace(json_format("a calibration", SiteCalibration.model_fields), option="--out")


def write_calibration(calibration: SiteCalibration, path: Path) -> None:
    """Write it as JSON, byte-stable; "-" is standard output. Raises as `open_output`."""
    write_json_output(path, CALIBRATION_OUTPUT, calibration.model_dump(mode="json"))


def read_calibration(path: Path) -> SiteCalibration:
    """Read what `medfake calibrate` wrote.

    Raises:
        ManifestError: There is no such file, or it is none of ours.
    """
    try:
        return SiteCalibration.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ManifestError("there is no such calibration", where=path_text(path), remedy=_AGAIN) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ManifestError(
            "this calibration cannot be read", where=" ".join(filter(None, (path_text(path), place))),
            received=f"{error.error_count()} faults, the first: {first['msg']}", remedy=_AGAIN,
        ) from None  # fmt: skip


def calibrated(model: "Model", calibration: SiteCalibration) -> "Model":
    """A detector with the thresholds of a site.

    The lower threshold is the card's own, or the site's upper one where that is less, whatever the file says. False
    alarms that the card counted are left out: they are of its own thresholds. No other detector takes its place any
    more, see `Model.suited_to`.

    Args:
        model: As it was opened.
        calibration: Made with the same detector.

    Raises:
        ScanError: It was made with another one.
    """
    if not calibration.is_of(model):
        raise ScanError(
            "this calibration is of another detector than the one that scans",
            where=f"{calibration.model} ({calibration.detector}) was calibrated",
            received=f"{model.name} ({model.card.detector})",
            remedy="scan with --model, the same as then, or medfake calibrate FOLDER with the detector of now",
        )
    card = with_upper_threshold(model.card, calibration.after.high)
    scorer = replace(model.scorer, card=card)
    return replace(model, scorer=scorer, by_default=False, calibration=calibration)


def with_upper_threshold(card: Card, high: float) -> Card:
    """A card with another threshold of alarm, 0..1, and what this module says of the lower one."""
    thresholds: Mapping[str, object] = {
        "scan_threshold_low": min(card.scan_threshold_low, high),
        "scan_threshold_high": high,
        "false_alarms": None,
        "false_alarms_of_few": None,
    }
    return card.model_copy(update=thresholds)
