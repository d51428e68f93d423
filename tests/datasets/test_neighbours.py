"""What lies around slices of a data set is read from its sources, as far as a series reaches without a hole."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.dataset import Dataset
from medfake.datasets.neighbours import Neighbourhood, neighbourhoods, runs_around
from medfake.datasets.run import Run
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


def runs(collected: Path, params: DatasetParams, rows: pd.DataFrame, reach_mm: float) -> list[Run]:
    return list(runs_around(collected / "scans", params, rows, reach_mm))


@pytest.mark.parametrize(
    ("reach_mm", "z_index"), [(4.9, [3, 4, 9]), (5.0, [2, 3, 4, 5, 8, 9, 10]), (100.0, list(range(16)))]
)
def test_what_lies_around_slices_of_a_scan_is_read_once(
    reach_mm: float, z_index: list[int], collected: Path, trees: Path, make_params: MakeParams
) -> None:
    (run,) = runs(collected, make_params(trees), rows_at(collected, 3, 4, 9), reach_mm)
    assert run.z_index.tolist() == z_index
    assert len(run.volume) == len(run.z_mm) == len(z_index)
    assert (np.diff(run.z_mm) > 0).all()


def test_slices_of_the_data_set_stand_among_what_is_read(collected: Path, trees: Path, make_params: MakeParams) -> None:
    dataset = Dataset.open(collected / "set")
    found = runs(collected, make_params(trees), dataset.manifest, STEP_MM)
    assert [run.scan_id for run in found] == sorted(dataset.manifest.scan_id.unique())
    for run in found[:2]:
        own = dataset.manifest[dataset.manifest.scan_id == run.scan_id].sort_values("z_index")
        ours = np.searchsorted(run.z_index, own.z_index)
        assert (run.volume[ours] == dataset.slices(own)).all()
        assert run.z_mm[ours].tolist() == own.z_mm.tolist()


def test_a_slice_that_cannot_be_decoded_is_left_out(
    tmp_path: Path, trees: Path, make_params: MakeParams, collected: Path
) -> None:
    rows = rows_at(collected, 5)
    table = pd.read_parquet(collected / "scans" / SCANS_FILE)
    broken = (table.scan_id == rows.scan_id.iloc[0]) & (table.z_index == 6)
    (tmp_path / "scans").mkdir()
    table.assign(file=table.file.mask(broken, "gone")).to_parquet(tmp_path / "scans" / SCANS_FILE, index=False)
    (run,) = runs(tmp_path, make_params(trees), rows, STEP_MM)
    assert run.z_index.tolist() == [4, 5]


def test_runs_of_sources_that_are_gone_are_told(tmp_path: Path, make_params: MakeParams, collected: Path) -> None:
    with pytest.raises(SourceError, match="none of the files"):
        runs(collected, make_params(tmp_path), rows_at(collected, 5), STEP_MM)


def test_without_the_table_of_scans_it_is_told_how_to_make_it(
    tmp_path: Path, trees: Path, make_params: MakeParams
) -> None:
    rows = pd.DataFrame({"scan_id": ["s"], "z_index": [0]})
    with pytest.raises(SourceError, match="have no table here") as caught:
        list(runs_around(tmp_path / "chest", make_params(trees), rows, STEP_MM))
    assert caught.value.remedy == "dvc repro scans@chest"


def test_scans_that_the_table_does_not_know_are_left_out(collected: Path, trees: Path, make_params: MakeParams) -> None:
    other = pd.DataFrame({"scan_id": ["of another table"], "z_index": [0]})
    assert runs(collected, make_params(trees), other, STEP_MM) == []
