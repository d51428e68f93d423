"""What the layer before a detector's last makes of slices, as a table that anyone can read."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medfake.errors import ManifestError
from medfake.files import in_a_word, write_atomic
from medfake.remedies import retrain

SLICE_ID: Final = "slice_id"


def write_embeddings(path: Path, slice_ids: "pd.Series[str]", embedding: NDArray[np.float32]) -> None:
    """Write a row a slice, sorted, so that equal embeddings are equal bytes.

    Args:
        path: embeddings.parquet of a package.
        slice_ids: (slices,) as in its predictions, which say the rest of a slice.
        embedding: (slices, width); columns e0, e1, ...
    """
    columns = [f"e{number}" for number in range(embedding.shape[1])]
    table = pd.DataFrame(embedding.astype(np.float32), columns=columns)
    table.insert(0, SLICE_ID, slice_ids.to_numpy(dtype=str))
    table = table.sort_values(SLICE_ID, kind="stable", ignore_index=True)
    with write_atomic(path, "wb") as file:
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), file)


def read_embeddings(path: Path) -> pd.DataFrame:
    """Read what `write_embeddings` wrote.

    Returns:
        (slices, width) float32, index slice_id.

    Raises:
        ManifestError: It is missing, no such table, or a slice has no finite one.
    """
    try:
        table = pd.read_parquet(path).set_index(SLICE_ID)
    except (OSError, ValueError, KeyError) as error:
        raise ManifestError(
            "the embeddings cannot be read", where=path, received=in_a_word(error), remedy=retrain(path.parent)
        ) from None
    if not np.isfinite(table.to_numpy()).all():
        raise ManifestError("an embedding is no number", where=path, remedy=retrain(path.parent))
    return table
