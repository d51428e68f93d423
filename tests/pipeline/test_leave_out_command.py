"""The command that leaves parts of a bank out in turn: what it refuses before it trains anything."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from medfake.errors import ConfigError, ManifestError
from pipelines.leave_out import main

STUDIES = Path(__file__).resolve().parents[2] / "studies"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    bank = {"seed": 1, "reals": ["reals"], "identifiers": "public", "slices": 1, "manipulations": {"injection": 1.0}}
    study = yaml.safe_load((STUDIES / "quickstart.yaml").read_text())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(study | {"banks": {"own": bank}}))
    return tmp_path


def test_a_bank_without_a_block_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no block banks\.real") as refused:
        CliRunner().invoke(main, ["--bank", "real"], catch_exceptions=False)
    assert refused.value.remedy == "choose among own"


def test_a_bank_that_was_not_made_is_refused_with_the_stage_that_makes_it() -> None:
    with pytest.raises(ManifestError, match="was not made") as refused:
        CliRunner().invoke(main, ["--bank", "own"], catch_exceptions=False)
    assert refused.value.remedy == "dvc repro bank"


@pytest.mark.parametrize("wrong", [("--over", "patients"), ("--folds", "1"), ("--epochs", "0"), ("--slices", "0")])
def test_what_cannot_be_left_out_or_dealt_is_a_usage_error(wrong: tuple[str, str]) -> None:
    assert CliRunner().invoke(main, ["--bank", "own", *wrong]).exit_code == 2
