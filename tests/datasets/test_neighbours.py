"""What lies around slices of a data set is read from its sources, as far as a series reaches without a hole."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.dataset import Dataset
from medfake.datasets.neighbours import Neighbourhood, neighbourhoods
from medfake.datasets.scans import SCANS_FILE, collect_scans
from medfake.errors import SourceError

MakeParams = Callable[..., DatasetParams]
STEP_MM = 5.0  # of all scans of `trees`, 16 slices each


@pytest.fixture(scope="module")
def collected(trees: Path, make_params: MakeParams, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("neighbours")
    collect_scans(make_params(trees), out / "scans")
    build_dataset(out / "scans", make_params(trees), out / "set")
    return out


def around(collected: Path, params: DatasetParams, rows: pd.DataFrame, reach_mm: float) -> list[Neighbourhood | None]:
    return list(neighbourhoods(collected / "scans", params, rows, reach_mm))


def rows_at(collected: Path, *indices: int) -> pd.DataFrame:
    scan_id = pd.read_parquet(collected / "scans" / SCANS_FILE).scan_id.iloc[0]
    return pd.DataFrame({"scan_id": scan_id, "z_index": indices})


def test_the_slice_itself_stands_among_those_within_reach(
    collected: Path, trees: Path, make_params: MakeParams
) -> None:
    dataset = Dataset.open(collected / "set")
    inner = dataset.manifest[dataset.manifest.z_index.between(2, 13)].iloc[[0, 5, -1]]
    for (_, row), hu, near in zip(
        inner.iterrows(), dataset.mapped(inner), around(collected, make_params(trees), inner, 7.0), strict=True
    ):
        assert near is not None
        assert (near.z_mm - row.z_mm).tolist() == [-2 * STEP_MM, -STEP_MM, 0, STEP_MM, 2 * STEP_MM]
        assert (near.volume[2] == hu).all()


def test_a_reach_of_one_step_takes_one_slice_to_either_side(
    collected: Path, trees: Path, make_params: MakeParams
) -> None:
    (near,) = around(collected, make_params(trees), rows_at(collected, 4), STEP_MM)
    assert near is not None
    assert len(near.volume) == 3


def test_where_a_series_ends_there_is_nothing_around(collected: Path, trees: Path, make_params: MakeParams) -> None:
    found = around(collected, make_params(trees), rows_at(collected, 0, 1, 14, 15, 99), STEP_MM)
    assert [one is None for one in found] == [True, False, False, True, True]


def test_a_hole_in_a_series_is_not_reached_over(
    tmp_path: Path, trees: Path, make_params: MakeParams, collected: Path
) -> None:
    table = pd.read_parquet(collected / "scans" / SCANS_FILE)
    (tmp_path / "scans").mkdir()
    table[table.z_index != 6].to_parquet(tmp_path / "scans" / SCANS_FILE, index=False)
    found = around(tmp_path, make_params(trees), rows_at(collected, 4, 5, 7, 8), STEP_MM)
    assert [one is None for one in found] == [False, True, True, False]


def test_sources_that_are_gone_are_told(tmp_path: Path, make_params: MakeParams, collected: Path) -> None:
    with pytest.raises(SourceError, match="none of the files"):
        around(collected, make_params(tmp_path), rows_at(collected, 5), STEP_MM)
