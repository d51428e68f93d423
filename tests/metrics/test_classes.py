"""Three classes: counted by hand on few slices."""

import numpy as np
import pandas as pd

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.classes import measure_classes


def rows(p: list[tuple[float, float, float]], truth: list[str]) -> pd.DataFrame:
    none, removed, injected = zip(*p, strict=True)
    return pd.DataFrame(
        {
            "manipulation": truth,
            "p_tampered": 1 - np.array(none),
            "p_removed": removed,
            "p_injected": injected,
            "patient_id": [f"p{number}" for number in range(len(p))],
            "scan_id": "s",
        }
    )


def test_slices_are_called_by_the_largest_probability() -> None:
    said = [(0.8, 0.1, 0.1), (0.2, 0.5, 0.3), (0.3, 0.4, 0.3), (0.4, 0.25, 0.35)]
    figures = measure_classes(rows(said, ["none", "removed", "injected", "injected"]), Bootstrap(resamples=100))
    assert figures is not None
    assert figures.accuracy == 0.5
    assert figures.precision == {"none": 0.5, "removed": 0.5, "injected": None}
    assert figures.recall == {"none": 1.0, "removed": 1.0, "injected": 0.0}
    assert figures.counts == {
        "none": {"none": 1, "removed": 0, "injected": 0},
        "removed": {"none": 0, "removed": 1, "injected": 0},
        "injected": {"none": 1, "removed": 1, "injected": 0},
    }
    assert figures.interval is not None
    assert 0 <= figures.interval.low <= 0.5 <= figures.interval.high <= 1


def test_detectors_of_two_classes_have_none() -> None:
    table = rows([(0.8, 0.1, 0.1)], ["none"]).assign(p_removed=np.nan, p_injected=np.nan)
    assert measure_classes(table, Bootstrap(resamples=100)) is None
