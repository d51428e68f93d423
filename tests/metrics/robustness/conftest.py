"""A detector that says how bright a slice is, on slices whose brightness is known: every figure can be worked out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medfake.datasets.dataset import Dataset
from medfake.package.card import KERAS_FILE, ONNX_FILE
from medfake.vocabulary import Evidence
from tests.fixtures.chests import SIZE, draw_chest

MakeBright = Callable[..., Dataset]
BRIGHTER_HU = 3  # of tampered slices
SEEN_AT = (32.0, 32.0)  # where the detector points, always


@pytest.fixture(scope="session")
def make_bright(tmp_path_factory: pytest.TempPathFactory) -> MakeBright:
    """Chests without noise, tampered ones 3 HU brighter throughout; every second site is where the detector points."""

    def make(patients: int = 6, *, lungs: bool = True, view: str = "whole", spacing_mm: float = 0.7) -> Dataset:
        class Still:
            def normal(self, *_: object) -> float:
                return 0.0

        still: Any = Still()
        chest = draw_chest(still) if lungs else np.full((SIZE, SIZE), 40.0)
        slices, rows = [], []
        for patient in range(patients):
            for index in range(4):
                label = index % 2
                slices.append(np.rint(chest + BRIGHTER_HU * label).astype(np.int16))
                near = index == 1
                rows.append(
                    {
                        "slice_id": f"{patient}:{index}", "scan_id": f"scan-{patient}", "patient_id": f"p{patient}",
                        "label": label, "manipulation": ("none", "injected")[label], "generator": "",
                        "z_mm": 2.5 * index,
                        "z_index": index, "site_y": (32.0 if near else 150.0) if label else np.nan,
                        "site_x": 32.0 if label else np.nan, "split": "test", "transform": "", "shard": "shard-000.npy",
                        "row": len(rows), "rows": SIZE, "cols": SIZE, "spacing_mm": spacing_mm,
                    }
                )  # fmt: skip
        folder = tmp_path_factory.mktemp("bright")
        np.save(folder / "shard-000.npy", np.stack(slices))
        facts = {"view": {"name": view}}
        return Dataset(
            folder, "bright", pd.DataFrame(rows), pd.DataFrame(), str(folder.name), Evidence.PHANTOM, "grouped", facts
        )

    return make


def mean_hu(dataset: Dataset) -> tuple[float, float]:
    """Of untampered and of tampered slices."""
    real, tampered = (
        float(dataset.slices(dataset.manifest[dataset.manifest.label == label]).mean()) for label in (0, 1)
    )
    return real, tampered


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with detector.keras and detector.onnx: P = sigmoid((mean HU + 600) / 10); it points to 32, 32."""
    from medfake.training.keras_setup import import_keras

    keras = import_keras(1)
    from keras import layers, ops

    from medfake.detectors.layers import Hounsfield
    from medfake.package.keras_to_onnx import write_onnx

    folder = tmp_path_factory.mktemp("network")
    hu = layers.Input((None, None), dtype="int16", name="hu")
    mean = ops.mean(Hounsfield()(hu), axis=(1, 2, 3))
    p = ops.sigmoid((mean + 600.0) / 10.0)
    places = {f"site_{axis}": 0.0 * mean + at for axis, at in zip("yx", SEEN_AT, strict=True)}
    model = keras.Model(hu, {"p_tampered": p, **places, "site_p": p})
    model.save(folder / KERAS_FILE)
    write_onnx(model, folder / ONNX_FILE, np.zeros((1, 128, 128), np.int16))
    return folder


@pytest.fixture
def bright_package(make_package: Callable[..., Path], network: Path) -> Callable[..., Path]:
    """A package of that network."""

    def make(threshold: float, *, keras: bool = True, name: str = "Bright", seed: int = 1) -> Path:
        folder = make_package(f"{name}-{seed}", threshold=threshold, detector=name, seed=seed)
        (folder / ONNX_FILE).write_bytes((network / ONNX_FILE).read_bytes())
        if keras:
            (folder / KERAS_FILE).write_bytes((network / KERAS_FILE).read_bytes())
        return folder

    return make


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
