"""Layers are stored by their name alone, so that two of one name would be taken for each other."""

import ast
from collections import Counter
from pathlib import Path

import medfake.detectors

ROOM = Path(str(medfake.detectors.__file__)).parent


def test_no_two_layers_of_detectors_have_one_name() -> None:
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in ROOM.rglob("*layers.py")]
    names = Counter(one.name for module in modules for one in module.body if isinstance(one, ast.ClassDef))
    assert len(names) > 20
    assert [name for name, count in names.items() if count > 1] == []
