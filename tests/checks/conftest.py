"""A small sound data set on disk."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medfake.config import DatasetParams
from medfake.datasets.manifest import SCHEMA

SIZE = 32
SPLITS = ("train", "val", "test")
MakeParams = Callable[..., DatasetParams]
WriteTable = Callable[..., None]
Z_MM = (0.0, 5.0, 10.0, 60.0)  # of the slices of a tampered scan; its site is at 5 mm, so 60 mm is real


@pytest.fixture(scope="session")
def toy_block() -> dict[str, Any]:
    """A data set's block of params.yaml."""
    source = {"kind": "lidc", "path": "data/raw/toy"}
    return {
        "reals": source,
        "fakes": source,
        "identifiers": "public",
        "labelling": {"rule": "extent", "tampered_mm": 16.0, "ignore_mm": 25.0},
        "split": {"protocol": "grouped", "val": 0.2, "test": 0.3, "seed": 1},
        "balance": {"tolerance": 0.02, "seed": 1},
    }


@pytest.fixture(scope="session")
def toy_params(toy_block: dict[str, Any]) -> MakeParams:
    """DatasetParams of the toy set, any field overridden."""

    def make(**overrides: Any) -> DatasetParams:
        return DatasetParams.model_validate(toy_block | overrides)

    return make


@pytest.fixture(scope="session")
def write_table() -> WriteTable:
    """Write a manifest, of its schema or of whatever types it has, and the facts that describe it."""
    return _write_table


@pytest.fixture(scope="session")
def write_toy_set() -> Callable[[Path], None]:
    """Write the toy set into a new folder."""
    return _write_toy_set


@pytest.fixture
def toy_set(tmp_path: Path) -> Path:
    """The toy set in a folder of its own."""
    folder = tmp_path / "toy"
    _write_toy_set(folder)
    return folder


def _write_toy_set(folder: Path) -> None:
    """In every split a tampered scan (three tampered slices, one real far away) and an untampered one (two slices)."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows = [
        row for number, split in enumerate(SPLITS) for row in (*_tampered(number, split), *_untampered(number, split))
    ]
    pixels = rng.integers(-1000, 400, (len(rows), SIZE, SIZE)).astype("<i2")
    np.save(folder / "shard-000.npy", pixels)
    for index, (row, image) in enumerate(zip(rows, pixels, strict=True)):
        row |= {"row": index, "sha256": hashlib.sha256(image.tobytes()).hexdigest()}
        row |= {"hu_min": int(image.min()), "hu_max": int(image.max()), "air_fraction": 0.07}
    sites = [
        {"scan_id": f"scan-t{number}", "kind": "FM", "z_index": 1, "z_mm": 5.0, "y": 10, "x": 31} for number in range(3)
    ]
    pd.DataFrame(sites).to_parquet(folder / "sites.parquet", index=False)
    _write_table(folder, pd.DataFrame(rows)[SCHEMA.names], SCHEMA)


def _tampered(number: int, split: str) -> list[dict[str, Any]]:
    return [
        _row(f"scan-t{number}", split, index, z_mm)
        | (
            {"label": 1, "manipulation": "injected", "generator": "CT-GAN", "site_y": 10.0, "site_x": 31.0}
            if index < 3
            else {}
        )
        | {"distance_mm": abs(z_mm - 5.0)}
        for index, z_mm in enumerate(Z_MM)
    ]


def _untampered(number: int, split: str) -> list[dict[str, Any]]:
    return [_row(f"scan-r{number}", split, index, 2.5 * index) for index in range(2)]


def _row(scan: str, split: str, index: int, z_mm: float) -> dict[str, Any]:
    return {
        **dict.fromkeys(SCHEMA.names),
        "slice_id": f"{scan}:{index}",
        "scan_id": scan,
        "patient_id": f"patient-{scan[5:]}",
        "source": "CT-GAN" if scan.startswith("scan-t") else "LIDC-IDRI",
        "generator": "",
        "manipulation": "none",
        "label": 0,
        "z_index": index,
        "z_mm": z_mm,
        "split": split,
        "shard": "shard-000.npy",
        "rows": SIZE,
        "cols": SIZE,
        "spacing_mm": 0.7,
        "thickness_mm": 2.5,
        "manufacturer": "maker",
        "kernel": "soft",
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "lossy": False,
        "quality_flags": "",
        "view": "whole",
        "transform": "",
        "bits_stored": 12,
        "intercept": -1024.0,
    }


def _write_table(folder: Path, manifest: pd.DataFrame, schema: pa.Schema | None = None) -> None:
    table = pa.Table.from_pandas(manifest, schema=schema, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(SCHEMA.metadata), folder / "manifest.parquet")
    digest = hashlib.sha256((folder / "manifest.parquet").read_bytes()).hexdigest()
    facts: dict[str, Any] = {"name": folder.name, "sha256": digest, "evidence": "phantom", "protocol": "grouped"}
    facts["seen"] = {"CT-GAN": {"scans": 3, "slices": 120}, "LIDC-IDRI": {"scans": 3, "slices": 100}}
    (folder / "dataset.json").write_text(json.dumps(facts))
