"""What must lie on disk: shards are read once, from front to back, a slice in memory at a time."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from medfake.checks.guards.registry import Findings, examples, guard
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.progress import track
from medfake.remedies import DATASET, Stage, rerun

_SLICE_DTYPE = np.dtype("<i2")


@guard(
    "shards",
    rule="every shard is there, as long as it should be, and its pixels are those that the manifest names",
    remedy=rerun(Stage.SLICES, DATASET),
)
def shards(data: Dataset, _: DatasetParams) -> Findings:
    """What is wrong with each shard, and how many slices no longer have their SHA-256."""
    from great_expectations import expectations as gxe

    named = [(data.folder / str(name), rows) for name, rows in data.manifest.groupby("shard", sort=True)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:  # SHA-256 and reading leave Python's lock
        looked = threads.map(lambda one: _look(*one), named)
        facts = list(track(looked, "hashing shards", len(named)))
    table = pd.DataFrame(
        {
            "fault": [int(fault != "") for fault, _ in facts],
            "different": [len(different) for _, different in facts],
        }
    )
    faults = [fault for fault, _ in facts if fault]
    different = pd.concat([rows for _, rows in facts]) if facts else data.manifest.iloc[:0]
    told = f"{len(different)} of {len(data.manifest)} slices differ from their digest{examples(different)}"
    wanted = [gxe.ExpectColumnValuesToBeBetween(column=name, max_value=0) for name in table.columns]
    whole = f"{len(facts) - len(faults)} of {len(facts)} shards whole"
    return Findings(table, wanted, "; ".join([whole, *faults[:3], told]))


def _look(path: Path, rows: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Look at one shard.

    Returns:
        What is wrong with the file ("" for nothing), and the rows whose pixels differ from their digest.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
            start = file.tell()
    except FileNotFoundError:
        return f"{path.name} is missing", rows
    except ValueError:
        return f"{path.name} is no shard", rows
    sizes = rows[["rows", "cols"]].drop_duplicates()
    if dtype != _SLICE_DTYPE or len(shape) != 3 or [*shape[1:]] != sizes.iloc[0].tolist() or len(sizes) > 1:
        return f"{path.name} holds {dtype} of {shape}, but the manifest names {sizes.to_numpy().tolist()}", rows
    size = _SLICE_DTYPE.itemsize * shape[1] * shape[2]
    if (held := (path.stat().st_size - start) // size) < (wanted := int(rows.row.max()) + 1):
        return f"{path.name} holds {held} slices, but the manifest names {wanted}", rows[rows.row >= held]
    return "", _different(path, start, size, rows.sort_values("row"))


def _different(path: Path, start: int, size: int, rows: pd.DataFrame) -> pd.DataFrame:
    buffer = bytearray(size)
    same = []
    with path.open("rb", buffering=0) as file:
        for row, digest in zip(rows.row.tolist(), rows.sha256.tolist(), strict=True):
            file.seek(start + row * size)
            file.readinto(buffer)
            same.append(hashlib.sha256(buffer).hexdigest() == digest)
    return rows[~np.array(same, dtype=bool)]
