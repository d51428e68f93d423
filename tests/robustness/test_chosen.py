"""What a `measure` block chooses by name is checked at the door, with its key and a near match."""

from pathlib import Path
from typing import Any

import pytest

from medfake.config import MeasureParams, RobustnessParams
from medfake.config.paths import Roots, anchor
from medfake.errors import ConfigError
from medfake.robustness.chosen import chosen_grid, chosen_perturbations, require_chosen, require_grid
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


def test_saying_nothing_asks_for_all_perturbations_of_one_strength_and_an_empty_list_for_none() -> None:
    of_one_strength = [name for name, one in PERTURBATIONS.items() if one.scale.strength is not None]
    assert [one.name for one in chosen_perturbations(block())] == of_one_strength
    assert chosen_perturbations(block(perturbations=[])) == []
    assert [one.name for one in chosen_perturbations(block(perturbations=["zoom", "blur"]))] == ["zoom", "blur"]


def test_what_has_no_one_strength_is_refused_where_one_is_measured() -> None:
    with pytest.raises(ConfigError, match=r"measure\.genuine\.perturbations\.0 = 'fgsm' has no one strength"):
        require_chosen({"genuine": block(perturbations=["fgsm"])})


def grid(**perturbations: list[float] | None) -> RobustnessParams:
    named = {name.replace("_", "-"): severities for name, severities in perturbations.items()}
    return RobustnessParams.model_validate({"perturbations": named})


def test_every_perturbation_can_stand_in_a_grid_with_its_usual_severities() -> None:
    params = RobustnessParams.model_validate({"perturbations": dict.fromkeys(PERTURBATIONS)})
    require_grid(params)
    assert {one.name: severities for one, severities in chosen_grid(params).items()} == {
        name: tuple(sorted(one.scale.usual)) for name, one in PERTURBATIONS.items()
    }


def test_severities_of_a_grid_are_sorted_and_0_is_left_to_the_measurement() -> None:
    params = grid(hu_offset=[20, 0, -20])
    require_grid(params)
    assert [*chosen_grid(params).values()] == [(-20.0, 20.0)]


def test_an_unknown_perturbation_of_a_grid_is_told_with_a_near_match() -> None:
    with pytest.raises(ConfigError, match=r"robustness\.perturbations\.hu-ofset.*did you mean 'hu-offset'"):
        require_grid(grid(hu_ofset=[1]))


@pytest.mark.parametrize(
    ("severities", "key"), [([10, 501], "noise.1"), ([-1], "noise.0"), ([5, 5], "noise"), ([0], "noise"), ([], "noise")]
)
def test_severities_out_of_range_twice_or_none_are_refused(severities: list[float], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        require_grid(grid(noise=severities))
    assert caught.value.what.startswith(f"robustness.perturbations.{key} = ")
    assert "expected different numbers from 0.1 to 500, HU of white noise added" in caught.value.what
    assert caught.value.remedy == "usual ones are [5, 10, 20, 40]"


def test_half_an_hu_is_no_severity_of_an_attack() -> None:
    with pytest.raises(ConfigError, match="expected different whole numbers from 1 to 50"):
        require_grid(grid(fgsm=[0.5]))
    require_grid(grid(fgsm=[1, 50]))


def test_paths_count_from_the_project(tmp_path: Path) -> None:
    anchored = anchor(block(), Roots(tmp_path, tmp_path))
    assert anchored.package == str(tmp_path / "models/a")
    assert anchored.fakes.path == str(tmp_path / "data/raw/CT-GAN")
