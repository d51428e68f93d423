"""The card that travels with a stored detector: what it is, how its threshold was chosen, how well it did."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from medfake.errors import ManifestError, OutputRefusedError
from medfake.files import sha256_file, write_json
from medfake.package.measured import Calibrated, Elsewhere, FalseAlarms, Figures, Folds, Learnt
from medfake.remedies import retrain
from medfake.vocabulary import Evidence, PositiveClass, Task

CARD_FILE = "card.json"
ONNX_FILE = "detector.onnx"
AGGREGATION_FILE = "aggregation.onnx"
KERAS_FILE = "detector.keras"
PREDICTIONS_FILE = "predictions.parquet"
PROVENANCE_FILE = "provenance.json"
EMBEDDINGS_FILE = "embeddings.parquet"
FOLDS_FILE = "folds.parquet"  # what was scored out of fold, columns as of the predictions
LARGEST_DIFFERENCE = 1e-4  # between the trained model and its ONNX form
INTENDED_USE = (
    "Research on the detection of tampered chest CT. Not a diagnostic device; a verdict is a reason to look, not proof."
)


class Agreement(BaseModel):
    """How far the ONNX form is from the trained model on real slices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_abs_difference: float
    slices: int


class Card(BaseModel):
    """Facts about one stored detector.

    Attributes:
        task: What it was taught to answer; of another task than tampering, all that is called tampered here and in its
            tables is the answer yes.
        evidence: What figures on its data are worth.
        view: What part of a slice it learnt to judge; only detectors of whole slices can scan.
        input_contract: What the graph takes; everything from Hounsfield units to P(tampered) is inside it.
        threshold: A slice with P >= threshold counts as tampered; chosen by `threshold_rule`.
        scan_threshold_low: A scan below is "not tampered".
        scan_threshold_high: A scan at or above is "tampered"; between the two it is "uncertain".
        calibration: "a" and "b" of Platt's sigmoid, or "temperature"; empty where none was fitted.
        calibrated: What calibration did to validation slices; None where none was fitted.
        positive: Class that precision, recall, specificity, F1, H and fall-out of `metrics` are of.
        chosen: Options that a search within the train and val splits found.
        learnt: How many training slices it learnt from; None where nobody counted.
        both_classes: Accuracy, loss, precision and recall of either class, by split; "train" of some training slices.
        metrics: On slices, by split ("val", "test"), then by metric; None where undefined.
        intervals: Of `metrics`, (low, high) from a bootstrap over `interval_unit`; None where too few
            resamples define it.
        patients: How many each split has whose slices were scored.
        interval_unit: "patients", or "scans" where a split has a single patient; by split.
        confidence: Of the intervals.
        sources_apart: Whether no source of its data has slices of both classes, so that its figures also measure what
            else tells the sources apart.
        folds: Figures of trainings over folds; None where the data set has none.
        measured_on: What its figures come from, a clause each, e.g. "23 scans of 21 patients of three makers".
        blind_to: What it cannot see or was never shown, a clause each.
        false_alarms: Of scans of 20 slices and more; None where they were not counted.
        false_alarms_of_few: Of scans of fewer slices, likewise.
        robustness: Metrics by what was done to the scans, e.g. "JPEG q90"; "clean" is what they are compared with. Loss
            by compression is under names that begin with "JPEG".
        robustness_on: Measurement of `elsewhere` whose slices those are; "" where they are others.
        by_manipulation: Scans of each manipulation against all untouched ones, of patients that the detector had not
            seen; the weakest first.
        elsewhere: Measurements on scans that it has not learnt from.
        sources: What the scans are that it learnt from, with their licences, a clause each.
        trained_on: Devices, backend of Keras for networks, and precision where it is not single; "" where nobody noted
            it.
        graphs: SHA-256 of each graph of the package, by file name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    detector: str
    options: dict[str, Any]
    seed: int
    dataset: str
    dataset_sha256: str
    evidence: Evidence
    protocol: str
    task: Task = Task.TAMPERING
    view: str = "whole"
    input_contract: str = "hu: int16 Hounsfield units, (slices, rows, cols), native resolution"
    parameters: int | None
    localises: bool
    threshold: float
    threshold_rule: str
    scan_threshold_low: float
    scan_threshold_high: float
    calibration: dict[str, float]
    calibrated: Calibrated | None = None
    weights: dict[str, str | None]
    chosen: dict[str, Any] = {}
    positive: PositiveClass = PositiveClass.TAMPERED
    learnt: Learnt | None = None
    both_classes: dict[str, dict[str, float | None]] = {}
    metrics: dict[str, dict[str, float | None]]
    intervals: dict[str, dict[str, tuple[float, float] | None]] = {}
    patients: dict[str, int] = {}
    interval_unit: dict[str, str] = {}
    confidence: float = 0.95
    sources_apart: bool = False
    folds: Folds | None = None
    measured_on: tuple[str, ...] = ()
    blind_to: tuple[str, ...] = ()
    false_alarms: FalseAlarms | None = None
    false_alarms_of_few: FalseAlarms | None = None
    robustness: dict[str, dict[str, float]] = {}
    robustness_on: str = ""
    by_manipulation: tuple[Figures, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    sources: tuple[str, ...] = ()
    graphs: dict[str, str] = {}
    agreement: Agreement
    trained_on: str = ""
    git_revision: str
    dvc_lock_sha256: str | None
    mlflow_run_id: str | None
    intended_use: str = INTENDED_USE


def read_card(folder: Path) -> Card:
    """Read a package's card.

    Raises:
        ManifestError: There is none, or it is none of ours.
    """
    path = folder / CARD_FILE
    try:
        return Card.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError("no model package here", where=folder, remedy="dvc repro") from None
    except ValidationError as error:
        raise ManifestError(
            "the card of this model package cannot be read", where=path, received=f"{error.error_count()} faults",
            remedy=retrain(folder),
        ) from None  # fmt: skip


def fold_graphs(package: Path, fold: int) -> Path:
    """Where the graphs of a fold's training lie, which score what it has not seen."""
    return package / "folds" / f"fold-{fold}"


def require_graph(folder: Path) -> Path:
    """A package's graph.

    Raises:
        ManifestError: It is missing.
    """
    path = folder / ONNX_FILE
    if not path.is_file():
        raise ManifestError(f"this model package lacks its {ONNX_FILE}", where=folder, remedy=retrain(folder))
    return path


def require_replaceable(folder: Path) -> None:
    """See to it that a folder that a package replaces whole holds nothing else.

    Raises:
        OutputRefusedError: It is a file, or a folder that is neither empty nor a package.
    """
    if not folder.exists() or (folder / CARD_FILE).is_file() or (folder.is_dir() and not any(folder.iterdir())):
        return
    raise OutputRefusedError(
        "a package would take the place of what is no package",
        where=folder,
        remedy="name a folder that is new or empty",
    )


def graph_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each graph of a package, by file name."""
    graphs = (folder / ONNX_FILE, folder / AGGREGATION_FILE)
    return {path.name: sha256_file(path) for path in graphs if path.is_file()}


def write_card(card: Card, folder: Path) -> None:
    """Write a package's card, byte-stable."""
    write_json(folder / CARD_FILE, card.model_dump(mode="json"))
