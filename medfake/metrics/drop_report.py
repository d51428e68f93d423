"""Figures on what detectors of nodules lose on deepfakes, as they stand in reports/drop.

The file reports/drop/NAME.json in short; figures are {"value": 0..1 or null, "interval": {"low", "high"} or null}:

    {"schema_version": 3, "name", "dataset", "generator", "protocol", "evidence", "confidence", "slices", "patients",
     "deepfakes", "asked": deepfakes that were to show a nodule,
     "agreement": {"detectors", "originals": {"with_label", "against_label", "split"}, "deepfakes": likewise},
     "single_numbers": {"highest HU": AUC by which deepfakes are told from originals, ...},
     "runs": {"nodules/CustomCNN/seed-1": {"detector", "seed", "threshold", "val_accuracy", "called",
         "originals": {"accuracy", "sensitivity", "specificity", "auc"}, "deepfakes": likewise,
         "drop": accuracy on originals minus accuracy on deepfakes,
         "doubt_auc": how well deepfakes are told from originals by the detector's doubt, without knowing a class}}}
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from medfake.files import read_json, write_json
from medfake.metrics.within_slice import Figure
from medfake.remedies import Stage, make, rerun
from medfake.vocabulary import Evidence

SCHEMA_VERSION: Final = 3
_DIGITS: Final = 6


@dataclass(frozen=True, kw_only=True)
class OnSlices:
    """How well one detector tells slices with a nodule from others, at the threshold that validation chose."""

    accuracy: Figure
    sensitivity: Figure
    specificity: Figure
    auc: Figure


@dataclass(frozen=True, kw_only=True)
class RunDrop:
    """One training on both kinds of slices.

    Attributes:
        threshold: Of slices, from its card.
        val_accuracy: On validation slices, by which one network is chosen to be told of; None where undefined.
        called: Share of deepfakes that it calls a nodule.
        originals: On the test slices of the data set.
        deepfakes: On generated slices, the class asked for standing in for the truth.
        drop: Accuracy on originals minus accuracy on deepfakes; both are resampled, each on its own.
        doubt_auc: Deepfakes against originals by how near P is to the threshold; it needs no class of either.
    """

    detector: str
    seed: int
    threshold: float
    val_accuracy: float | None
    called: float
    originals: OnSlices
    deepfakes: OnSlices
    drop: Figure
    doubt_auc: Figure

    @property
    def sentence(self) -> str:
        """The drop in words."""
        figures = [_text(one) for one in (self.originals.accuracy, self.deepfakes.accuracy, self.drop)]
        return "{}, seed {}: accuracy {} on originals and {} on deepfakes, a drop of {}".format(
            self.detector, self.seed, *figures
        )


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How far all detectors together go with the label of a slice.

    Attributes:
        with_label: Share of slices that all call what they are labelled.
        against_label: Share that all call the other class.
        split: The rest.
    """

    with_label: Figure
    against_label: Figure
    split: Figure


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Of all detectors.

    Attributes:
        detectors: Trainings.
        deepfakes: Where all are against the class asked for, the generator may not have drawn it.
    """

    detectors: int
    originals: Shares
    deepfakes: Shares


@dataclass(frozen=True, kw_only=True)
class DropReport:
    """All detectors of a data set on its test slices and on deepfakes; no identifiers.

    Attributes:
        name: Of its block under `drop`.
        protocol: How the data set was split.
        evidence: What figures on the data set are worth.
        slices: Originals, test slices.
        patients: Theirs.
        asked: Deepfakes that were to show a nodule.
        single_numbers: Deepfakes against originals by one number of their pixels (`SINGLE_NUMBERS`), AUC; far from 0.5
            on either side, a detector needs to see no more.
        runs: By data set/detector/seed.
    """

    name: str
    dataset: str
    generator: str
    protocol: str
    evidence: Evidence
    confidence: float
    slices: int
    patients: int
    deepfakes: int
    asked: int
    agreement: Agreement
    single_numbers: Mapping[str, Figure]
    runs: Mapping[str, RunDrop]

    @property
    def chosen(self) -> RunDrop:
        """The training with the highest accuracy on validation: the test split and the deepfakes choose nothing."""
        return max(self.runs.values(), key=lambda one: one.val_accuracy or 0.0)

    def write(self, path: Path) -> None:
        """Write JSON, byte-stable, six digits: DVC metrics."""
        write_json(path, {"schema_version": SCHEMA_VERSION, **_rounded(asdict(self))})


def read_drop(path: Path) -> DropReport:
    """Read what `DropReport.write` wrote.

    Raises:
        ManifestError: It is missing or none of ours.
    """

    def report(values: Any) -> DropReport:
        if values.pop("schema_version") != SCHEMA_VERSION:
            raise ValueError
        return TypeAdapter(DropReport).validate_python(values)

    return read_json(
        path, report, missing="the drop on deepfakes was not measured", damaged="the drop on deepfakes cannot be read",
        make=make(Stage.DROP, path.stem), again=rerun(Stage.DROP, path.stem),
    )  # fmt: skip


def _text(figure: Figure) -> str:
    if figure.value is None:
        return "n/a"
    interval = figure.interval
    return f"{figure.value:.3f}" + ("" if interval is None else f" [{interval.low:.3f}, {interval.high:.3f}]")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return round(value, _DIGITS) if isinstance(value, float) else value
