"""What takes part in a comparison: predictions of one training and the facts of its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from medfake.errors import ManifestError
from medfake.metrics.over_folds import read_tested
from medfake.metrics.predictions import RUN_KEY
from medfake.package.card import CARD_FILE, Card, read_card
from medfake.package.measured import Folds, Learnt
from medfake.remedies import Stage, rerun
from medfake.vocabulary import Evidence, Split, Task


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One training that takes part: its predictions and the facts of its card.

    Attributes:
        dataset: Name in params.yaml.
        detector: Name in params.yaml.
        seed: Of the training.
        predictions: Columns of `predictions.COLUMNS`, val and test rows of this run alone, as `read_tested` has them.
        threshold: A slice is tampered from here on, 0..1.
        scan_low: A scan is not tampered below, 0..1.
        scan_high: A scan is tampered from here on, 0..1.
        threshold_rule: How the threshold was chosen, in words.
        evidence: What figures on its data set are worth.
        dataset_sha256: Digest of the manifest.
        protocol: Rule of the splits, e.g. "grouped".
        parameters: Trainable weights; None for detectors without.
        options: Of the detector, as its card has them.
        git_revision: Of the code that trained it, "" where nobody kept it.
        run_id: Of its MLflow run; None without one.
        chosen: Options that a search found.
        learnt: How many training slices it learnt from; None where nobody counted.
        of_train: Accuracy, loss, precision and recall of either class on training slices; empty where none were scored.
        calibration: As on the card.
        folds: What trainings over folds reached; None where the data set has none. Where they stand for a test split,
            the test rows of `predictions` are theirs, each with thresholds of its own.
        sources_apart: As of the card.
        task: What labels answer.
    """

    dataset: str
    detector: str
    seed: int
    predictions: pd.DataFrame = field(repr=False)
    threshold: float
    scan_low: float
    scan_high: float
    threshold_rule: str
    evidence: Evidence
    dataset_sha256: str
    protocol: str
    parameters: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    git_revision: str = ""
    run_id: str | None = None
    chosen: Mapping[str, Any] = field(default_factory=dict, repr=False)
    learnt: Learnt | None = None
    of_train: Mapping[str, float | None] = field(default_factory=dict, repr=False)
    calibration: Mapping[str, float] = field(default_factory=dict)
    folds: Folds | None = None
    sources_apart: bool = False
    task: Task = Task.TAMPERING

    def __post_init__(self) -> None:
        runs = [tuple(run) for run in self.predictions[RUN_KEY].drop_duplicates().itertuples(index=False)]
        if runs != [(self.dataset, self.detector, self.seed)]:
            raise ManifestError(
                "the predictions are not of the run that they are said to be of",
                where=self.name,
                received=", ".join(f"{d}/{n}/seed-{s}" for d, n, s in runs) or "no rows",
                remedy=rerun(Stage.TRAIN, self.dataset, self.detector, self.seed),
            )

    @property
    def name(self) -> str:
        """dataset/detector/seed-n, unique in a comparison."""
        return f"{self.dataset}/{self.detector}/seed-{self.seed}"

    @classmethod
    def from_card(cls, card: Card, predictions: pd.DataFrame) -> "Entry":
        """Take the facts from a model card.

        Raises:
            ManifestError: The predictions are of another run than the card.
        """
        return cls(
            dataset=card.dataset,
            detector=card.detector,
            seed=card.seed,
            predictions=predictions,
            threshold=card.threshold,
            scan_low=card.scan_threshold_low,
            scan_high=card.scan_threshold_high,
            threshold_rule=card.threshold_rule,
            evidence=card.evidence,
            dataset_sha256=card.dataset_sha256,
            protocol=card.protocol,
            parameters=card.parameters,
            options=card.options,
            git_revision=card.git_revision,
            run_id=card.mlflow_run_id,
            chosen=card.chosen,
            learnt=card.learnt,
            of_train=card.both_classes.get(Split.TRAIN, {}),
            calibration=card.calibration,
            folds=card.folds,
            task=card.task,
            sources_apart=card.sources_apart,
        )

    def split(self, name: str) -> pd.DataFrame:
        """Rows of one split of those that were scored."""
        return self.predictions[self.predictions["split"] == name]


@dataclass(frozen=True)
class Absent:
    """A training of the study that has no package, so that it cannot take part: it failed, or was not run yet."""

    dataset: str
    detector: str
    seed: str

    @property
    def name(self) -> str:
        """dataset/detector/seed-n, as of `Entry`."""
        return f"{self.dataset}/{self.detector}/{self.seed}"


def read_entries(packages: Sequence[Path]) -> tuple[list[Entry], list[Absent]]:
    """Read the packages of a study that are there; a package that is missing stops no other.

    Args:
        packages: Folders <dataset>/<detector>/seed-<n> below models/ or repeated/.

    Returns:
        What takes part, and what has no package.

    Raises:
        ManifestError: A package is there and cannot be read.
    """
    entries, absent = [], []
    for package in packages:
        if (package / CARD_FILE).is_file():
            card = read_card(package)
            entries.append(Entry.from_card(card, read_tested(package, card)))
        else:
            absent.append(Absent(*package.parts[-3:]))
    return entries, absent
