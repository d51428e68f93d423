"""What was measured of robustness, as it stands in reports/robustness/<data set>.json.

The file in short, for who reads it without medfake; figures are {"value": 0..1 or null, "interval": {"low", "high"} or
null} and drops are "before minus after", so that a positive one is a loss:

    {"schema_version": 1, "dataset": "chest", "evidence": "phantom", "slices": 60, "tampered": 30, "patients": 9, ...,
     "runs": {"chest/ResidualCNN/seed-1": {
         "detector", "seed", "threshold",
         "robustness_drop": mean drop of AUC over all perturbations of the grid that are no attacks,
         "hit_rate_drop": likewise of the hit rate; null where the detector names no place,
         "white_box_drop": mean drop of AUC over attacks; null where it has no gradient,
         "curves": [{"perturbation": "noise", "unit", "white_box", "slices", "left_out", "reason",
                     "auc_drop", "hit_rate_drop": means over its severities,
                     "points": [{"severity": 0.0, "auc", "balanced_accuracy", "hit_rate",
                                 "without_lung", "unmoved", "unscored", "reason"}, ...]}, ...]}}}

MLflow's `robustness_drop` of a run is runs[name]["robustness_drop"]["value"]. "runs" is {} where the grid is empty.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from medfake.files import read_json, write_json
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.within_slice import Figure
from medfake.remedies import Stage, make, rerun
from medfake.vocabulary import Evidence

SCHEMA_VERSION: Final = 1
NOTHING: Final = Figure(None)
_DIGITS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Point:
    """One severity of one perturbation.

    Attributes:
        severity: In the perturbation's unit; 0 is the slices as they are.
        auc: Of the slices; undefined where a class is missing, as all figures where `reason` says why.
        balanced_accuracy: At the stored threshold, which was chosen on slices as they are.
        hit_rate: Share of tampered slices whose named place lies within 16 mm of the site, in plane.
        without_lung: Slices that showed lung before and show none now; they count as the detector scores them.
        unmoved: Slices that came out as they went in.
        unscored: Slices for which the detector gives no number; they count as untampered.
        reason: Why nothing was measured; "" where it was.
    """

    severity: float
    auc: Figure = NOTHING
    balanced_accuracy: Figure = NOTHING
    hit_rate: Figure = NOTHING
    without_lung: int = 0
    unmoved: int = 0
    unscored: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One perturbation at all its severities, all on the same slices.

    Attributes:
        perturbation: Its name.
        unit: Of its severities.
        white_box: Whether it knows the detector from inside.
        slices: Measured.
        left_out: Slices that it cannot be done to, such as those without neighbours.
        points: Ascending by severity, 0 among them; empty where `reason` says why.
        auc_drop: AUC at severity 0 minus AUC, mean over the other severities.
        hit_rate_drop: Likewise.
        reason: Why nothing was measured; "" where it was.
    """

    perturbation: str
    unit: str
    white_box: bool
    slices: int = 0
    left_out: int = 0
    points: tuple[Point, ...] = ()
    auc_drop: Figure = NOTHING
    hit_rate_drop: Figure = NOTHING
    reason: str = ""

    @property
    def clean(self) -> Point | None:
        """The slices as they are."""
        return next((one for one in self.points if one.severity == 0), None)


@dataclass(frozen=True, kw_only=True)
class RunRobustness:
    """What all perturbations take from one training.

    Attributes:
        detector: Its name.
        seed: Of the training.
        threshold: Of slices, from its card.
        robustness_drop: Mean of `auc_drop` over perturbations that need no knowledge of the detector.
        hit_rate_drop: Likewise of `hit_rate_drop`.
        white_box_drop: Mean of `auc_drop` over attacks that know the detector.
    """

    detector: str
    seed: int
    threshold: float
    robustness_drop: Figure
    hit_rate_drop: Figure
    white_box_drop: Figure
    curves: tuple[Curve, ...]


@dataclass(frozen=True, kw_only=True)
class RobustnessReport:
    """Robustness on the test split of one data set; no identifiers.

    Attributes:
        dataset: Its name.
        dataset_sha256: Digest of its manifest.
        evidence: What figures on it are worth.
        protocol: Rule of its splits.
        slices: Drawn from the test split, `tampered` of them tampered, of `patients` patients.
        unit: What was resampled for intervals: "patients", or "scans" where there is one patient only.
        seed: Of the draw and of noise.
        runs: By name, data set/detector/seed-n.
        absent: Trainings without a package.
    """

    dataset: str
    dataset_sha256: str
    evidence: Evidence
    protocol: str
    slices: int
    tampered: int
    patients: int
    unit: str
    seed: int
    bootstrap: Bootstrap
    runs: Mapping[str, RunRobustness] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable."""
        write_json(path, _rounded(asdict(self)))


def read_robustness(path: Path) -> RobustnessReport:
    """Read what `RobustnessReport.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    return read_json(
        path, TypeAdapter(RobustnessReport).validate_python, missing="robustness was not measured",
        damaged="the measurement of robustness cannot be read", make=make(Stage.ROBUSTNESS, path.stem),
        again=rerun(Stage.ROBUSTNESS, path.stem),
    )  # fmt: skip


def _rounded(value: Any) -> Any:
    """Digits beyond those that any machine agrees on would change files for nothing."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
