"""The one mechanism by which things are registered and found by name."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from medfake.by_name import Registry, did_you_mean
from medfake.errors import ConfigError, UnknownDetectorError


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A package of two modules, one of them in an inner package, and some that must not be imported."""
    name = f"room_{request.node.name}"
    folder = tmp_path / name
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        f"from medfake.by_name import Registry\nTOYS = Registry('toy', room='{name}', where='toys')"
    )
    (folder / "ball.py").write_text(f"from {name} import TOYS\ndef ball(): ...\nTOYS.add('ball', 1, ball)")
    (folder / "inner" / "__init__.py").write_text("")
    (folder / "inner" / "kite.py").write_text(f"from {name} import TOYS\ndef kite(): ...\nTOYS.add('kite', 2, kite)")
    for heavy in ("layers", "kite_layers", "estimators"):
        (folder / "inner" / f"{heavy}.py").write_text("raise AssertionError('heavy')")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def toys(room: str) -> Registry[int]:
    from importlib import import_module

    registry: Registry[int] = import_module(room).TOYS
    return registry


def test_modules_of_the_room_and_its_inner_packages_are_found(room: str) -> None:
    assert dict(toys(room)) == {"ball": 1, "kite": 2}


def test_names_are_listed_by_shell_pattern(room: str) -> None:
    assert toys(room).names("k*") == ["kite"]


def test_two_of_one_name_are_refused_and_both_modules_named(room: str) -> None:
    def other() -> None: ...

    registry = toys(room)
    assert "ball" in registry
    with pytest.raises(ConfigError, match="two toys are called 'ball'") as error:
        registry.add("ball", 3, other)
    assert f"{room}.ball and {__name__}" in str(error.value)


def test_an_unknown_name_gets_the_near_one_and_the_registrys_error() -> None:
    registry: Registry[int] = Registry("toy", room="medfake.errors", where="toys", error=UnknownDetectorError)
    registry.add("kite", 1, test_an_unknown_name_gets_the_near_one_and_the_registrys_error)
    with pytest.raises(UnknownDetectorError, match="did you mean 'kite'"):
        registry["kit"]


def test_a_key_of_params_that_names_nothing_is_told_whole() -> None:
    registry: Registry[int] = Registry("toy", room="medfake.errors", where="toys")
    registry.add("kite", 1, test_a_key_of_params_that_names_nothing_is_told_whole)
    assert registry.require("kite", "toys.one.kind") == 1
    with pytest.raises(ConfigError, match=r"toys\.one\.kind = 'kit' is no kind of toy, did you mean 'kite'\?"):
        registry.require("kit", "toys.one.kind")


def test_the_group_of_entry_points_is_the_plural_of_the_kind() -> None:
    assert Registry("guard", room="medfake.errors", where="").group == "medfake.guards"
    assert Registry("detector family", room="medfake.errors", where="").group == "medfake.detector_families"


def test_a_near_name_is_told_and_a_far_one_is_not() -> None:
    assert did_you_mean("auk", ["auc", "h"]) == ", did you mean 'auc'?"
    assert did_you_mean("zebra", ["auc", "h"]) == ""


def offer(folder: Path, value: str, code: str) -> None:
    """Install a package that offers a toy; one of an earlier test is forgotten."""
    sys.modules.pop("elsewhere", None)
    (folder / "elsewhere.py").write_text(dedent(code))
    info = folder / "elsewhere-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[medfake.toys]\ntoy = {value}\n")


def test_what_another_package_offers_is_found(tmp_path: Path, room: str) -> None:
    offer(tmp_path, "elsewhere", f"from {room} import TOYS\ndef drum(): ...\nTOYS.add('drum', 3, drum)")
    assert toys(room).names() == ["ball", "drum", "kite"]


def test_a_package_that_cannot_be_loaded_is_named_with_what_it_raised(tmp_path: Path, room: str) -> None:
    offer(tmp_path, "elsewhere:nothing", "")
    with pytest.raises(ConfigError, match="cannot be loaded") as error:
        toys(room).names()
    assert "elsewhere" in str(error.value)
    assert "AttributeError" in str(error.value)


def test_one_whose_own_requirements_are_missing_stops_no_other_and_is_told_when_it_is_wanted(
    tmp_path: Path, room: str
) -> None:
    offer(tmp_path, "elsewhere", "import a_package_that_is_not_there")
    assert toys(room).names() == ["ball", "kite"]
    with pytest.raises(ConfigError, match="no toy has this name") as error:
        toys(room)["drum"]
    assert "toy lacks what it needs (No module named 'a_package_that_is_not_there')" in str(error.value)


@pytest.mark.parametrize(("kind", "group"), [("toy", "medfake.toys"), ("detector family", "medfake.detector_families")])
def test_other_packages_offer_theirs_under_the_plural_of_the_kind(kind: str, group: str) -> None:
    assert Registry(kind, room="medfake.errors", where="toys").group == group
