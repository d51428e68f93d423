"""Which data set decides, who does not stand, and what is told of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import NominateParams
from medfake.errors import ManifestError, PromotionRefusedError, RegistryError
from medfake.package.card import ONNX_FILE, Card, read_card
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import choose_dataset, nominate
from medfake.registry.nomination import read_nomination, write_nomination
from medfake.registry.promotion import judge, promote, rollback
from medfake.registry.versions import Alias
from tests.conftest import HERE

MakePackage = Callable[..., Path]
AUC = NominateParams(metric="auc")


@pytest.fixture
def cards(make_package: MakePackage) -> Callable[..., dict[Path, Card]]:
    """Cards of data sets, by name and protocol."""

    def make(**protocols: str) -> dict[Path, Card]:
        packages = [make_package(name, dataset=name, protocol=protocol) for name, protocol in protocols.items()]
        return {package: read_card(package) for package in packages}

    return make


def test_the_only_data_set_decides_and_nothing_is_told(cards: Callable[..., dict[Path, Card]]) -> None:
    assert choose_dataset(cards(chest="grouped"), AUC) == ("chest", ())


def test_of_several_the_first_decides_and_the_others_are_named(cards: Callable[..., dict[Path, Card]]) -> None:
    chosen, notes = choose_dataset(cards(b="grouped", a="grouped"), AUC)
    assert chosen == "b"
    assert notes == ("b decides, not a: nominate.dataset in params.yaml chooses another",)


def test_one_that_keeps_patients_apart_goes_before_a_leaky_one(cards: Callable[..., dict[Path, Card]]) -> None:
    assert choose_dataset(cards(leaky="replica", honest="grouped"), AUC)[0] == "honest"


def test_params_choose_the_data_set(cards: Callable[..., dict[Path, Card]]) -> None:
    both = cards(a="grouped", b="grouped")
    assert choose_dataset(both, NominateParams(metric="auc", dataset="b")) == ("b", ())
    with pytest.raises(RegistryError, match="the data set that decides") as caught:
        choose_dataset(both, NominateParams(metric="auc", dataset="c"))
    assert caught.value.remedy == "choose among a, b, or leave it out"


def test_a_leaky_protocol_is_never_chosen_silently(cards: Callable[..., dict[Path, Card]]) -> None:
    both = cards(leaky="replica", honest="grouped")
    for one, params in ((cards(only="replica"), AUC), (both, NominateParams(metric="auc", dataset="leaky"))):
        _, (note,) = choose_dataset(one, params)
        assert "replica, which is leaky" in note


def test_figures_of_another_data_set_do_not_stand_however_high(
    make_package: MakePackage, registry: ModelRegistry, tmp_path: Path
) -> None:
    own = make_package("own", val=0.7, patients={"val": 3})
    leaky = make_package("leaky", val=0.99, dataset="copies", protocol="replica")
    nomination = nominate([leaky, own, tmp_path / "models/chest/RandomForest/seed-1"], AUC, registry)
    assert nomination is not None
    assert (nomination.dataset, nomination.protocol, nomination.validation_patients) == ("chest", "grouped", 3)
    assert nomination.value == 0.7
    assert [name for name, _ in nomination.table] == ["ResidualCNN on chest, seed 1"]
    assert nomination.missing == ("chest/RandomForest/seed-1",)
    assert "1 packages are missing and did not stand" in nomination.notes[-1]
    write_nomination(tmp_path / "nomination.json", nomination)
    kept = json.loads((tmp_path / "nomination.json").read_text())
    assert {"dataset", "protocol", "validation_patients", "version"} <= set(kept)
    read = read_nomination(tmp_path / "nomination.json")
    assert read is not None
    assert (read.version, read.package_sha256) == (nomination.version, nomination.package_sha256)


def test_where_no_package_is_there_nobody_is_nominated(registry: ModelRegistry, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no model package of this study is here"):
        nominate([tmp_path / "models" / "gone"], AUC, registry)


def test_a_package_without_its_graph_is_one_error_that_says_how_to_train_it(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    package = make_package("models/chest/RandomForest/seed-1")
    (package / ONNX_FILE).unlink()
    with pytest.raises(ManifestError, match=r"lacks its detector\.onnx") as caught:
        nominate([package], AUC, registry)
    assert caught.value.where == str(package)
    assert caught.value.remedy == "dvc repro -s -f train@chest-RandomForest-1"


def test_a_leaky_challenger_is_refused_unless_told(make_package: MakePackage, registry: ModelRegistry) -> None:
    nominate([make_package(protocol="replica")], AUC, registry)
    with pytest.raises(PromotionRefusedError, match="leaky"):
        promote(registry, HERE)
    with pytest.raises(PromotionRefusedError, match="leaky"):  # another gate's flag does not open this one
        promote(registry, HERE, overrule=["shortcuts"])
    assert promote(registry, HERE, overrule=["leakage"]).changed
    (said,) = (one for one in registry.decisions()[-1].rulings if one.gate == "leakage")
    assert (said.passed, said.overruled) == (False, True)


def test_the_champion_is_not_its_own_challenger(make_package: MakePackage, registry: ModelRegistry) -> None:
    package = make_package()
    nominate([package], AUC, registry)
    promote(registry, HERE)
    assert registry.find(Alias.CHAMPION).aliases == ("champion",)
    assert registry.look_up(Alias.CHALLENGER) is None
    nominate([package], AUC, registry)  # it is still the best
    assert registry.look_up(Alias.CHALLENGER) is None
    assert not promote(registry, HERE).changed
    rollback(registry)
    assert registry.find("1").aliases == ("challenger",)


def test_every_broken_gate_is_named_with_its_remedy(make_package: MakePackage, registry: ModelRegistry) -> None:
    nominate([make_package("a", val=0.9)], AUC, registry)
    promote(registry, HERE)
    nominate([make_package("b", val=0.8, protocol="replica")], AUC, registry)
    with pytest.raises(PromotionRefusedError) as caught:
        judge(registry, HERE).require_passed()
    assert caught.value.where == "gate champion, leakage"
    assert "does not beat the champion" in str(caught.value.received)
    assert "is leaky" in str(caught.value.received)
    assert "keep the champion" in str(caught.value.remedy)
    assert "--despite-leakage" in str(caught.value.remedy)


def test_a_champion_of_before_that_was_deleted_is_passed_over(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    for name, value in (("a", 0.7), ("b", 0.8), ("c", 0.9)):
        nominate([make_package(name, val=value)], AUC, registry)
        promote(registry, HERE)
    registry.store.client.delete_model_version("medfake-detector", "2")
    outcome = rollback(registry)
    assert (outcome.champion, outcome.previous) == (1, 3)
    assert "version 2 was deleted" in outcome.reason
    assert rollback(registry).champion is None


def test_an_alias_that_was_moved_by_hand_is_found_and_recorded(
    make_package: MakePackage, registry: ModelRegistry
) -> None:
    for name, value in (("a", 0.7), ("b", 0.8), ("c", 0.9)):
        nominate([make_package(name, val=value)], AUC, registry)
    promote(registry, HERE, "1")
    registry.store.client.set_registered_model_alias("medfake-detector", "champion", "2")
    assert promote(registry, HERE, "3").previous == 2
    chain = [(one.action, one.previous, one.version) for one in registry.decisions()]
    assert chain == [("promote", None, 1), ("moved", 1, 2), ("promote", 2, 3)]
    assert rollback(registry).champion == 2
