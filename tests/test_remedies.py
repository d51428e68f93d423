"""What medfake tells to type works on the project's own stages, and runs no more than it says."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from dvc.cli.parser import get_main_parser
from dvc.repo import Repo

from medfake.remedies import Stage, make, rerun, retrain, stage_name

PROJECT = Path(__file__).resolve().parents[1]
NAMES: dict[Stage, tuple[object, ...]] = {
    Stage.INPAINTERS: (),
    Stage.BANK: (),
    **dict.fromkeys(
        (Stage.PHANTOM, Stage.SCANS, Stage.SLICES, Stage.CHECK, Stage.PROBE, Stage.ROBUSTNESS, Stage.LATENT), ("chest",)
    ),
    Stage.FEATURES: ("chest", "RandomForest"),
    Stage.TRAIN: ("chest", "RandomForest", 1),
    Stage.EXPLAIN: ("chest", "RandomForest", 1),
    **dict.fromkeys(
        (
            Stage.REPEAT,
            Stage.STACK,
            Stage.BLANKED,
            Stage.TIMINGS,
            Stage.MEASURED,
            Stage.COMPARE,
            Stage.REPORT,
            Stage.NOMINATE,
            Stage.TRACK,
        ),
        (),
    ),
}
_COMMAND = re.compile(r"dvc (?:repro|pull|push)(?: [-@\w]+)*")
_PROSE = {
    "then",
    "or",
    "past",
    "in",
    "makes",
    "anew",
    "fetches",
    "to",
    "runs",
    "again",
    "stops",
}  # words that follow a command
_PLACES = {"{stage}": "nominate"}  # what stands there when it is printed


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    """The project's stages, in a folder where nothing was made."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        Repo.init(str(root), no_scm=True).close()
        for name in ("dvc.yaml", "params.yaml"):
            (root / name).write_text((PROJECT / name).read_text())
        patch.chdir(root)
        with Repo(str(root)) as opened:
            yield opened


def stages_of(repo: Repo, command: str) -> set[str]:
    """Names of the stages that a `dvc repro` would run, as DVC parses and collects them."""
    told = get_main_parser().parse_args(shlex.split(command)[1:])
    targets = told.targets or [None]
    return {
        stage.addressing for target in targets for stage in repo.stage.collect(target, with_deps=not told.single_item)
    }


def written() -> Iterator[str]:
    """Every DVC command that stands in a text of the package, its placeholders filled."""
    for path in sorted(PROJECT.glob("medfake/**/*.j2")):
        yield from _commands(path.read_text(encoding="utf-8"))
    for path in sorted([*PROJECT.glob("medfake/**/*.py"), *PROJECT.glob("pipelines/*.py")]):
        if path.name == "remedies.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield from _commands(ast.unparse(node)[2:-1])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from _commands(node.value)


def _commands(text: str) -> Iterator[str]:
    for place, example in _PLACES.items():
        text = text.replace(place, example)
    for command in _COMMAND.findall(text):
        words = command.split()
        end = next((at for at, word in enumerate(words) if word in _PROSE), len(words))
        yield " ".join(words[:end])


def test_there_is_an_example_of_every_stage() -> None:
    none = {Stage.FORGE, Stage.GENERATE, Stage.FORENSICS, Stage.DROP}  # quickstart has none of these
    assert NAMES.keys() | none == set(Stage)


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_that_is_run_again_runs_alone(repo: Repo, stage: Stage) -> None:
    command = rerun(stage, *NAMES[stage])
    assert stages_of(repo, command) == {stage_name(stage, *NAMES[stage])}
    assert get_main_parser().parse_args(shlex.split(command)[1:]).force


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_that_is_made_comes_with_what_it_needs(repo: Repo, stage: Stage) -> None:
    command = make(stage, *NAMES[stage])
    alone = {Stage.INPAINTERS: "inpainters", Stage.BANK: "inpainters", Stage.MEASURED: "measured"}
    first = alone.get(stage, "phantom@chest")
    assert first in stages_of(repo, command)
    assert not get_main_parser().parse_args(shlex.split(command)[1:]).force


def test_a_stage_without_names_is_all_of_its_kind(repo: Repo) -> None:
    made = stages_of(repo, make(Stage.TRAIN))
    assert {stage_name(Stage.TRAIN, "chest", name, 1) for name in ("RandomForest", "ResidualCNN")} < made


@pytest.mark.parametrize("command", sorted(set(written())))
def test_a_command_that_stands_in_a_text_is_one_of_dvc(repo: Repo, command: str) -> None:
    told = get_main_parser().parse_args(shlex.split(command)[1:])
    if command.startswith("dvc repro"):
        assert stages_of(repo, command)
        assert told.single_item or not told.force, "this would run all that comes before it again"


def test_one_that_is_dry_run_runs_nothing_else(repo: Repo, caplog: pytest.LogCaptureFixture) -> None:
    told = get_main_parser().parse_args(shlex.split(rerun(Stage.PHANTOM, "chest"))[1:])
    done = repo.reproduce(targets=told.targets, single_item=told.single_item, force=told.force, dry=True)
    assert [stage.addressing for stage in done] == ["phantom@chest"]


@pytest.mark.parametrize(
    ("package", "remedy"),
    [
        ("models/chest/RandomForest/seed-1", "dvc repro -s -f train@chest-RandomForest-1"),
        ("repeated/chest/SVM/seed-2", "rm -r repeated/chest/SVM/seed-2, then dvc repro -s -f repeat"),
        ("stacked/chest/Hybrid/seed-1", "dvc repro -s -f stack"),
        ("somewhere/else", "dvc repro"),
        ("a/b/seed-one", "dvc repro"),
        ("seed-1", "dvc repro"),
    ],
)
def test_a_package_is_trained_anew_by_the_stage_that_made_it(package: str, remedy: str) -> None:
    assert retrain(Path(package)) == remedy
