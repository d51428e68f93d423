"""Networks of all families on JAX: they learn there, are stored as on TensorFlow, and say the same on either."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.detectors.stored_network import load_network
from medfake.package.card import LARGEST_DIFFERENCE, ONNX_FILE
from medfake.package.scorer import Scorer
from medfake.tamper.bank import Bank
from medfake.training.hardware import describe_hardware
from medfake.training.run_state import RunState
from medfake.vocabulary import Evidence
from tests.detectors.anomaly.conftest import SHORT as ANOMALY
from tests.detectors.anomaly.conftest import slice_by_slice
from tests.detectors.dense.conftest import bank, write_bank  # noqa: F401  # fixtures
from tests.detectors.sequence.conftest import SHORT as SEQUENCE
from tests.detectors.sequence.conftest import in_scans

FROZEN = {"weights": "none", "input_size": 64, "head": [8], "epochs": 2, "fine_tune": {"epochs": 0}}
LEARNT = {**FROZEN, "epochs": 0, "fine_tune": {"epochs": 2}}
PATCHES = {"presentations": 64, "batch_size": 8, "validate_every": 32}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "frozen": ("CustomCNN", {**FROZEN, "output": "softmax", "calibration": "temperature"}),
    "from-scratch": ("CustomCNN", LEARNT),
    "half-precision": ("CustomCNN", {**LEARNT, "precision": "mixed"}),
    "patches": ("ResidualCNN", {**PATCHES, "precision": "mixed"}),
    "judges": ("ResidualStatistics", {"rounds": 1, "members": 2, "epochs": 2, "places": 256, "widths": [8]}),
    "one-class": ("DenoiserResidual", ANOMALY["DenoiserResidual"]),
    "distances": ("PatchCore", ANOMALY["PatchCore"]),
    "sequences": ("SliceGRU", {**SEQUENCE, "trunk": PATCHES}),
    "sequences-of-features": ("SliceFeatureGRU", {**SEQUENCE, "trunk": PATCHES}),
}
SCANS = {"one-class": "alone", "distances": "alone", "sequences": "in_scans", "sequences-of-features": "in_scans"}
"""How the slices of a case lie in scans, see `placed`; the others take them as they come."""
ATTACKED = {**LEARNT, "fine_tune": {"epochs": 1}, "adversarial": {"epsilon_hu": 2}}
pytestmark = [
    pytest.mark.slow(minutes=3),
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed"),
]


def train(folder: Path, case: str, name: str, options: dict[str, Any]) -> list[float]:
    """Train a detector on what the folder holds; its package is stored there. Gives all losses."""
    rows, sites = (pd.read_parquet(folder / f"{table}.parquet") for table in ("rows", "sites"))
    dataset = placed(Dataset(folder, "made", rows, sites, "0" * 64, Evidence.PHANTOM, "grouped"), SCANS.get(case))
    losses: list[float] = []
    context = TrainingContext(
        spec=detector_spec(name), options=validate_options(name, options), dataset=dataset, seed=1,
        features=folder / f"features-{case}", state=RunState(folder / f"state-{case}", {}),
        on_epoch=lambda _, figures: losses.extend(figures.values()),
    )  # fmt: skip
    (folder / case).mkdir()
    fit(context).save(folder / case)
    return losses


def placed(dataset: Dataset, scans: str | None) -> Dataset:
    """The same slices, each a scan and a patient of its own, or four to a scan."""
    if scans == "in_scans":
        return in_scans(dataset)
    return dataset if scans is None else slice_by_slice(dataset)


def said(package: Path, slices: np.ndarray) -> np.ndarray:
    """What a stored network says of slices, on the backend of this process."""
    return np.asarray(load_network(package).predict_on_batch(slices)["p_tampered"]).reshape(-1)


def train_all_on_jax(folder: Path, judged: str) -> None:
    """What the process of JAX does."""
    assert describe_hardware(network=True) == f"{os.cpu_count()} CPU cores, jax"
    slices = np.load(folder / "slices.npy")
    heard = {"of-tensorflow": said(folder / "of-tensorflow", slices)}
    for case, (name, options) in CASES.items():
        own = {"bank": judged} if name == "ResidualStatistics" else {}
        heard[f"losses of {case}"] = np.array(train(folder, case, name, {**options, **own}))
    heard["losses of attacked"] = np.array(train(folder, "attacked", "CustomCNN", ATTACKED))
    assert "tensorflow" not in sys.modules, "TensorFlow was loaded beside JAX"
    np.savez(folder / "heard.npz", **heard)


@pytest.fixture(scope="module")
def trained(
    make_dataset: Callable[..., Dataset], bank: Bank, tmp_path_factory: pytest.TempPathFactory  # noqa: F811
) -> Path:  # fmt: skip
    """Folder of one package a case, trained on JAX, and of one that TensorFlow trained and JAX was asked about."""
    made = make_dataset({"train": 12, "val": 12, "test": 4})
    folder = tmp_path_factory.mktemp("on-jax")
    (folder / "shard-000.npy").symlink_to(made.folder / "shard-000.npy")
    made.manifest.to_parquet(folder / "rows.parquet")
    made.sites.to_parquet(folder / "sites.parquet")
    np.save(folder / "slices.npy", made.slices(made.split("test")))
    train(folder, "of-tensorflow", "ResidualCNN", PATCHES)
    script = f"""
from pathlib import Path
from tests.detectors import test_on_jax as here
here.train_all_on_jax(Path({str(folder)!r}), {str(bank.folder)!r})
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("case", [*CASES, "attacked"])
def test_every_kind_of_network_learns_and_is_stored_as_on_tensorflow(case: str, trained: Path) -> None:
    losses = np.load(trained / "heard.npz")[f"losses of {case}"]
    assert (len(losses) >= 2) == (case != "distances")  # these are fitted at once, without epochs
    assert np.isfinite(losses).all()
    slices = np.load(trained / "slices.npy")
    scored = Scorer(trained / case / ONNX_FILE).score(slices).p_tampered
    np.testing.assert_allclose(said(trained / case, slices), scored, atol=LARGEST_DIFFERENCE)


def test_a_network_of_tensorflow_says_the_same_on_jax(trained: Path) -> None:
    slices = np.load(trained / "slices.npy")
    heard = np.load(trained / "heard.npz")["of-tensorflow"]
    np.testing.assert_allclose(heard, said(trained / "of-tensorflow", slices), atol=LARGEST_DIFFERENCE)
    scored = Scorer(trained / "of-tensorflow" / ONNX_FILE).score(slices).p_tampered
    np.testing.assert_allclose(heard, scored, atol=LARGEST_DIFFERENCE)
    assert len(set(np.round(scored, 4))) > 1  # it says something of each
