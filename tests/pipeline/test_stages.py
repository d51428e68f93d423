"""Every stage of dvc.yaml names the code that it runs, so that an update of medfake makes anew what it may change."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml
from click.testing import CliRunner

from medfake.errors import OutputRefusedError

PROJECT = Path(__file__).resolve().parents[2]
STAGES: dict[str, Any] = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
PLUMBING = {  # what a stage reads, says and keeps goes through these, and does not depend on them
    *("medfake.cli", "medfake.config", "medfake.project", "medfake.tracking", "medfake.logs", "medfake.progress"),
    *("medfake.errors", "medfake.failures", "medfake.remedies", "medfake.outputs", "medfake.files"),
    *("medfake.locks", "medfake.by_name", "medfake.native_output", "medfake.private_folders"),
}
ELSEWHERE = {  # imported, and without an effect on the outs of the stage
    "check": {
        *("medfake.reports", "medfake.probes", "medfake.metrics", "medfake.package", "medfake.copies"),
        "medfake.log_odds",
    },
    # they write the page of a broken set, which is no out
    "bank": {"medfake.reports", "medfake.probes", "medfake.metrics", "medfake.checks", "medfake.log_odds"},
    # they write the page for eyes, which is no out
    "phantom": {"medfake.package"},  # opens stored inpainters, which no phantom needs
    "nominate": {
        *("medfake.datasets", "medfake.reports", "medfake.metrics", "medfake.robustness", "medfake.tamper"),
        *("medfake.copies", "medfake.dicom", "medfake.lungs", "medfake.regions", "medfake.log_odds"),
    },  # words of protocols, and of the card that describes a version, which is no out
    "robustness": {"medfake.reports", "medfake.probes"},  # they say what was found on the terminal
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("medfake", "pipelines")


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _runs(graph: grimp.ImportGraph, stage: str) -> Iterator[str]:
    seen: set[str] = set()
    left = [f"pipelines.{stage}"]
    while left:
        for module in graph.find_modules_directly_imported_by(left.pop()):
            if module not in seen and module != "medfake" and _room(module) not in PLUMBING:
                seen.add(module)
                left.append(module)
                yield module


def _named(stage: str) -> list[Path]:
    block = STAGES[stage].get("do", STAGES[stage])
    return [PROJECT / name for name in block["deps"] if "$" not in name]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_that_it_runs(graph: grimp.ImportGraph, stage: str) -> None:
    named = _named(stage)
    missing = set()
    for module in _runs(graph, stage):
        path = PROJECT / module.replace(".", "/")
        file = path if path.is_dir() else path.with_suffix(".py")
        if _room(module) not in ELSEWHERE.get(stage, set()) and not any(file.is_relative_to(one) for one in named):
            missing.add(module)
    assert not missing


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_its_own_command_and_on_code_that_is_there(stage: str) -> None:
    named = [path for path in _named(stage) if path.is_relative_to(PROJECT / "medfake")]
    assert named
    assert all(path.exists() for path in named)
    assert PROJECT / "pipelines" / f"{stage}.py" in _named(stage)


@pytest.mark.parametrize("stage", ["scans", "slices", "check"])
def test_a_stage_of_a_data_set_knows_its_whole_block(stage: str) -> None:
    assert "datasets.${key}" in STAGES[stage]["do"]["params"]


@pytest.mark.parametrize("study", sorted((PROJECT / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_study_has_every_key_that_stages_are_told_to_depend_on(study: Path) -> None:
    """DVC knows no defaults: it stops at a key that params.yaml lacks."""
    blocks = [block.get("do", block) for block in STAGES.values()]
    loops = [STAGES[name].get("foreach") for name in STAGES if isinstance(STAGES[name].get("foreach"), str)]
    named = {key.split(".")[0] for block in blocks for key in block.get("params", [])}
    named |= {loop.strip("${}").split(".")[0] for loop in loops}
    assert named <= yaml.safe_load(study.read_text()).keys()


@pytest.mark.parametrize("stage", ["phantom", "forge", "generate"])
def test_dvc_removes_nothing_where_originals_may_lie(stage: str) -> None:
    """Without `persist` it would, before the stage itself could refuse."""
    outs = [out for out in STAGES[stage]["do"]["outs"] if isinstance(out, dict)]
    raw = [options for out in outs for path, options in out.items() if path.startswith("data/raw/")]
    assert raw
    assert all(options["persist"] for options in raw)


@pytest.mark.parametrize(("stage", "block"), [("phantom", "phantom"), ("forge", "forged")])
def test_originals_where_made_scans_would_go_stay(
    stage: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params["forged"] = {
        "chest": {"seed": 1, "reals": "elsewhere", "scans_per_patient": 1, "manipulations": ["injection"]}
    }
    params["phantom"] = {"chest": params["phantom"]["chest"]}
    if block == "forged":
        params["phantom"] = {}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    scan = tmp_path / "data/raw/chest/LIDC-IDRI/scan.dcm"
    scan.parent.mkdir(parents=True)
    scan.write_bytes(b"original")
    monkeypatch.chdir(tmp_path)
    command = import_module(f"pipelines.{stage}").main
    with pytest.raises(OutputRefusedError, match=rf"{block}\.chest"):
        CliRunner().invoke(command, ["--name", "chest"], catch_exceptions=False)
    assert scan.read_bytes() == b"original"
