"""A project is found from every folder below it, and its params name absolute places."""

from pathlib import Path

import pytest
import yaml

from medfake.config import PromoteParams
from medfake.errors import ConfigError, MedfakeError
from medfake.project import Project

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "chest"
    folder.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        (folder / name).write_text((PROJECT / name).read_text())
    return folder


def _change(root: Path, **blocks: dict[str, object]) -> None:
    params = yaml.safe_load((root / "params.yaml").read_text())
    for name, values in blocks.items():
        params[name] = {**params.get(name, {}), **values}
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def test_it_is_found_from_its_own_folder_and_from_one_far_below(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = root / "data" / "raw"
    below.mkdir(parents=True)
    for folder in (root, below):
        monkeypatch.chdir(folder)
        assert Project.find() == Project(root)


def test_a_folder_with_params_but_without_stages_is_none(root: Path, tmp_path: Path) -> None:
    (root / "dvc.yaml").unlink()
    with pytest.raises(ConfigError, match="no medfake project here") as caught:
        Project.find(root)
    assert caught.value.remedy == "cd into a medfake project"
    assert caught.value.where == str(root)


def test_what_works_outside_of_projects_is_told_that_there_is_none(root: Path) -> None:
    assert Project.around(root / "data") == Project(root)
    assert Project.around(root.parent) is None


def test_relative_paths_count_from_the_root_wherever_one_stands(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _change(root, detectors={"MobileNetV3Large": {"weights": "weights/own.h5"}})
    monkeypatch.chdir(root.parent)
    project = Project(root)
    assert project.tracking.uri == f"sqlite:///{root}/mlflow.db"
    assert project.tracking.artifacts == str(root / "mlartifacts")
    assert project.dataset("chest").reals.path == str(root / "data/raw/chest/LIDC-IDRI")
    assert project.params.tune.storage == f"journal:{root}/.medfake/tune/journal.log"
    assert project.params.detectors["MobileNetV3Large"] == {"weights": str(root / "weights/own.h5")}


def test_folders_of_banks_and_packages_that_are_measured_count_from_the_root_too(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = {"seed": 1, "reals": ["scans/a", "/far/b"], "identifiers": "public", "slices": 9}
    measured = {"package": "models/one", "identifiers": "public"}
    measured |= {side: {"kind": "folder", "path": f"scans/{side}"} for side in ("fakes", "reals")}
    _change(root, banks={"own": {**bank, "manipulations": {"removal": 1.0}}}, measure={"own": measured})
    monkeypatch.chdir(root.parent)
    params = Project(root).params
    assert params.banks["own"].reals == [str(root / "scans/a"), "/far/b"]
    assert params.measure["own"].package == str(root / "models/one")
    assert params.measure["own"].fakes.path == str(root / "scans/fakes")
    assert params.measure["own"].reals.path == str(root / "scans/reals")


@pytest.mark.parametrize("weights", ["imagenet", "none", "/weights/own.h5"])
def test_words_and_absolute_paths_stay(root: Path, weights: str) -> None:
    tracking = {"uri": "postgresql://team/medfake", "artifacts": "s3://bucket/medfake"}
    _change(root, tracking=tracking, detectors={"MobileNetV3Large": {"weights": weights}})
    project = Project(root)
    assert (project.tracking.uri, project.tracking.artifacts) == tuple(tracking.values())
    assert project.params.detectors["MobileNetV3Large"]["weights"] == weights


def test_an_absolute_database_stays(root: Path) -> None:
    _change(root, tracking={"uri": "sqlite:////var/lib/runs.db"})
    assert Project(root).tracking.uri == "sqlite:////var/lib/runs.db"


def test_an_experiment_in_a_temporary_copy_shares_the_store_but_not_the_data(root: Path) -> None:
    copy = root / ".dvc" / "tmp" / "exps" / "tmp1a2b"
    copy.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        (copy / name).write_text((root / name).read_text())
    project = Project.find(copy)
    assert (project.root, project.home) == (copy, root)
    assert project.tracking.uri == f"sqlite:///{root}/mlflow.db"
    assert project.params.tune.storage == f"journal:{root}/.medfake/tune/journal.log"
    assert project.dataset("chest").fakes.path == str(copy / "data/raw/chest/CT-GAN")
    assert project.slices == copy / "data/slices"


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({"detectors": {"ResidualCNN": {"presentation": 9}}}, "unknown key detectors.ResidualCNN.presentation"),
        ({"detectors": {"ResidualCN": {}}}, "no detector has this name"),
        (
            {"tune": {"space": {"RandomForrest": {"trees": {"low": 1, "high": 9}}}}},
            "tune.space = 'RandomForrest' is no kind of detector, did you mean 'RandomForest'",
        ),
        (
            {"tune": {"space": {"RandomForest": {"tree": {"low": 1, "high": 9}}}}},
            "unknown key tune.space.RandomForest.tree = 1, did you mean 'trees'",
        ),
    ],
)
def test_params_are_validated_whole(root: Path, blocks: dict[str, dict[str, object]], message: str) -> None:
    _change(root, **blocks)
    with pytest.raises(MedfakeError, match=message):
        _ = Project(root).params


def test_what_promotion_asks_for_is_read_without_the_detectors_that_params_name(root: Path) -> None:
    _change(root, promote={"patients": 9}, detectors={"OfAnotherPackage": {}})
    assert (Project(root).promote.patients, Project(root).promote.robustness_drop) == (9, 0.4)
    assert Project(root).evaluation is not None


def test_where_there_are_no_params_promotion_asks_for_its_defaults(tmp_path: Path) -> None:
    assert Project(tmp_path).promote == PromoteParams()
    assert Project(tmp_path).evaluation is None


def test_a_data_set_that_there_is_not_is_told_with_those_that_there_are(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"no block datasets\.ches") as caught:
        Project(root).dataset("ches")
    assert caught.value.remedy == "choose among chest"


def test_packages_are_those_of_the_matrix_then_repeated_ones_then_stacks(root: Path) -> None:
    project = Project(root)
    card = project.repeated / "chest" / "RandomForest" / "seed-2" / "card.json"
    card.parent.mkdir(parents=True)
    card.write_text("{}")
    detectors = ("ResidualCNN", "MobileNetV3Large", "RandomForest")
    first = [root / "models" / "chest" / name / "seed-1" for name in detectors]
    assert project.first_packages() == first
    stacked = project.stacked / "chest" / "Hybrid" / "seed-1" / "card.json"
    stacked.parent.mkdir(parents=True)
    stacked.write_text("{}")
    assert project.packages() == [*first, card.parent, stacked.parent]
