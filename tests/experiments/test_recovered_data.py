"""What a training that is done again looks at beside its data set is brought into the copy of the project."""

from pathlib import Path

import pytest
import yaml

from medfake.experiments.recovered_data import recover_scans
from medfake.experiments.scratch import Scratch
from medfake.project import Project

OUTS = {"scans@chest": [{"path": "data/scans/chest", "md5": "a.dir"}]}


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A project with scans and their table, and a copy that has neither."""
    home, copy = (Project(tmp_path / name) for name in ("home", "copy"))
    (home.root / "data/raw/ward").mkdir(parents=True)
    (home.scans / "chest").mkdir(parents=True)
    home.dvc_lock.write_text(yaml.safe_dump({"stages": {"scans@chest": {"cmd": "x", "outs": OUTS["scans@chest"]}}}))
    copy.root.mkdir()
    params = {"datasets": {"chest": {"reals": {"kind": "folder", "path": "data/raw/ward"}}}}
    copy.params_file.write_text(yaml.safe_dump(params))
    return Scratch(home, copy)


def test_the_table_of_scans_is_that_of_the_project_and_the_scans_are_read_where_they_lie(scratch: Scratch) -> None:
    recover_scans(scratch, "chest", OUTS)
    assert (scratch.project.scans / "chest").resolve() == scratch.home.scans / "chest"
    params = yaml.safe_load(scratch.project.params_file.read_text())
    assert params["datasets"]["chest"]["reals"]["path"] == str(scratch.home.root / "data/raw/ward")


def test_a_run_that_kept_no_table_of_scans_is_given_none(scratch: Scratch) -> None:
    recover_scans(scratch, "chest", {})
    assert not (scratch.project.scans / "chest").exists()
