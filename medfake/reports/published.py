"""What the papers print for a detector, restated with tampered as the positive class."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from medfake.metrics.classes import ClassMetrics
from medfake.metrics.weighted import harmonic_mean
from medfake.vocabulary import Manipulation

LABEL: Final = "paper (leaky replica protocol)"
POSITIVE_SLICES: Final = 177
"""Test slices of Alsabbagh and Al-Kadi's positive class (real), recovered from the fractions of their Table 1."""
NEGATIVE_SLICES: Final = 196
"""Test slices of their negative class (tampered), recovered likewise."""

_ALSABBAGH: Final = "Alsabbagh & Al-Kadi, TR-01,23"
_SOLAIYAPPAN: Final = "Solaiyappan & Wen 2022"
_SHREE: Final = "Shree et al."
_SWAPPED: Final = ("4", "VGG19")  # its cells are printed in another order than the header
_CLASS_COLUMNS: Final[dict[Manipulation, str]] = {
    Manipulation.NONE: "untampered",
    Manipulation.REMOVED: "fb",
    Manipulation.INJECTED: "fm",
}

Row = Mapping[str, str]


@dataclass(frozen=True)
class Published:
    """One row of a paper's table.

    Attributes:
        detector: Name of the backbone or classifier.
        source: Authors and table.
        setting: What was run.
        metrics: Metric -> 0..1, tampered positive; only what is printed or follows from it.
        parameters: Weights with head, where printed.
    """

    detector: str
    source: str
    setting: str
    metrics: Mapping[str, float]
    parameters: int | None = None


def published_for(detector: str) -> tuple[Published, ...]:
    """Rows of all papers for a detector's name, e.g. "MobileNetV3Large"; empty for detectors that no paper has."""
    return tuple(row for row in _all_rows() if row.detector == detector)


def read_table(name: str) -> list[dict[str, str]]:
    """Read one of the shipped tables as printed.

    Args:
        name: File name without ending, e.g. "alsabbagh_table1".
    """
    text = files("medfake.reports").joinpath("published_figures", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


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
def _all_rows() -> tuple[Published, ...]:
    return (*_alsabbagh(), *_solaiyappan(), *_shree())


def _alsabbagh() -> list[Published]:
    parameters = {
        row["model"]: round(float(row["parameters_millions"]) * 1e6) for row in read_table("alsabbagh_table3")
    }
    once = [
        Published(row["model"], f"{_ALSABBAGH}, Table 1", "1 run", restate(row), parameters[row["model"]])
        for row in read_table("alsabbagh_table1")
    ]
    thrice = [
        Published(
            row["model"], f"{_ALSABBAGH}, Table 2", "mean of 3 runs", _restate_means(row), parameters[row["model"]]
        )
        for row in read_table("alsabbagh_table2")
    ]
    return once + thrice


def _restate_means(row: Row) -> dict[str, float]:
    """Restate means: recall and specificity change places; precision and F1 do not follow from means."""
    return {
        "accuracy": float(row["accuracy_mean"]),
        "recall": float(row["specificity_mean"]),
        "specificity": float(row["recall_mean"]),
        "auc": float(row["auc_mean"]),
    }


def _solaiyappan() -> list[Published]:
    binary = [
        Published(
            row["model"],
            f"{_SOLAIYAPPAN}, Table {row['table']}",
            row["setting"].replace("-", ", "),
            {"accuracy": float(row["test_accuracy"])},
        )
        for row in read_table("solaiyappan_binary")
        if (row["table"], row["model"]) != _SWAPPED
    ]
    delocalized = [
        Published(
            row["model"],
            f"{_SOLAIYAPPAN}, Table {row['table']}",
            row["setting"].replace("-", ", "),
            _of_both_classes(row),
        )
        for row in read_table("solaiyappan_delocalized")
    ]
    return binary + delocalized


def _of_both_classes(row: Row) -> dict[str, float]:
    precision, recall = float(row["tampered_precision"]), float(row["tampered_recall"])
    metrics = {
        "accuracy": float(row["accuracy"]),
        "precision": precision,
        "recall": recall,
        "specificity": float(row["untampered_recall"]),
        "f1": float(harmonic_mean((precision, recall))),
    }
    return _with_h(metrics)


def _shree() -> list[Published]:
    return [
        Published(row["model"], _SHREE, row["dataset"], {"accuracy": float(row["accuracy"])})
        for row in read_table("shree")
    ]


def _with_h(metrics: dict[str, float]) -> dict[str, float]:
    return {**metrics, "h": float(harmonic_mean((metrics["accuracy"], metrics["f1"], metrics["specificity"])))}


def published_classes(detector: str) -> ClassMetrics | None:
    """What Solaiyappan and Wen print in Table 7 for a detector; None where they have none."""
    for row in read_table("solaiyappan_multiclass"):
        if row["model"] == detector:
            columns = {name: (row[f"{word}_precision"], row[f"{word}_recall"]) for name, word in _CLASS_COLUMNS.items()}
            precision, recall = ({name: float(both[at]) for name, both in columns.items()} for at in (0, 1))
            return ClassMetrics(float(row["accuracy"]), None, precision, recall)
    return None
