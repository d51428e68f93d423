"""What a package keeps of its origin."""

import json
from pathlib import Path

import pytest
import yaml

from medfake.errors import ManifestError, ReproductionError
from medfake.experiments.provenance import (
    Provenance,
    provenance_of,
    read_provenance,
    with_paths,
    without_paths,
    write_provenance,
)
from medfake.experiments.reproduce import require_commit
from medfake.package.card import read_card
from medfake.project import Project

PARAMS = {
    "study": "toy",
    "datasets": {"toy": {"reals": {"kind": "lidc", "path": "/mnt/ward 7/DOE^JANE/scans"}}},
    "banks": {"own": {"reals": ["/mnt/a/x", "/mnt/b/y"]}},
    "detectors": {"VGG19": {"weights": "imagenet", "dropout": [0.5]}},
    "tracking": {"uri": "postgresql://me:secret@host/runs"},
    "tune": {"storage": "postgresql://me:secret@host/tune"},
}
LOCK = {
    "stages": {
        "slices@toy": {"cmd": "x", "deps": [{"path": "/mnt/DOE^JANE"}], "outs": [{"path": "data", "md5": "a.dir"}]},
        "slices@other": {"cmd": "x", "outs": [{"path": "other", "md5": "b.dir"}]},
    }
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    return Project(tmp_path)


def test_no_path_and_no_address_is_kept(project: Project, tmp_path: Path) -> None:
    project.dvc_lock.write_text(yaml.safe_dump(LOCK))
    write_provenance(provenance_of(project, "toy"), tmp_path)
    text = (tmp_path / "provenance.json").read_text()
    assert "/mnt" not in text
    assert "DOE" not in text
    assert "secret" not in text
    kept = json.loads(text)
    assert kept["commit"] == "unknown"
    assert kept["params"]["detectors"] == PARAMS["detectors"]
    assert kept["outs"] == {"slices@toy": [{"path": "data", "md5": "a.dir"}]}


def test_before_the_first_dvc_repro_there_are_no_outs(project: Project) -> None:
    assert provenance_of(project, "toy").outs == {}


def test_paths_come_back_from_params_that_end_alike() -> None:
    kept = without_paths(PARAMS)
    assert with_paths(kept, [PARAMS]) == PARAMS
    moved = json.loads(json.dumps(PARAMS).replace("/mnt/ward 7", "/new"))
    assert with_paths(kept, [{}, moved])["datasets"]["toy"]["reals"]["path"] == "/new/DOE^JANE/scans"


def test_recorded_values_stay_where_params_have_others_today() -> None:
    now = {"trees": 300, "weights": "/other/b.h5", "new": 1}
    assert with_paths({"trees": 100, "weights": "a.h5"}, [now]) == {"trees": 100, "weights": "a.h5"}


def test_a_package_without_the_file_has_none_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    assert read_provenance(tmp_path) is None
    (tmp_path / "provenance.json").write_text('{"commit": 1}')
    with pytest.raises(ManifestError, match="cannot be read"):
        read_provenance(tmp_path)


def provenance(*changed: str) -> Provenance:
    return Provenance(commit="a" * 40, changed=changed, params={}, outs={})


def test_params_that_were_not_committed_do_no_harm_and_code_does(make_package) -> None:
    card = read_card(make_package(git_revision="a" * 12 + "-dirty"))
    assert require_commit(card, provenance("dvc.lock", "params.yaml", "tests/medfake/x.py")) == "a" * 40
    for code in ("medfake/x.py", "pipelines/train.py"):
        with pytest.raises(ReproductionError, match="code that was not committed"):
            require_commit(card, provenance("params.yaml", code))


def test_an_old_run_counts_when_everything_was_committed(make_package) -> None:
    assert require_commit(read_card(make_package(git_revision="a" * 12)), None) == "a" * 12
    with pytest.raises(ReproductionError, match="too old to tell which"):
        require_commit(read_card(make_package("b", git_revision="a" * 12 + "-dirty")), None)
