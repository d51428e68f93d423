"""The memory that a classical model is given holds: measured in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medfake.detectors.classical.memory import most_slices, within_memory
from medfake.detectors.classical.options import PROCESS_GB, RandomForestOptions, SVMOptions
from medfake.errors import TrainingError

SLICES, EDGE = 2000, 128
ALLOWANCE_BYTES = 1.2e8  # the model itself, its graph, a batch of slices
ROOT = Path(__file__).parents[3]


def measured(name: str, memory_gb: float) -> dict[str, Any]:
    """Memory that a training of 2000 slices of 128 x 128 px takes on top of the libraries."""
    options = {"memory_gb": memory_gb, "pool": 1, "folds": 2, **({"trees": 10} if name == "RandomForest" else {})}
    asked = json.dumps({"name": name, "options": options, "slices": SLICES, "edge": EDGE})
    command = [sys.executable, str(Path(__file__).with_name("peak.py")), asked]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow(minutes=1)
@pytest.mark.parametrize(("name", "options"), [("RandomForest", RandomForestOptions), ("SVM", SVMOptions)])
def test_a_fit_stays_within_its_memory_and_says_how_many_slices_it_learnt_from(name: str, options: Any) -> None:
    found = measured(name, PROCESS_GB + 0.1)
    assert found["slices"] == most_slices(options(memory_gb=PROCESS_GB + 0.1), EDGE * EDGE) < SLICES
    assert found["grown"] < 0.1e9 + ALLOWANCE_BYTES
    assert found["start"] + found["grown"] < (PROCESS_GB + 0.1) * 1e9


@pytest.mark.slow(minutes=1)
def test_a_fit_that_memory_allows_learns_from_all_slices_and_takes_what_was_foretold() -> None:
    found = measured("RandomForest", 8.0)
    table = SLICES * EDGE * EDGE * 4
    assert found["slices"] is None
    assert table < found["grown"] < table * 4.5 / 4 + ALLOWANCE_BYTES


def rows(originals: int, copies: int) -> pd.DataFrame:
    """Slices with so many copies each, three in four of them real."""
    words = ["", *(f"rotate{number:03}" for number in range(copies))] * originals
    label = np.repeat(np.arange(originals) % 4 == 3, copies + 1).astype(int)
    return pd.DataFrame({"transform": words, "label": label, "rows": 1000, "cols": 1000})


def test_slices_themselves_come_before_their_copies_and_classes_in_equal_parts() -> None:
    table = rows(16, 9)
    options = RandomForestOptions(pool=1, memory_gb=PROCESS_GB + 0.0045 * 40 + 1e-6)  # 4.5 MB a slice
    kept = table.iloc[within_memory(table, table.label.to_numpy(), options, 1, "set")]
    assert len(kept) == 40
    assert kept.label.sum() == 20
    assert (kept["transform"] == "").sum() == 16
    assert kept.index.is_monotonic_increasing


def test_all_slices_are_learnt_from_where_they_just_fit() -> None:
    table = rows(25, 0)
    for extra, kept in ((1e-6, 25), (-1e-6, 24)):
        options = RandomForestOptions(pool=1, memory_gb=PROCESS_GB + 0.0045 * 25 + extra)
        assert len(within_memory(table, table.label.to_numpy(), options, 1, "set")) == kept


def test_memory_for_hardly_any_slice_is_refused_in_words() -> None:
    table = rows(50, 0)
    options = RandomForestOptions(pool=1, memory_gb=PROCESS_GB + 0.01)
    with pytest.raises(TrainingError, match="fewer than 20 slices") as caught:
        within_memory(table, table.label.to_numpy(), options, 1, "set")
    assert "raise the detector's memory_gb" in str(caught.value.remedy)
