"""Reading a data set back: manifest, shards, and what is said when a part is gone."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import FACTS_FILE, MANIFEST_FILE, SITES_FILE, read_manifest, write_manifest
from medfake.datasets.scans import collect_scans
from medfake.errors import ManifestError
from medfake.files import sha256_file


@pytest.fixture
def folder(trees: Path, make_params: Callable[..., DatasetParams], tmp_path: Path) -> Path:
    collect_scans(make_params(trees), tmp_path / "scans")
    build_dataset(tmp_path / "scans", make_params(trees), tmp_path / "chest")
    return tmp_path / "chest"


def test_a_data_set_knows_its_name_digest_and_protocol(folder: Path) -> None:
    dataset = Dataset.open(folder)
    assert (dataset.name, dataset.protocol) == ("chest", "grouped")
    assert dataset.digest == sha256_file(folder / MANIFEST_FILE)


def test_counts_in_the_description_are_those_of_the_manifest(folder: Path) -> None:
    counts = json.loads((folder / FACTS_FILE).read_text())["counts"]
    manifest = Dataset.open(folder).manifest
    assert sum(counts.values()) == len(manifest)
    assert counts["train/tampered"] == ((manifest.split == "train") & (manifest.label == 1)).sum()


def test_splits_part_the_manifest(folder: Path) -> None:
    dataset = Dataset.open(folder)
    parts = [dataset.split(name) for name in ("train", "val", "test")]
    assert sum(len(part) for part in parts) == len(dataset.manifest)
    assert all(len(part) for part in parts)


def test_slices_come_in_the_order_of_the_rows_as_int16(folder: Path) -> None:
    dataset = Dataset.open(folder)
    rows = dataset.manifest.sample(frac=1.0, random_state=1)
    slices = dataset.slices(rows)
    assert (slices.shape, slices.dtype) == ((len(rows), 64, 64), np.int16)
    assert slices.max(axis=(1, 2)).tolist() == rows.hu_max.tolist()


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_batches_hold_the_same_slices_in_the_same_order(folder: Path, size: int) -> None:
    dataset = Dataset.open(folder)
    batches = list(dataset.batches(dataset.manifest, size))
    assert max(map(len, batches)) <= size
    assert np.array_equal(np.concatenate(batches), dataset.slices(dataset.manifest))


@pytest.mark.parametrize("name", [MANIFEST_FILE, FACTS_FILE, SITES_FILE])
def test_a_missing_part_is_refused_with_the_stage_to_run(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ManifestError, match="dvc repro") as caught:
        Dataset.open(folder)
    assert caught.value.where == str(folder / name)


def test_a_missing_shard_is_refused_with_the_stage_to_run(folder: Path) -> None:
    dataset = Dataset.open(folder)
    (folder / "shard-000.npy").unlink()
    with pytest.raises(ManifestError, match=r"shard-000\.npy"):
        dataset.slices(dataset.manifest.head(1))


def test_a_damaged_manifest_is_refused(folder: Path) -> None:
    (folder / MANIFEST_FILE).write_bytes(b"PAR1 no more")
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(folder)


def test_a_manifest_that_lacks_columns_names_them(folder: Path) -> None:
    table = pq.read_table(folder / MANIFEST_FILE)
    pq.write_table(table.drop_columns(["sha256", "split"]), folder / MANIFEST_FILE)
    with pytest.raises(ManifestError, match="split, sha256"):
        read_manifest(folder)


def test_a_manifest_survives_writing_and_reading(folder: Path, tmp_path: Path) -> None:
    write_manifest(read_manifest(folder), tmp_path)
    assert (tmp_path / MANIFEST_FILE).read_bytes() == (folder / MANIFEST_FILE).read_bytes()


def test_a_manifest_row_of_an_image_without_sites_reads_as_missing(folder: Path) -> None:
    manifest = read_manifest(folder)
    real = manifest[(manifest.label == 0) & (manifest.source == "LIDC-IDRI")]
    assert real.site_y.isna().all()
    assert pd.isna(real.distance_mm).all()
