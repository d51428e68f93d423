"""Scans that were served, made up or really scored."""

from collections.abc import Callable

import numpy as np
import pytest

from medfake.serving.monitoring.served import ServedScan

MakeServed = Callable[..., list[ServedScan]]


@pytest.fixture(scope="session")
def make_served() -> MakeServed:
    """Scans of one hospital: numbers around those asked for, words as asked for."""

    def make(
        count: int, seed: int, day: str = "2026-03-02", words: dict[str, list[str]] | None = None, **middles: float
    ) -> list[ServedScan]:
        rng = np.random.default_rng(seed)
        usual = {"lung_hu": -850.0, "noise_hu": 20.0, "sharpness": 0.6, "air_fraction": 0.4, "thickness_mm": 2.5}
        usual |= {"spacing_mm": 0.7, "n_slices": 120.0, "p_tampered": 0.2, "slice_p": 0.1} | middles
        said: dict[str, list[str]] = {"maker": ["A", "B"], "kernel": ["soft", "lung"], "rows": ["512"]}
        said |= {"lossy": ["no"], "transfer_syntax": ["1.2.840.10008.1.2.1"], "verdict": ["not tampered"]}
        return [
            ServedScan(
                day=day,
                model="the built-in detector",
                model_digest="d" * 16,
                numbers={name: float(value * rng.normal(1, 0.1)) for name, value in usual.items()},
                words={name: str(rng.choice(among)) for name, among in (said | (words or {})).items()},
                skipped={},
            )
            for _ in range(count)
        ]

    return make
