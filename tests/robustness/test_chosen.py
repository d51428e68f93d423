"""What a `measure` block chooses by name is checked at the door, with its key and a near match."""

from pathlib import Path
from typing import Any

import pytest

from medfake.config import MeasureParams
from medfake.config.paths import Roots, anchor
from medfake.errors import ConfigError
from medfake.robustness.chosen import chosen_perturbations, require_chosen
from medfake.robustness.registry import PERTURBATIONS


def block(**changes: Any) -> MeasureParams:
    source = {"kind": "ct_gan", "path": "data/raw/CT-GAN"}
    whole = {"package": "models/a", "fakes": source, "reals": source, "identifiers": "public"}
    return MeasureParams.model_validate(whole | changes)


def test_a_wrong_perturbation_is_told_with_its_place_in_the_list() -> None:
    with pytest.raises(ConfigError) as caught:
        require_chosen({"genuine": block(perturbations=["noise", "jpg"])})
    assert caught.value.what == (
        "measure.genuine.perturbations.1 = 'jpg' is no kind of perturbation, did you mean 'jpeg'?"
    )


def test_a_wrong_kind_of_source_is_told_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"measure\.genuine\.reals\.kind = 'ctgan'"):
        require_chosen({"genuine": block(reals={"kind": "ctgan", "path": "data"})})


def test_saying_nothing_asks_for_all_perturbations_and_an_empty_list_for_none() -> None:
    assert [one.name for one in chosen_perturbations(block())] == list(PERTURBATIONS)
    assert chosen_perturbations(block(perturbations=[])) == []
    assert [one.name for one in chosen_perturbations(block(perturbations=["zoom", "blur"]))] == ["zoom", "blur"]


def test_every_perturbation_can_be_named_in_params() -> None:
    assert len(chosen_perturbations(block(perturbations=list(PERTURBATIONS)))) == len(PERTURBATIONS)


def test_paths_count_from_the_project(tmp_path: Path) -> None:
    anchored = anchor(block(), Roots(tmp_path, tmp_path))
    assert anchored.package == str(tmp_path / "models/a")
    assert anchored.fakes.path == str(tmp_path / "data/raw/CT-GAN")
