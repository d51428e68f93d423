"""Stage `blanked` on trainings over folds: each slice is blanked and scored by the graph of its fold."""

import json

import pytest
import yaml

from medfake.experiments.training_run import train_once
from medfake.package.card import read_card
from medfake.probes.blanked import read_blanked
from medfake.project import Project
from pipelines.blanked import main


@pytest.fixture
def trained(folded_project: Project) -> Project:
    """The forest is trained; the other detector of the study has no package."""
    train_once(folded_project, "toy", "RandomForest", 1, folded_project.package_of("toy", "RandomForest", 1))
    return folded_project


def test_folds_are_scored_again_where_the_study_asks_for_it(
    trained: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    params = yaml.safe_load(trained.params_file.read_text())
    params["probes"]["blanked"] = True
    trained.params_file.write_text(yaml.safe_dump(params))
    main.main([], standalone_mode=False)
    report = read_blanked(trained.blanked / "toy.json")
    (found,) = report.trainings
    folds = read_card(trained.package_of("toy", "RandomForest", 1)).folds
    assert folds is not None
    assert (found.detector, found.out_of_fold, found.slices) == ("RandomForest", True, 18)
    assert found.as_is.auc == pytest.approx(folds.pooled["auc"], abs=1e-6)
    assert found.site.auc != found.as_is.auc
    assert "toy, RandomForest: slice AUC" in capsys.readouterr().out
    assert json.loads((trained.blanked / "measured.json").read_text()) == ["toy"]


def test_without_the_word_nothing_is_scored_and_old_figures_go(folded_project: Project) -> None:
    folded_project.blanked.mkdir(parents=True)
    (folded_project.blanked / "toy.json").write_text("{}")
    main.main([], standalone_mode=False)
    assert [path.name for path in folded_project.blanked.iterdir()] == ["measured.json"]
