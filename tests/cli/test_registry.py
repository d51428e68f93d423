"""`medfake promote` and what it prints of the gates."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.config import NominateParams
from medfake.errors import ManifestError, PromotionRefusedError
from medfake.package import shipped
from medfake.package.aggregation import AggregationGraph
from medfake.registry.gates.gate import GATES
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.serving.model import open_model
from tests.fixtures.places import give_places

PROJECT = Path(__file__).resolve().parents[2]


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
