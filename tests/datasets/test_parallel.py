"""Work spread over processes and over a real Dask cluster: the same results in the same order."""

import os
import time
from collections.abc import Callable
from math import factorial
from pathlib import Path

import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.parallel import AHEAD, in_order
from medfake.datasets.scans import collect_scans
from medfake.errors import DataError
from medfake.files import sha256_file
from tests.fixtures.deadly import square_or_die


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    assert list(in_order(factorial, range(20), jobs)) == [factorial(number) for number in range(20)]


@pytest.mark.slow
def test_a_cluster_gives_them_in_order_too(dask_scheduler: str) -> None:
    assert list(in_order(factorial, range(50), dask=dask_scheduler)) == [factorial(number) for number in range(50)]


@pytest.mark.slow
def test_a_cluster_begins_nothing_far_ahead_of_the_consumer(dask_scheduler: str, tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(100)]
    done = in_order(os.mkdir, paths, dask=dask_scheduler)
    for taken in (1, 2, 3):
        next(done)
        time.sleep(0.5)  # enough for a cluster that nobody holds back
        assert len(list(tmp_path.iterdir())) <= taken + 2 * AHEAD
    assert len(list(done)) == 97
    assert all(path.is_dir() for path in paths)


@pytest.mark.slow
def test_what_was_beside_a_deadly_item_is_done(dask_scheduler: str) -> None:
    items = [-1, 2, 3, -4, 5, 6, -7, 8, 9]
    done = in_order(square_or_die, items, dask=dask_scheduler, lost=lambda item, how: f"{item}: {how}")
    assert list(done) == ["-1: 4 workers", 4, 9, "-4: 4 workers", 25, 36, "-7: 4 workers", 64, 81]


@pytest.mark.slow
def test_a_data_set_has_the_same_bytes_when_a_cluster_decodes(
    dask_scheduler: str, trees: Path, make_params: Callable[..., DatasetParams], tmp_path: Path
) -> None:
    params = make_params(trees)
    collect_scans(params, tmp_path / "scans")
    build_dataset(tmp_path / "scans", params, tmp_path / "here" / "chest", jobs=1)
    build_dataset(tmp_path / "scans", params, tmp_path / "there" / "chest", dask=dask_scheduler)
    digests = [
        {path.name: sha256_file(path) for path in (tmp_path / place / "chest").iterdir()} for place in ("here", "there")
    ]
    assert digests[0] == digests[1]


def test_an_address_where_nobody_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'medfake[dask]'")
    monkeypatch.setattr("medfake.datasets.parallel._CONNECT_S", 1)
    with pytest.raises(DataError, match="no Dask scheduler answers"):
        list(in_order(factorial, [1], dask="tcp://127.0.0.1:9"))
