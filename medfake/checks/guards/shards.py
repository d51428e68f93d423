"""What must lie on disk."""

import hashlib

import pandas as pd

from medfake.checks.guards.registry import Findings, guard
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset


@guard(
    "shards",
    rule="every shard is there and its pixels are those that the manifest names",
    remedy="dvc repro -f slices",
)
def shards(data: Dataset, _: DatasetParams) -> Findings:
    """Whether the pixels of each row still have their SHA-256."""
    from great_expectations import expectations as gxe

    manifest = data.manifest
    same = [
        hashlib.sha256(pixels.astype("<i2").tobytes()).hexdigest() == digest
        for pixels, digest in zip(data.mapped(manifest), manifest.sha256, strict=True)
    ]
    table = pd.DataFrame({"same": [int(one) for one in same]})
    wanted = gxe.ExpectColumnValuesToBeInSet(column="same", value_set=[1])
    return Findings(table, [wanted], f"{len(same) - sum(same)} of {len(same)} slices differ from their digest")
