"""What a probe measured."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import evaluate_with_intervals
from medfake.probes.probe_input import ProbeInput


@dataclass(frozen=True)
class Score:
    """An AUC on one split.

    Attributes:
        auc: None when the split lacks a class, or there is nothing to learn from.
        low: Lower end of its 95 % interval; None when it has none.
        high: Upper end.
        unit: What the interval rests on: "patients", "scans", or "permutations".
        count: How many of them there are.
    """

    auc: float | None
    low: float | None
    high: float | None
    unit: str
    count: int

    def __str__(self) -> str:
        if self.auc is None:
            return "n/a"
        return f"{self.auc:.3f}" + (f" [{self.low:.3f}, {self.high:.3f}]" if self.low is not None else "")


NOTHING: Final = Score(None, None, None, "patients", 0)
"""When there is nothing to measure."""


@dataclass(frozen=True)
class Answer:
    """What a probe's function returns.

    Attributes:
        score: On the test split; should be near 0.5.
        val: On the validation split, for comparison; it decides nothing.
        control: The same model where it should do better, when there is such a thing.
        because: What gave the class away, "" when nothing stands out; without a score, why it was not asked.
    """

    score: Score
    val: Score | None = None
    control: Score | None = None
    because: str = ""


def score(given: ProbeInput, split: str, p_tampered: NDArray[np.float64]) -> Score:
    """AUC of some scores on a split's rows, with its interval over patients."""
    table = given.rows(split)[["label", "patient_id", "scan_id"]].assign(p_tampered=np.clip(p_tampered, 0, 1))
    bootstrap = Bootstrap(resamples=given.params.bootstrap, seed=given.params.seed)
    measured = evaluate_with_intervals(table, 0.5, bootstrap)
    edges = measured.intervals["auc"]
    low, high = (edges.low, edges.high) if edges else (None, None)
    return Score(measured.metrics.auc, low, high, measured.unit, measured.clusters)
