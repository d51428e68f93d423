"""A detector that answers another question than tampering is no detector of this registry, by any door."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import NominateParams, TrackingParams
from medfake.errors import RegistryError
from medfake.registry.gates.gate import GATES
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.vocabulary import Task
from tests.registry.conftest import MakeCase

MakePackage = Callable[..., Path]
AUC = NominateParams(metric="auc")


@pytest.mark.parametrize(("task", "passes"), [(Task.TAMPERING, True), (Task.NODULES, False)])
def test_only_detectors_of_tampering_become_champion(task: Task, passes: bool, make_case: MakeCase) -> None:
    ruling = GATES["task"].judge(make_case(task=task))
    assert ruling.passed is passes
    assert passes or "does the slice show a nodule?" in ruling.sentence
    assert GATES["task"].overrule is None


def test_a_detector_of_nodules_is_not_registered(make_package: MakePackage, tracking: TrackingParams) -> None:
    with pytest.raises(RegistryError, match="only detectors of tampering") as caught:
        ModelRegistry(tracking).register(make_package(task=Task.NODULES), "auc")
    assert "nodules" in str(caught.value.received)
    assert ModelRegistry(tracking).versions() == []


def test_a_detector_of_nodules_does_not_stand(make_package: MakePackage, tracking: TrackingParams) -> None:
    nodules = make_package("nodules", dataset="nodules", task=Task.NODULES)
    forged = make_package("forged", dataset="forged")
    nomination = nominate([nodules, forged], AUC, ModelRegistry(tracking))
    assert nomination is not None
    assert nomination.dataset == "forged"
    assert nomination.notes == ("detectors of nodules do not stand: does the slice show a nodule?",)


def test_a_study_of_nodules_alone_has_no_challenger(make_package: MakePackage, tracking: TrackingParams) -> None:
    assert nominate([make_package(task=Task.NODULES)], AUC, ModelRegistry(tracking)) is None


def test_params_cannot_make_nodules_decide(make_package: MakePackage, tracking: TrackingParams) -> None:
    packages = [make_package("a", dataset="a"), make_package("b", dataset="b", task=Task.NODULES)]
    with pytest.raises(RegistryError, match="no detector of tampering") as caught:
        nominate(packages, NominateParams(metric="auc", dataset="b"), ModelRegistry(tracking))
    assert caught.value.received == "b"
