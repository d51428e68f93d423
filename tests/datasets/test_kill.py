"""A build that is killed: the old data set stays whole, and the next build clears the remains away."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.dataset import Dataset
from medfake.datasets.scans import collect_scans

BUILD = """
import sys, time
from pathlib import Path
from medfake.config import DatasetParams
from medfake.datasets import build, stored
real = stored._read_file
def slow(work):
    Path("decoding").touch()
    time.sleep(0.05)
    return real(work)
stored._read_file = slow
params = DatasetParams.model_validate_json(Path("params.json").read_text())
build.build_dataset(Path("scans"), params, Path("built/chest"), jobs=1)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_killed_build_leaves_the_old_data_set_whole(
    number: int, trees: Path, make_params: Callable[..., DatasetParams], tmp_path: Path
) -> None:
    params = make_params(trees)
    collect_scans(params, tmp_path / "scans")
    build_dataset(tmp_path / "scans", params, tmp_path / "built" / "chest")
    before = {path.name: path.read_bytes() for path in (tmp_path / "built" / "chest").iterdir()}
    (tmp_path / "params.json").write_text(params.model_dump_json())
    process = subprocess.Popen([sys.executable, "-c", BUILD], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / "decoding").exists() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.2)
    os.kill(process.pid, number)
    assert process.wait(timeout=30) != 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "built" / "chest").iterdir()} == before
    Dataset.open(tmp_path / "built" / "chest")
    build_dataset(tmp_path / "scans", params, tmp_path / "built" / "chest")
    assert [path.name for path in (tmp_path / "built").iterdir()] == ["chest"]
    shutil.rmtree(tmp_path / "built")
