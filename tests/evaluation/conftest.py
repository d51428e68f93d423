"""Predictions with the clustering of real ones: patients differ, slices of a patient resemble each other."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from medfake.datasets.dataset import Dataset
from medfake.evaluation.entry import Entry


@pytest.fixture(scope="session")
def predict() -> Callable[..., pd.DataFrame]:
    return make_predictions


@pytest.fixture(scope="session")
def enter() -> Callable[..., Entry]:
    return make_entry


def make_predictions(
    *,
    detector: str = "ResidualCNN",
    dataset: str = "chest",
    seed: int = 1,
    patients: int = 8,
    val_patients: int = 4,
    scans_per_patient: int = 2,
    slices: int = 12,
    skill: float = 2.0,
    patient_spread: float = 0.8,
    localises: bool = True,
    random_state: int = 0,
) -> pd.DataFrame:
    """Rows of `val_patients` + `patients` patients; odd scans of a patient are real, even ones tampered."""
    rng = np.random.default_rng([random_state, seed, *detector.encode()])
    rows = []
    for number in range(val_patients + patients):
        shift = rng.normal(0, patient_spread)
        for scan in range(scans_per_patient):
            label = (scan + 1) % 2
            word = ("injected", "removed")[number % 2] if label else "none"
            site = rng.uniform(120, 390, 2)
            for z in range(slices):
                logit = skill * (label - 0.5) + shift + rng.normal(0, 1.0)
                guess = site + rng.normal(0, 8 if rng.random() < 0.7 else 120, 2)
                rows.append(
                    {
                        "dataset": dataset,
                        "detector": detector,
                        "seed": seed,
                        "slice_id": f"p{number:02}-s{scan}-{z:03}",
                        "scan_id": f"p{number:02}-s{scan}",
                        "patient_id": f"p{number:02}",
                        "split": "val" if number < val_patients else "test",
                        "label": label,
                        "manipulation": word,
                        "z_mm": 2.5 * z,
                        "distance_mm": 2.5 * abs(z - slices / 2) if label else None,
                        "site_y": site[0] if label else None,
                        "site_x": site[1] if label else None,
                        "p_tampered": 1 / (1 + np.exp(-logit)),
                        "pred_site_y": guess[0] if localises else None,
                        "pred_site_x": guess[1] if localises else None,
                        "spacing_mm": 0.7,
                    }
                )
    frame = pd.DataFrame(rows)
    numeric = ["distance_mm", "site_y", "site_x", "pred_site_y", "pred_site_x"]
    return frame.astype(dict.fromkeys(numeric, "float64") | {"label": "int8", "p_tampered": "float32"})


def make_entry(predictions: pd.DataFrame, **facts: object) -> Entry:
    """An entry with a card's facts."""
    first = predictions.iloc[0]
    given: dict[str, object] = {
        "dataset": first["dataset"],
        "detector": first["detector"],
        "seed": int(first["seed"]),
        "predictions": predictions,
        "threshold": 0.5,
        "scan_low": 0.4,
        "scan_high": 0.6,
        "threshold_rule": "youden: highest balanced accuracy on validation slices",
        "evidence": "phantom",
        "dataset_sha256": "0" * 64,
        "protocol": "grouped",
    }
    return Entry(**(given | facts))  # type: ignore[arg-type]  # facts of a card, checked by the dataclass's users


SIZE, PATIENTS, SLICES = 160, {"train": 16, "val": 8, "test": 16}, 4
MakeSet = Callable[..., Dataset]


def _chest(rng: np.random.Generator, noise_hu: float) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    hu = np.full((SIZE, SIZE), -1000.0)
    hu[(y / 0.42) ** 2 + (x / 0.47) ** 2 < 1] = 40
    for side in (-0.22, 0.22):
        hu[(y / 0.3) ** 2 + ((x - side) / 0.18) ** 2 < 1] = -850
    return hu + rng.normal(0, noise_hu, hu.shape)


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """Half of the patients are tampered: `smooth` places, another `kernel`, or `noisier` slices throughout."""

    def make(*, smooth: bool = False, kernel: bool = False, noisier: bool = False) -> Dataset:
        rng = np.random.default_rng(7)
        pixels, rows = [], []
        for split, patients in PATIENTS.items():
            for patient in range(patients):
                for _ in range(SLICES):
                    label = patient % 2
                    hu = _chest(rng, 60.0 if noisier and label else 30.0)
                    y, x = 80, (45, 115)[int(rng.integers(2))]
                    if smooth and label:
                        place = np.s_[y - 18 : y + 18, x - 18 : x + 18]
                        hu[place] = gaussian_filter(hu[place], 2)
                    rows.append(
                        {
                            "slice_id": str(len(rows)),
                            "scan_id": f"{split}{patient}",
                            "patient_id": f"{split}{patient}",
                            "split": split,
                            "label": label,
                            "manipulation": "injected" if label else "none",
                            "transform": "",
                            "shard": "shard-000.npy",
                            "row": len(rows),
                            "rows": SIZE,
                            "cols": SIZE,
                            "site_y": float(y) if label else np.nan,
                            "site_x": float(x) if label else np.nan,
                            "spacing_mm": 0.75,
                            "thickness_mm": 1.0,
                            "bits_stored": 16,
                            "intercept": 0.0,
                            "padding": np.nan,
                            "hu_min": -1024,
                            "hu_max": 300,
                            "air_fraction": 0.3,
                            "z_mm": 2.5 * len(rows),
                            "lossy": False,
                            "manufacturer": "maker",
                            "kernel": "sharp" if kernel and label else "soft",
                            "transfer_syntax": "raw",
                        }
                    )
                    pixels.append(np.rint(hu).astype(np.int16))
        np.save(tmp_path / "shard-000.npy", np.stack(pixels))
        facts = {"view": {"name": "whole"}, "seen": {}}
        manifest = pd.DataFrame(rows)
        return Dataset(tmp_path, "drawn", manifest, pd.DataFrame(), str(rng.random()), "phantom", "grouped", facts)

    return make
