"""Run by test_memory.py in a process of its own: the memory that one training takes on top of its libraries."""

import json
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.training.run_state import RunState
from medfake.vocabulary import Evidence


def make(folder: Path, counts: dict[str, int], edge: int) -> Dataset:
    """Noise, every second slice brighter and tampered, two slices a patient; written slice by slice."""
    count = sum(counts.values())
    rng = np.random.default_rng(1)
    header = {"descr": "<i2", "fortran_order": False, "shape": (count, edge, edge)}
    with (folder / "shard-000.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for row in range(count):
            (rng.integers(-900, -700, (edge, edge), np.int16) + 40 * (row % 2)).astype("<i2").tofile(file)
    splits = [split for split, number in counts.items() for _ in range(number)]
    rows = pd.DataFrame({"split": splits, "row": range(count), "shard": "shard-000.npy", "rows": edge, "cols": edge})
    rows = rows.assign(label=rows.row % 2, patient_id=(rows.row // 2).astype(str), transform="")
    rows["manipulation"] = rows.label.map({0: "none", 1: "injected"})
    return Dataset(folder, "noise", rows, pd.DataFrame(), "0", Evidence.PHANTOM, "grouped")


def train(dataset: Dataset, name: str, options: dict[str, Any], state: Path) -> int | None:
    """One training, the stored graph included; slices that it learnt from where these are not all."""
    trained = fit(
        TrainingContext(
            spec=detector_spec(name), options=validate_options(name, options), dataset=dataset, seed=1, features=state,
            state=RunState(state, {}), on_epoch=lambda *_: None,
        )
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        trained.save(Path(folder))
    return trained.slices


class Watched(threading.Thread):
    """Looks how much memory the process has, mapped files uncounted: these the system takes back when it needs to."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.start_bytes = self.peak_bytes = self.now()
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.005):
            self.peak_bytes = max(self.peak_bytes, self.now())

    @staticmethod
    def now() -> int:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as work:
        small = make(Path(tempfile.mkdtemp(dir=work)), {"train": 40, "val": 8}, 96)
        train(small, asked["name"], {**asked["options"], "memory_gb": 8.0}, Path(work) / "small")  # loads libraries
        large = make(Path(tempfile.mkdtemp(dir=work)), {"train": asked["slices"], "val": 8}, asked["edge"])
        watched = Watched()
        watched.start()
        learnt = train(large, asked["name"], asked["options"], Path(work) / "large")
        watched.done.set()
    print(
        json.dumps({"grown": watched.peak_bytes - watched.start_bytes, "slices": learnt, "start": watched.start_bytes})
    )
