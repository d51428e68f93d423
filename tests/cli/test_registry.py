"""`medfake promote` and what it prints of the gates."""

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.config import NominateParams
from medfake.errors import PromotionRefusedError
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate

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
        "champion": "passed", "leakage": "REFUSED", "nominated": "passed", "patients": "passed", "probed": "passed",
        "shortcuts": "passed", "unaltered": "passed",
    }  # fmt: skip
    assert "WARNING: a single validation patient decided" in refused.output
    told = CliRunner().invoke(cli, ["promote", "--dry-run", "--despite-leakage"])
    assert "overruled leakage" in told.output
    assert told.output.splitlines()[-2:] == ["would be champion: version 1", "next: medfake promote --despite-leakage"]
    assert registry.decisions() == []
    assert CliRunner().invoke(cli, ["promote", "--despite-leakage"]).output.startswith("champion: version 1\n")
