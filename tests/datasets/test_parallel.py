"""Work spread over processes and over a real Dask cluster: the same results in the same order."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from math import factorial
from pathlib import Path

import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.parallel import AHEAD, in_order
from medfake.datasets.scans import collect_scans
from medfake.errors import DataError
from medfake.files import sha256_file


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Dask scheduler with two worker processes, on this machine alone."""
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'medfake[dask]'")
    folder = tmp_path_factory.mktemp("dask")
    place = folder / "scheduler.json"
    options = ["--scheduler-file", str(place)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    boss = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-dashboard"]
    started = [subprocess.Popen([*boss, *options], **quiet)]
    try:
        until = time.monotonic() + 60
        while not place.exists() and time.monotonic() < until:
            time.sleep(0.1)
        started += [subprocess.Popen([*worker, *options], **quiet) for _ in range(2)]
        from distributed import Client

        with Client(scheduler_file=str(place), timeout=60) as client:
            client.wait_for_workers(2, timeout=90)
            address = str(client.scheduler.address)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=30)


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    assert list(in_order(factorial, range(20), jobs)) == [factorial(number) for number in range(20)]


@pytest.mark.slow
def test_a_cluster_gives_them_in_order_too(scheduler: str) -> None:
    assert list(in_order(factorial, range(50), dask=scheduler)) == [factorial(number) for number in range(50)]


@pytest.mark.slow
def test_a_cluster_begins_nothing_far_ahead_of_the_consumer(scheduler: str, tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(100)]
    done = in_order(os.mkdir, paths, dask=scheduler)
    for taken in (1, 2, 3):
        next(done)
        time.sleep(0.5)  # enough for a cluster that nobody holds back
        assert len(list(tmp_path.iterdir())) <= taken + 2 * AHEAD
    assert len(list(done)) == 97
    assert all(path.is_dir() for path in paths)


@pytest.mark.slow
def test_a_data_set_has_the_same_bytes_when_a_cluster_decodes(
    scheduler: str, trees: Path, make_params: Callable[..., DatasetParams], tmp_path: Path
) -> None:
    params = make_params(trees)
    collect_scans(params, tmp_path / "scans")
    build_dataset(tmp_path / "scans", params, tmp_path / "here" / "chest", jobs=1)
    build_dataset(tmp_path / "scans", params, tmp_path / "there" / "chest", dask=scheduler)
    digests = [
        {path.name: sha256_file(path) for path in (tmp_path / place / "chest").iterdir()} for place in ("here", "there")
    ]
    assert digests[0] == digests[1]


def test_an_address_where_nobody_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'medfake[dask]'")
    monkeypatch.setattr("medfake.datasets.parallel._CONNECT_S", 1)
    with pytest.raises(DataError, match="no Dask scheduler answers"):
        list(in_order(factorial, [1], dask="tcp://127.0.0.1:9"))
