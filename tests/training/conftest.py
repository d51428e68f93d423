"""A small data set: 192 x 192 chests, some with a smoothed square in a lung."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from medfake.datasets.dataset import Dataset

SIZE = 192
LUNGS = (56, 136)  # columns of the lungs' centres
MakeDataset = Callable[..., Dataset]


def draw_chest(rng: np.random.Generator, size: int = SIZE) -> np.ndarray[Any, Any]:
    """(size, size) HU: air, body, two lungs, noise."""
    y, x = np.mgrid[:size, :size]
    hu = np.full((size, size), -1000.0)
    hu[((y - size / 2) / (0.45 * size)) ** 2 + ((x - size / 2) / (0.48 * size)) ** 2 < 1] = 40.0
    for column in LUNGS:
        hu[((y - size / 2) / (0.33 * size)) ** 2 + ((x - column * size / SIZE) / (0.17 * size)) ** 2 < 1] = -850.0
    return hu + rng.normal(0, 40, hu.shape)


@pytest.fixture(scope="session")
def make_dataset(tmp_path_factory: pytest.TempPathFactory) -> MakeDataset:
    """Write one shard and its tables; half of every split is tampered."""

    def make(per_split: dict[str, int], seed: int = 0, size: int = SIZE, lungs: bool = True) -> Dataset:
        rng = np.random.default_rng(seed)
        slices, rows, sites = [], [], []
        for split, count in per_split.items():
            for index in range(count):
                scan_id, label = f"{split}-{index // 2}", index % 2
                hu = draw_chest(rng, size) if lungs else rng.normal(40, 10, (size, size))
                site_y = float(rng.integers(84, 109))
                site_x = float(LUNGS[int(rng.integers(2))])
                if label:
                    square = np.s_[int(site_y) - 20 : int(site_y) + 20, int(site_x) - 20 : int(site_x) + 20]
                    hu[square] = gaussian_filter(hu[square], 1.5)
                    sites.append({"scan_id": scan_id, "kind": "FM", "z_mm": 0.0, "y": site_y, "x": site_x})
                slices.append(np.clip(np.rint(hu), -1024, 3071).astype(np.int16))
                rows.append(
                    {
                        "slice_id": f"{split}-{index}",
                        "scan_id": scan_id,
                        "patient_id": scan_id,
                        "label": label,
                        "manipulation": ("none", "injected" if index % 4 == 1 else "removed")[label],
                        "distance_mm": 0.0 if label else np.nan,
                        "site_y": site_y if label else np.nan,
                        "site_x": site_x if label else np.nan,
                        "split": split,
                        "shard": "shard-000.npy",
                        "row": len(rows),
                        "rows": size,
                        "cols": size,
                        "spacing_mm": 0.7,
                    }
                )
        folder: Path = tmp_path_factory.mktemp("slices")
        np.save(folder / "shard-000.npy", np.stack(slices))
        places = pd.DataFrame(sites, columns=["scan_id", "kind", "z_mm", "y", "x"])
        return Dataset(folder, "made", pd.DataFrame(rows), places, f"{seed:064d}", "phantom", "grouped")

    return make


@pytest.fixture(scope="session")
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset({"train": 24, "val": 12, "test": 4})
