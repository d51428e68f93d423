"""What a paper prints for a detector in the setting of a data set, with the study's positive class."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from medfake.config import PublishedParams
from medfake.metrics.binary import PAPER_METRICS
from medfake.metrics.classes import ClassMetrics
from medfake.metrics.weighted import harmonic_mean
from medfake.reports.papers import LABEL, MULTICLASS, PAPERS, Row, read_table
from medfake.vocabulary import Manipulation, PositiveClass

__all__ = ["LABEL", "Published", "published_for", "published_rows", "read_table", "restate"]

POSITIVE_SLICES: Final = 177
"""Test slices of Alsabbagh and Al-Kadi's positive class (real), recovered from the fractions of their Table 1."""
NEGATIVE_SLICES: Final = 196
"""Test slices of their negative class (tampered), recovered likewise."""
COST: Final = {"step_ms": "Step, ms"}
TRAINING: Final = {"train_accuracy": "Train accuracy", "train_loss": "Train loss", "test_loss": "Test loss"}
BOTH_CLASSES: Final = {
    "untampered_precision": "Precision, untampered",
    "untampered_recall": "Recall, untampered",
    "tampered_precision": "Precision, tampered",
    "tampered_recall": "Recall, tampered",
}
A1: Final = {"harmonic_mean": "H, Table A1"}

_LOST_ORDER: Final = ("4", "VGG19")  # its cells stand in another order than the header
_CLASS_COLUMNS: Final[dict[Manipulation, str]] = {
    Manipulation.NONE: "untampered",
    Manipulation.REMOVED: "fb",
    Manipulation.INJECTED: "fm",
}


@dataclass(frozen=True, kw_only=True)
class Published:
    """One row of a paper's table.

    Attributes:
        detector: Name of the backbone or classifier.
        paper: Name of the paper.
        source: Authors and table.
        setting: What was run.
        metrics: Metric -> 0..1, of the study's positive class; only what is printed or follows from it.
        deviations: Metric -> standard deviation over runs, where printed.
        printed: What else the row has, by the keys of `COST`, `TRAINING`, `BOTH_CLASSES` and `A1`, as printed; a key
            with "_std" is the deviation of the one before.
        parameters: Weights with head, where printed.
        classes: Of detectors that tell three classes apart; None for others.
        note: What must be said of this row; "" for nothing.
    """

    detector: str
    paper: str
    source: str
    setting: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    deviations: Mapping[str, float] = field(default_factory=dict)
    printed: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    classes: ClassMetrics | None = None
    note: str = ""

    @property
    def label(self) -> str:
        """What figures of its paper are called."""
        return PAPERS[self.paper].label


def published_for(
    detector: str, wanted: PublishedParams | None, positive: PositiveClass = PositiveClass.TAMPERED
) -> tuple[Published, ...]:
    """What a paper prints for a detector.

    Args:
        detector: e.g. "MobileNetV3Large".
        wanted: Paper and setting that a data set is set beside; None for data sets that no paper has.
        positive: Class that figures are stated of.

    Returns:
        Rows in the order of the paper's tables; empty for detectors that it has not.
    """
    if wanted is None:
        return ()
    rows = _rows_of(wanted.paper, wanted.setting, positive)
    return tuple(row for row in rows if row.detector == detector)


def published_rows(wanted: PublishedParams, positive: PositiveClass = PositiveClass.TAMPERED) -> tuple[Published, ...]:
    """Every row of a paper in a setting; arguments as for `published_for`."""
    return _rows_of(wanted.paper, wanted.setting, positive)


def restate(row: Row) -> dict[str, float]:
    """Turn a row of Alsabbagh and Al-Kadi's Table 1 into figures with tampered as the positive class.

    Their networks give P(real), so "real" is their positive class. The counts of the confusion matrix follow from
    recall and specificity; accuracy and AUC are the same either way.

    Args:
        row: accuracy, precision, recall, specificity, f1, auc as printed.
    """
    real_kept = round(float(row["recall"]) * POSITIVE_SLICES)
    found = round(float(row["specificity"]) * NEGATIVE_SLICES)
    alarms, missed = POSITIVE_SLICES - real_kept, NEGATIVE_SLICES - found
    metrics = {
        "accuracy": float(row["accuracy"]),
        "precision": found / (found + alarms),
        "recall": found / NEGATIVE_SLICES,
        "specificity": real_kept / POSITIVE_SLICES,
        "f1": 2 * found / (2 * found + alarms + missed),
        "auc": float(row["auc"]),
    }
    return _with_h(metrics)


@cache
def _rows_of(paper: str, setting: str | None, positive: PositiveClass) -> tuple[Published, ...]:
    if paper == "alsabbagh":
        return (*_table_1(positive), *_table_2(positive))
    if paper == "shree":
        return tuple(_shree())
    return tuple(row for row in _solaiyappan(positive) if row.setting == setting)


def _table_1(positive: PositiveClass) -> Iterable[Published]:
    """With what Tables 3 and A1 print for the same training."""
    cost = {row["model"]: row for row in read_table("alsabbagh_table3")}
    printed_h = {row["model"]: float(row["harmonic_mean"]) for row in read_table("alsabbagh_tableA1")}
    for row in read_table("alsabbagh_table1"):
        name = row["model"]
        as_printed = {metric: float(row[metric]) for metric in PAPER_METRICS}
        yield Published(
            detector=name,
            paper="alsabbagh",
            source=f"{PAPERS['alsabbagh'].cited}, Table 1",
            setting="1 run",
            metrics=_with_h(as_printed) if positive is PositiveClass.REAL else restate(row),
            printed={
                "step_ms": float(cost[name]["inference_step_ms_mean"]),
                "step_ms_std": float(cost[name]["inference_step_ms_std"]),
                "harmonic_mean": printed_h[name],
            },
            parameters=_parameters(cost[name]),
        )


def _table_2(positive: PositiveClass) -> Iterable[Published]:
    cost = {row["model"]: row for row in read_table("alsabbagh_table3")}
    for row in read_table("alsabbagh_table2"):
        mean, deviation = (
            {metric: float(row[f"{metric}_{what}"]) for metric in PAPER_METRICS} for what in ("mean", "std")
        )
        yield Published(
            detector=row["model"],
            paper="alsabbagh",
            source=f"{PAPERS['alsabbagh'].cited}, Table 2",
            setting="mean of 3 runs",
            metrics=mean if positive is PositiveClass.REAL else _of_the_other_class(mean),
            deviations=deviation if positive is PositiveClass.REAL else _of_the_other_class(deviation),
            parameters=_parameters(cost[row["model"]]),
        )


def _parameters(row: Row) -> int:
    return round(float(row["parameters_millions"]) * 1e6)


def _of_the_other_class(figures: Mapping[str, float]) -> dict[str, float]:
    """Of means over runs: recall and specificity change places; precision and F1 do not follow from means."""
    return {
        "accuracy": figures["accuracy"],
        "recall": figures["specificity"],
        "specificity": figures["recall"],
        "auc": figures["auc"],
    }


def _solaiyappan(positive: PositiveClass) -> Iterable[Published]:
    cited = PAPERS["solaiyappan"].cited
    for row in read_table("solaiyappan_binary"):
        lost = (row["table"], row["model"]) == _LOST_ORDER
        yield Published(
            detector=row["model"],
            paper="solaiyappan",
            source=f"{cited}, Table {row['table']}",
            setting=row["setting"],
            metrics={} if lost else {"accuracy": float(row["test_accuracy"])},
            printed={} if lost else {name: float(row[name]) for name in TRAINING if row[name]},
            note="this row lost its order in the text" if lost else "",
        )
    for row in read_table("solaiyappan_delocalized"):
        yield Published(
            detector=row["model"],
            paper="solaiyappan",
            source=f"{cited}, Table {row['table']}",
            setting=row["setting"],
            metrics=_of_one_class(row, positive),
            printed={name: float(row[name]) for name in BOTH_CLASSES},
        )
    for row in read_table("solaiyappan_multiclass"):
        columns = {name: (row[f"{word}_precision"], row[f"{word}_recall"]) for name, word in _CLASS_COLUMNS.items()}
        precision, recall = ({name: float(both[at]) for name, both in columns.items()} for at in (0, 1))
        yield Published(
            detector=row["model"],
            paper="solaiyappan",
            source=f"{cited}, Table 7",
            setting=MULTICLASS,
            classes=ClassMetrics(float(row["accuracy"]), None, precision, recall),
        )


def _of_one_class(row: Row, positive: PositiveClass) -> dict[str, float]:
    own, other = ("tampered", "untampered") if positive is PositiveClass.TAMPERED else ("untampered", "tampered")
    precision, recall = float(row[f"{own}_precision"]), float(row[f"{own}_recall"])
    metrics = {
        "accuracy": float(row["accuracy"]),
        "precision": precision,
        "recall": recall,
        "specificity": float(row[f"{other}_recall"]),
        "f1": float(harmonic_mean((precision, recall))),
    }
    return _with_h(metrics)


def _shree() -> Iterable[Published]:
    for row in read_table("shree"):
        yield Published(
            detector=row["model"],
            paper="shree",
            source=PAPERS["shree"].cited,
            setting=row["dataset"],
            metrics={"accuracy": float(row["accuracy"])},
        )


def _with_h(metrics: dict[str, float]) -> dict[str, float]:
    return {**metrics, "h": float(harmonic_mean((metrics["accuracy"], metrics["f1"], metrics["specificity"])))}
