"""`medfake study`: studies are listed, shown, written to params.yaml after a diff, and counted before they are run."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(PROJECT / "studies", tmp_path / "studies")
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def say(*arguments: str) -> str:
    return CliRunner().invoke(cli, ["study", *arguments], catch_exceptions=False).output


def test_every_study_is_listed_with_its_trainings(project: Path) -> None:
    said = say("list")
    for name, trainings in (
        ("alsabbagh", 25),
        ("solaiyappan", 48),
        ("shree-networks", 4),
        ("shree", 15),
        ("own-scans", 2),
    ):
        assert any(name in line and f" {trainings} " in line for line in said.splitlines())
    assert "quickstart (in params.yaml)" in said


def test_a_study_is_shown_as_it_stands(project: Path) -> None:
    assert say("show", "shree") == (project / "studies/shree.yaml").read_text()


def test_using_a_study_shows_what_changes_and_writes_it(project: Path) -> None:
    said = say("use", "shree", "--yes")
    assert "-study: quickstart" in said
    assert "+study: shree" in said
    assert (project / "params.yaml").read_text() == (project / "studies/shree.yaml").read_text()
    assert "shree already" in say("use", "shree")


def test_nothing_is_written_when_nobody_says_yes(project: Path) -> None:
    before = (project / "params.yaml").read_text()
    done = CliRunner().invoke(cli, ["study", "use", "shree"])
    assert done.exit_code == 2
    assert "say --yes" in done.output
    assert (project / "params.yaml").read_text() == before


def test_a_name_that_is_none_gets_a_near_match(project: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        say("use", "solayappan")
    assert "did you mean 'solaiyappan'" in str(caught.value.remedy)


def test_outside_of_a_project_there_are_no_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no medfake project here"):
        say("list")


@pytest.mark.slow
def test_a_plan_adds_up_runs_gigabytes_and_hours(project: Path) -> None:
    study = yaml.safe_load((project / "studies/alsabbagh.yaml").read_text())
    study["train"]["detectors"] = ["MobileNetV3Large", "VGG19"]
    study["train"]["repeat"] = {"best": 1, "by": "h", "seeds": [2, 3]}
    for options in study["detectors"].values():
        options["input_size"] = 64
    (project / "params.yaml").write_text(yaml.safe_dump(study))
    said = say("plan")
    assert "2486" in said
    assert "2 repeated runs of the best" in said
    assert "all: 4 runs" in said
    hours = float(said.split(" GB, ")[1].split(" hours")[0])
    assert hours > 0


def test_a_plan_warns_of_memory_that_classical_models_lack_for_all_copies(project: Path) -> None:
    study = yaml.safe_load((project / "studies/solaiyappan.yaml").read_text())
    study["train"]["detectors"] = ["SVM", "RandomForest"]
    (project / "params.yaml").write_text(yaml.safe_dump(study))
    warned = [line for line in say("plan").splitlines() if line.startswith("memory: ")]
    assert len(warned) == 1
    assert warned[0].startswith("memory: SVM on delocalized-augmented would take 10.5 GB, and its memory_gb is 8 (this")
    assert re.search(r"a sample of \d{4} training slices is learnt from$", warned[0])


def plan_of(project: Path, *detectors: str) -> str:
    """What `medfake study plan` says of the quickstart with these detectors, small ones."""
    study = yaml.safe_load((project / "params.yaml").read_text())
    study["detectors"] = {name: study["detectors"][name] for name in detectors}
    if "MobileNetV3Large" in detectors:
        study["detectors"]["MobileNetV3Large"]["input_size"] = 64
    study["train"]["detectors"] = list(detectors)
    (project / "params.yaml").write_text(yaml.safe_dump(study))
    return say("plan")


def test_a_plan_does_not_say_hours_where_nothing_was_measured(project: Path) -> None:
    said = plan_of(project, "RandomForest")
    assert "unknown hours: not measured is RandomForest\nnext:" in said
    (row,) = (line for line in said.splitlines() if " RandomForest " in line and "│" in line)
    assert [cell.strip() for cell in row.split("│")[5:7]] == ["unknown", "unknown"]


@pytest.mark.slow
def test_a_plan_says_at_least_where_some_were_not_measured(project: Path) -> None:
    said = plan_of(project, "MobileNetV3Large", "RandomForest")
    assert re.search(r"GB, at least \d+\.\d hours on this machine: not measured is RandomForest\n", said)


STAGES = """\
stages:
  train:
    foreach: [good, bad]
    do:
      cmd: test ${item} = good && mkdir -p models/chest/${item}/seed-1 && touch models/chest/${item}/seed-1/card.json
      outs:
        - models/chest/${item}/seed-1
  repeat:
    cmd: mkdir repeated
    deps: [models]
    outs: [repeated]
  timings:
    cmd: ls models/chest > timed
    deps: [models, repeated]
    outs: [timed]
  latent:
    matrix: {dataset: [chest]}
    cmd: ls models/${item.dataset} > seen
    deps: [models, repeated]
    outs: [seen]
  compare:
    cmd: ls models/chest > table
    deps: [models, repeated]
    outs: [table]
  nominate:
    cmd: cp table nominated
    deps: [models, repeated, table]
    outs: [nominated]
"""


@pytest.mark.slow
def test_where_a_training_failed_the_others_are_still_compared(project: Path) -> None:
    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    (project / "dvc.yaml").write_text(STAGES)
    done = CliRunner().invoke(cli, ["study", "run"])
    assert done.exit_code != 0
    for name in ("timed", "seen", "nominated"):
        assert (project / name).read_text() == "good\n"
