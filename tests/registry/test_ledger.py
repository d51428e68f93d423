"""What the ledger keeps of a decision: who, why, and the figures that decided."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import NominateParams
from medfake.errors import RegistryError
from medfake.registry import ledger
from medfake.registry.compared import Compared
from medfake.registry.decider import stated, who
from medfake.registry.ledger import Decision, Said
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import promote, rollback
from medfake.registry.versions import MODEL_NAME
from tests.conftest import HERE

AUC = NominateParams(metric="auc")


def test_a_promotion_keeps_who_why_and_the_figures_of_both(
    make_package: Callable[..., Path], registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDFAKE_WHO", "Ada Lovelace")
    nominate([make_package("a", val=0.7, intervals={"val": {"auc": (0.6, 0.8)}})], AUC, registry)
    promote(registry, HERE, reason="the first one")
    nominate([make_package("b", val=0.9)], AUC, registry)
    promote(registry, HERE, reason=" it sees\nmore ")
    rollback(registry, reason="too many alarms")
    first, second, third = registry.decisions()
    assert [(one.who, one.stated) for one in (first, second, third)] == [
        ("Ada Lovelace", "the first one"), ("Ada Lovelace", "it sees more"), ("Ada Lovelace", "too many alarms"),
    ]  # fmt: skip
    assert first.figures is not None
    assert (first.figures.value, first.figures.interval, first.figures.champion) == (0.7, (0.6, 0.8), None)
    figures = second.figures
    assert figures is not None
    assert (figures.metric, figures.value, figures.champion) == ("auc", 0.9, 0.7)
    assert (figures.slices, figures.patients, figures.confidence) == (200, 100, 0.95)
    assert figures.difference == pytest.approx(0.2)
    assert figures.interval is not None
    assert 0.1 < figures.interval[0] < 0.2 < figures.interval[1] < 0.3
    assert third.figures is None


@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("ada", "ada"),
        ("HOSPITAL\\ada", "ada"),
        ("ada@hospital.example", "ada"),
        ("/home/ada", "ada"),
        ("a\x1b[2Jb", "a [2Jb"),
    ],
)
def test_an_account_is_told_without_its_host_and_folder(
    account: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEDFAKE_WHO", raising=False)
    monkeypatch.setenv("LOGNAME", account)
    assert who() == name


def test_what_the_variable_says_comes_before_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.setenv("MEDFAKE_WHO", "x" * 65)
    assert who() == "x" * 64
    monkeypatch.setenv("MEDFAKE_WHO", " ")
    assert who() == "root"


def test_a_reason_that_the_ledger_cannot_keep_is_refused_before_anything_is_done(
    make_package: Callable[..., Path], registry: ModelRegistry
) -> None:
    assert stated("x" * 500) == "x" * 500
    nominate([make_package()], AUC, registry)
    with pytest.raises(RegistryError, match="longer than the ledger keeps") as caught:
        promote(registry, HERE, reason="x" * 501)
    assert (caught.value.received, caught.value.remedy) == ("501 characters", "say it in 500 characters")
    assert registry.champion() is None


def test_entries_of_old_have_no_name_and_no_figures(registry: ModelRegistry) -> None:
    client = registry.store.client
    old = {"action": "promote", "version": 1, "previous": None, "at": "2026-01-01T00:00:00+00:00", "reason": "old"}
    client.create_registered_model(MODEL_NAME, tags={"ledger.000001": json.dumps(old)})
    (decision,) = registry.decisions()
    assert (decision.who, decision.stated, decision.figures, decision.reason) == ("", "", None, "old")


def test_the_longest_sentences_are_cut_first(registry: ModelRegistry) -> None:
    client = registry.store.client
    client.create_registered_model(MODEL_NAME)
    rulings = (Said("long", True, False, "x" * 9000), *(Said(f"g{n}", True, False, "short") for n in range(20)))
    figures = Compared(metric="auc", value=0.9, champion=0.8, difference=0.1, interval=(0.05, 0.15))
    ledger.append(client, Decision("promote", 1, None, "", "", rulings, "ada", "why", figures))
    (text,) = client.get_registered_model(MODEL_NAME).tags.values()
    assert len(text) < 5000
    (read,) = ledger.read(client)
    assert [one.sentence for one in read.rulings[1:]] == ["short"] * 20
    assert len(read.rulings[0].sentence) == 500
    assert read.figures == figures


def test_where_nothing_helps_what_stood_in_the_way_stays(registry: ModelRegistry) -> None:
    client = registry.store.client
    client.create_registered_model(MODEL_NAME)
    rulings = tuple(Said(f"gate number {n}", n != 50, n == 50, "x" * 50) for n in range(100))
    ledger.append(client, Decision("promote", 1, None, "", "", rulings))
    assert [one.gate for one in ledger.read(client)[0].rulings] == ["gate number 50"]
