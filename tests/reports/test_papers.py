import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from medfake.config import Params, load_params, validate
from medfake.errors import ConfigError
from medfake.reports.papers import PAPERS, require_published, settings_of

PROJECT = Path(__file__).resolve().parents[2]
VALUES = yaml.safe_load((PROJECT / "params.yaml").read_text())


def message(published: dict[str, Any]) -> str:
    values = copy.deepcopy(VALUES)
    values["datasets"]["chest"]["published"] = published
    with pytest.raises(ConfigError) as caught:
        require_published(validate(Params, values, "params.yaml"))
    return str(caught.value)


def test_an_unknown_paper_is_told_with_a_near_match() -> None:
    said = message({"paper": "alsabagh"})
    assert "datasets.chest.published.paper = 'alsabagh'" in said
    assert "did you mean 'alsabbagh'?" in said


def test_an_unknown_setting_is_told_with_those_of_the_tables() -> None:
    said = message({"paper": "solaiyappan", "setting": "localised"})
    assert "datasets.chest.published.setting = 'localised'" in said
    assert "did you mean 'localized'?" in said
    assert "delocalized-augmented" in said


def test_a_paper_of_several_settings_needs_one() -> None:
    assert "missing key datasets.chest.published.setting" in message({"paper": "solaiyappan"})


def test_a_paper_of_one_setting_takes_none() -> None:
    assert "leave it out" in message({"paper": "alsabbagh", "setting": "raw"})


@pytest.mark.parametrize("paper", PAPERS)
def test_each_paper_has_a_study_that_is_set_beside_each_of_its_settings(paper: str) -> None:
    params = load_params(PROJECT / "studies" / f"{paper}.yaml")
    require_published(params)
    wanted = [params.datasets[name].published for name in params.train.datasets]
    assert {one.paper for one in wanted if one} == {paper}
    assert {one.setting for one in wanted if one} == set(settings_of(paper) or (None,))
