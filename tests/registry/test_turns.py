"""Promotion from several machines: the store alone says whose turn it is, and the ledger loses nothing."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import NominateParams
from medfake.registry.ledger import Decision, Said, append, read
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import promote
from medfake.registry.turns import turn
from medfake.registry.versions import MODEL_NAME, Alias
from tests.conftest import HERE

MakePackage = Callable[..., Path]
AUC = NominateParams(metric="auc")


@pytest.fixture
def client(registry: ModelRegistry) -> object:
    """A store in which a model is registered."""
    registry.store.client.create_registered_model(MODEL_NAME)
    return registry.store.client


def test_two_promotions_at_once_end_with_one_champion_and_both_are_recorded(
    make_package: MakePackage, registry: ModelRegistry, tmp_path: Path
) -> None:
    for name, value in (("a", 0.7), ("b", 0.8), ("c", 0.9)):
        nominate([make_package(name, val=value)], AUC, registry)
    promote(registry, HERE, "1")
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from medfake.config import TrackingParams\nfrom medfake.errors import PromotionRefusedError\n"
        "from medfake.project import Project\n"
        "from medfake.registry.model_registry import ModelRegistry\nfrom medfake.registry.promotion import promote\n"
        f"params = TrackingParams(uri={registry.store.uri!r}, artifacts={str(tmp_path / 'artifacts')!r}, "
        "experiment='medfake')\n"
        "registry = ModelRegistry(params)\nregistry.champion()\n"
        "Path('ready').touch()\n"
        "while not Path('../go').exists():\n    time.sleep(0.01)\n"
        "try:\n    promote(registry, Project(Path()), sys.argv[1])\nexcept PromotionRefusedError:\n    sys.exit(8)\n"
    )
    folders = {number: tmp_path / f"machine-{number}" for number in ("2", "3")}
    processes = {}
    for number, folder in folders.items():
        folder.mkdir()
        processes[number] = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, number], cwd=folder)
    while not all((folder / "ready").exists() for folder in folders.values()):
        assert all(process.poll() is None for process in processes.values())
        threading.Event().wait(0.05)
    (tmp_path / "go").touch()
    ended = {number: process.wait() for number, process in processes.items()}
    assert ended["3"] == 0
    assert ended["2"] in (0, 8)  # refused when the better one came first
    assert registry.find(Alias.CHAMPION).number == 3
    decisions = [(one.previous, one.version) for one in registry.decisions()]
    assert decisions == [(None, 1), (1, 2), (2, 3)] if ended["2"] == 0 else decisions == [(None, 1), (1, 3)]
    assert not [key for key in registry.store.client.get_registered_model(MODEL_NAME).tags if "deciding" in key]


def test_a_promotion_is_judged_anew_when_another_came_between(
    make_package: MakePackage, registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("a", 0.7), ("b", 0.8), ("c", 0.9)):
        nominate([make_package(name, val=value)], AUC, registry)
    promote(registry, HERE, "1")
    taken = registry.turn

    def late(self: ModelRegistry) -> object:
        monkeypatch.undo()
        promote(registry, HERE, "2")
        return taken()

    monkeypatch.setattr(ModelRegistry, "turn", late)
    assert promote(registry, HERE, "3").previous == 2


def test_who_decides_is_waited_for(client: object) -> None:
    order = []

    def second() -> None:
        with turn(client):
            order.append("second")

    other = threading.Thread(target=second)
    with turn(client):
        other.start()
        threading.Event().wait(0.5)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


def test_the_mark_of_a_process_that_was_killed_is_removed(client: object) -> None:
    client.set_registered_model_tag(MODEL_NAME, "deciding.of-a-killed-process", "1")
    with turn(client, patience_s=0.1):
        pass
    assert client.get_registered_model(MODEL_NAME).tags == {}


def test_entries_of_old_are_read_and_come_first(client: object) -> None:
    old = {"action": "promote", "version": 1, "previous": None, "at": "2026-01-01T00:00:00+00:00", "reason": "old"}
    append(client, Decision("rollback", None, 1, "2026-01-02T00:00:00+00:00", "new"))
    client.set_registered_model_tag(MODEL_NAME, "ledger.000001", json.dumps(old))
    assert [one.reason for one in read(client)] == ["old", "new"]
    assert read(client)[0].rulings == ()


def test_an_entry_comes_last_though_another_machines_clock_is_ahead(client: object) -> None:
    ahead = {"action": "promote", "version": 1, "previous": None, "at": "2999-01-01T00:00:00+00:00", "reason": "ahead"}
    client.set_registered_model_tag(MODEL_NAME, "ledger.29990101T000000.000000Z-aaaaaaaaaaaa", json.dumps(ahead))
    append(client, Decision("rollback", None, 1, "2026-01-02T00:00:00+00:00", "now"))
    append(client, Decision("promote", 1, None, "2026-01-03T00:00:00+00:00", "later"))
    assert [one.reason for one in read(client)] == ["ahead", "now", "later"]


def test_an_entry_fits_a_tag_however_much_the_gates_say(client: object) -> None:
    rulings = tuple(Said(f"gate {number}", True, False, "x" * 9000) for number in range(20))
    append(client, Decision("promote", 1, None, "2026-01-01T00:00:00+00:00", "", rulings))
    (value,) = client.get_registered_model(MODEL_NAME).tags.values()
    assert len(value) < 5000
    assert [one.gate for one in read(client)[0].rulings] == [one.gate for one in rulings]
    assert "xxx...; xxx" in read(client)[0].reason
