"""One-class detectors at toy size, on small chests."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.registry import detector_spec, validate_options
from medfake.training.run_state import RunState

SHORT: dict[str, dict[str, Any]] = {
    "PaDiM": {},
    "PatchCore": {"memory": 100, "neighbour": 3},
    "DenoiserResidual": {"epochs": 2, "crops": 64, "width": 4},
}
Context = Callable[..., TrainingContext[Any, Any]]


def context_of(name: str, dataset: Dataset, folder: Path, **options: object) -> TrainingContext[Any, Any]:
    return TrainingContext(
        spec=detector_spec(name), options=validate_options(name, {**SHORT[name], **options}), dataset=dataset, seed=1,
        features=folder, state=RunState(folder / "state.npz", {}), on_epoch=lambda *_: None,
    )  # fmt: skip


def slice_by_slice(dataset: Dataset) -> Dataset:
    """The same slices, each a scan and a patient of its own."""
    own, tampered = dataset.manifest.slice_id, dataset.manifest.label == 1
    rows = dataset.manifest.assign(scan_id=own, patient_id=own)
    return replace(dataset, manifest=rows, sites=dataset.sites.assign(scan_id=own[tampered].to_numpy()))


@pytest.fixture(scope="session")
def chests(make_real: Callable[..., Dataset]) -> Dataset:
    return make_real({"train": 6, "val": 4, "test": 2})


@pytest.fixture(scope="session")
def make_real(make_dataset: Callable[..., Dataset]) -> Callable[..., Dataset]:
    """A data set whose real and manipulated slices are of different scans, patients of their own each."""

    def make(per_split: dict[str, int], **facts: Any) -> Dataset:
        made = make_dataset({split: 2 * count for split, count in per_split.items()}, **facts)
        return slice_by_slice(made)

    return make
