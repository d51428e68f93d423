"""Embeddings as a table: what was written is read, whatever order it came in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medfake.errors import ManifestError
from medfake.metrics.embeddings import read_embeddings, write_embeddings

IDS = pd.Series(["b", "a", "c"])
VALUES = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_embeddings(tmp_path / "embeddings.parquet", IDS, VALUES)
    table = read_embeddings(tmp_path / "embeddings.parquet")
    assert list(table.index) == ["a", "b", "c"]
    assert list(table.columns) == ["e0", "e1"]
    assert (table.dtypes == "float32").all()
    np.testing.assert_array_equal(table.loc[IDS], VALUES)


def test_equal_embeddings_are_equal_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "other"]
    for path, order in zip(paths, ([0, 1, 2], [2, 0, 1]), strict=True):
        write_embeddings(path, IDS.iloc[order], VALUES[order])
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("broken", [b"", b"no parquet"])
def test_a_damaged_file_is_told_with_what_to_type(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "models/chest/A/seed-1/embeddings.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(broken)
    with pytest.raises(ManifestError, match="cannot be read") as caught:
        read_embeddings(path)
    assert caught.value.remedy == "dvc repro -s -f train@chest-A-1"


def test_an_embedding_that_is_no_number_is_told(tmp_path: Path) -> None:
    write_embeddings(tmp_path / "e", IDS, np.where(VALUES == 3, np.nan, VALUES))
    with pytest.raises(ManifestError, match="no number"):
        read_embeddings(tmp_path / "e")
