"""`medfake promote` and what it prints of the gates."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.config import NominateParams
from medfake.errors import ManifestError, PromotionRefusedError, RegistryError
from medfake.package import shipped
from medfake.package.aggregation import AggregationGraph
from medfake.registry.gates.gate import GATES
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.serving.model import open_model
from tests.fixtures.places import give_places

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(registry: ModelRegistry) -> ModelRegistry:
    """The registry of a project in the working folder."""
    Path("params.yaml").write_text((PROJECT / "params.yaml").read_text().replace("mlartifacts", "artifacts"))
    Path("dvc.yaml").write_text((PROJECT / "dvc.yaml").read_text())
    return registry


def test_a_dry_run_prints_every_ruling_and_changes_nothing(
    make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    Path("params.yaml").write_text((PROJECT / "params.yaml").read_text())
    Path("dvc.yaml").write_text((PROJECT / "dvc.yaml").read_text())
    nominate([make_package(protocol="replica", patients={"val": 1})], NominateParams(metric="auc"), registry)
    refused = CliRunner().invoke(cli, ["promote", "--dry-run"])
    assert isinstance(refused.exception, PromotionRefusedError)
    words = {line.split()[1]: line.split()[0] for line in refused.output.splitlines()}
    assert words == {
        **dict.fromkeys(GATES, "passed"), "leakage": "REFUSED", "patients": "REFUSED",
        **dict.fromkeys(("guards", "probed", "robustness", "shortcuts"), "unmeasured"),
    }  # fmt: skip
    assert "a single validation patient decided, too few to say anything of others: 5 are wanted" in refused.output
    flags = ["--despite-leakage", "--despite-few-patients"]
    told = CliRunner().invoke(cli, ["promote", "--dry-run", *flags])
    assert "overruled   leakage      its protocol replica" in told.output
    assert told.output.splitlines()[-2:] == ["would be champion: version 1", f"next: medfake promote {' '.join(flags)}"]
    assert registry.decisions() == []
    done = CliRunner().invoke(cli, ["promote", *flags, "--reason", "the only one"])
    assert done.output == (
        "champion: version 1\n  why: validation auc 0.8000; overruled: leakage; overruled: patients\n"
        "next: medfake scan PATH\n"
    )
    assert registry.decisions()[-1].stated == "the only one"


def test_the_built_in_detector_is_registered_and_promoted_like_any_other(
    make_package: Callable[..., Path], registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("params.yaml").write_text((PROJECT / "params.yaml").read_text().replace("mlartifacts", "artifacts"))
    Path("dvc.yaml").write_text((PROJECT / "dvc.yaml").read_text())
    nominate([make_package()], NominateParams(metric="auc"), registry)
    assert CliRunner().invoke(cli, ["promote"]).output.startswith("champion: version 1\n")
    card = {"evidence": "forged", "dataset": "forensics", "dataset_sha256": "f" * 64, "metrics": {}}
    monkeypatch.setattr(shipped, "FOLDER", give_places(make_package("builtin", **card)))
    first = CliRunner().invoke(cli, ["registry", "register", "builtin"], catch_exceptions=False)
    assert first.output == "registered: version 2\nnext: medfake promote 2 --dry-run\n"
    again = CliRunner().invoke(cli, ["registry", "register", "builtin"], catch_exceptions=False)
    assert again.output.startswith("registered already: version 2\n")
    told = CliRunner().invoke(cli, ["promote", "2", "--dry-run"], catch_exceptions=False).output
    assert "its forged evidence is not compared with the champion's phantom evidence" in told
    assert "how many validation patients decided is not known" in told
    assert "its data set was not probed for shortcuts here" in told
    assert CliRunner().invoke(cli, ["promote", "2"], catch_exceptions=False).output.startswith("champion: version 2\n")
    assert isinstance(open_model("2", registry).scorer.aggregate, AggregationGraph)
    nominate([make_package("phantom", val=0.99)], NominateParams(metric="auc"), registry)
    refused = CliRunner().invoke(cli, ["promote"])
    assert isinstance(refused.exception, PromotionRefusedError)
    assert "its evidence is phantom, that of version 2 (ResidualCNN) forged" in str(refused.exception)


def test_what_is_no_package_is_not_registered(registry: ModelRegistry) -> None:
    result = CliRunner().invoke(cli, ["registry", "register", "nowhere"])
    assert isinstance(result.exception, ManifestError)
    assert registry.versions() == []


def test_a_dry_run_as_json_has_every_ruling_with_its_remedy_though_it_is_refused(
    make_package: Callable[..., Path], here: ModelRegistry
) -> None:
    nominate([make_package(protocol="replica")], NominateParams(metric="auc"), here)
    done = CliRunner().invoke(cli, ["promote", "--dry-run", "--json"])
    assert isinstance(done.exception, PromotionRefusedError)
    said = json.loads(done.stdout)
    assert {name: said[name] for name in ("version", "champion", "settled", "passes")} == {
        "version": 1, "champion": None, "settled": False, "passes": False,
    }  # fmt: skip
    assert said["figures"]["value"] == 0.8
    rulings = {one["gate"]: one for one in said["rulings"]}
    assert set(rulings) == set(GATES)
    assert rulings["leakage"]["ruling"] == "refused"
    assert rulings["leakage"]["remedy"].endswith("medfake promote --despite-leakage")
    assert rulings["probed"]["ruling"] == "unmeasured"


def test_a_promotion_as_json_leaves_standard_output_to_it(
    make_package: Callable[..., Path], here: ModelRegistry
) -> None:
    nominate([make_package()], NominateParams(metric="auc"), here)
    done = CliRunner().invoke(cli, ["promote", "--json"], catch_exceptions=False)
    said = json.loads(done.stdout)
    assert (said["champion"], said["previous"], said["changed"], said["overruled"]) == (1, None, True, [])
    assert said["figures"]["metric"] == "auc"


def test_history_tells_who_why_and_the_figures(
    make_package: Callable[..., Path], here: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDFAKE_WHO", "ada")
    monkeypatch.setenv("COLUMNS", "160")
    nominate([make_package(patients={"val": 2})], NominateParams(metric="auc"), here)
    promoted = CliRunner().invoke(cli, ["promote", "--despite-few-patients", "--reason", "a first one"])
    assert promoted.exit_code == 0, promoted.output
    back = CliRunner().invoke(cli, ["rollback", "--reason", "too many alarms"], catch_exceptions=False)
    assert back.output.startswith("champion: nobody\n")
    shown = CliRunner().invoke(cli, ["registry", "history"], catch_exceptions=False).output
    rows = [[cell.strip() for cell in line.split("│")[2:-1]] for line in shown.splitlines() if "│" in line]
    assert rows[0][:4] == ["ada", "promote", "1", "-"]
    assert rows[0][4] == "a first one; overruled: patients; auc 0.8000"
    assert rows[1][:4] == ["ada", "rollback", "-", "1"]
    assert rows[1][4].startswith("too many alarms; rolled back the promotion of version 1 at 20")
    (first, _) = json.loads(CliRunner().invoke(cli, ["registry", "history", "--json"]).stdout)
    assert (first["who"], first["stated"]) == ("ada", "a first one")
    assert {one["gate"] for one in first["rulings"]} == set(GATES)


def test_a_reason_that_is_too_long_is_refused_with_what_to_do(
    make_package: Callable[..., Path], here: ModelRegistry
) -> None:
    nominate([make_package()], NominateParams(metric="auc"), here)
    done = CliRunner().invoke(cli, ["promote", "--reason", "x" * 501])
    assert isinstance(done.exception, RegistryError)
    assert here.champion() is None


def test_the_list_says_of_which_modality_a_version_is(
    make_package: Callable[..., Path], here: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    nominate([make_package("MR", modality="MR")], NominateParams(metric="auc"), here)
    told = CliRunner().invoke(cli, ["registry", "list"]).output.splitlines()
    assert [word.strip(" ┃") for word in told[1].split("┃")[3:5]] == ["detector", "modality"]
    assert "│ MR " in told[3]
