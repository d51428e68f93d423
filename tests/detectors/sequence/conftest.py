"""Chests in scans of four slices 2.5 mm apart, as sequence detectors learn from them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Around
from medfake.detectors.context import TrainingContext
from medfake.detectors.registry import detector_spec, validate_options
from medfake.training.run_state import RunState

STEP_MM, SLICES = 2.5, 4
TRUNK = {"presentations": 64, "batch_size": 8, "validate_every": 32}
SHORT = {"units": 3, "reach": 2, "epochs": 2, "sequences": 64, "batch_size": 32}
Told = list[tuple[int, dict[str, float]]]
MakeContext = Callable[..., TrainingContext]


def in_scans(dataset: Dataset, step_mm: float = STEP_MM) -> Dataset:
    """The same slices, four to a scan; every other one is tampered."""
    rows = dataset.manifest.copy()
    number = rows.groupby("split").cumcount()
    rows["scan_id"] = rows.split + "-" + (number // SLICES).astype(str)
    rows["patient_id"], rows["z_index"], rows["generator"] = rows.scan_id, number % SLICES, ""
    rows["z_mm"] = rows.z_index * step_mm
    sites = rows[rows.label == 1].rename(columns={"site_y": "y", "site_x": "x"})
    sites = sites[["scan_id", "z_mm", "y", "x"]].assign(kind="FM").reset_index(drop=True)
    return replace(dataset, manifest=rows, sites=sites)


@pytest.fixture(scope="session")
def scans(make_dataset: Callable[..., Dataset]) -> Dataset:
    return in_scans(make_dataset({"train": 16, "val": 12, "test": 8}, seed=3))


@pytest.fixture(scope="session")
def make_context(tmp_path_factory: pytest.TempPathFactory) -> MakeContext:
    """What a short training is given."""

    def make(
        dataset: Dataset, told: Told | None = None, detector: str = "SliceGRU", state: Path | None = None,
        around: Around | None = None, **options: object,
    ) -> TrainingContext:  # fmt: skip
        nowhere = tmp_path_factory.mktemp("nowhere")
        short = {} if detector == "SliceWindow" else SHORT
        return TrainingContext(
            spec=detector_spec(detector), options=validate_options(detector, {"trunk": TRUNK, **short, **options}),
            dataset=dataset, seed=1, features=nowhere, state=RunState(state or nowhere / "state", {}),
            on_epoch=lambda at, figures: None if told is None else told.append((at, dict(figures))), around=around,
        )  # fmt: skip

    return make
