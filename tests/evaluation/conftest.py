"""Predictions with the clustering of real ones: patients differ, slices of a patient resemble each other."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

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
