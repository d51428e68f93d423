"""Untampered, removed or injected: metrics of detectors that tell three classes apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import Interval, mean_interval
from medfake.vocabulary import Manipulation

HEADINGS: Final[dict[Manipulation, str]] = {  # class -> heading
    Manipulation.NONE: "untampered",
    Manipulation.REMOVED: "FB, removed",
    Manipulation.INJECTED: "FM, injected",
}


@dataclass(frozen=True)
class ClassMetrics:
    """Of three classes.

    Attributes:
        accuracy: Share of slices called what they are; chance is a third.
        interval: Of the accuracy, over patients; None where there is one patient.
        precision: By class; None where nothing is called so.
        recall: By class; None where there is no such slice.
        counts: Slices by what they are, then by what they are called; empty where only shares are known.
    """

    accuracy: float
    interval: Interval | None
    precision: Mapping[Manipulation, float | None]
    recall: Mapping[Manipulation, float | None]
    counts: Mapping[Manipulation, Mapping[Manipulation, int]] = field(default_factory=dict)


def measure_classes(rows: pd.DataFrame, bootstrap: Bootstrap) -> ClassMetrics | None:
    """Figures of slices called by the largest of three probabilities.

    Args:
        rows: One run's slices of one split; manipulation, p_tampered, p_removed, p_injected, patient_id, scan_id.
        bootstrap: Of the interval.

    Returns:
        None for detectors of two classes.
    """
    if rows.empty or "p_removed" not in rows or rows.p_removed.isna().any():
        return None
    names = np.array([str(word) for word in HEADINGS])
    probabilities = np.column_stack([1 - rows.p_tampered, rows.p_removed, rows.p_injected])
    said = names[np.argmax(probabilities, axis=1)]
    truth = rows.manipulation.to_numpy()
    right = said == truth
    return ClassMetrics(
        accuracy=float(right.mean()),
        interval=mean_interval(rows, right.astype(np.float64), bootstrap),
        precision={name: _share(right[said == name]) for name in HEADINGS},
        recall={name: _share(right[truth == name]) for name in HEADINGS},
        counts={is_: {name: int((said[truth == is_] == name).sum()) for name in HEADINGS} for is_ in HEADINGS},
    )


def _share(right: NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if len(right) else None
