"""What pyproject.toml declares as lowest versions is what the tests run with."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bounds() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bounds", PROJECT / "scripts/bounds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_declared_lowest_version_is_the_locked_one(bounds: ModuleType) -> None:
    declared = (PROJECT / "pyproject.toml").read_text()
    assert bounds.with_bounds(declared, bounds.locked((PROJECT / "requirements.lock").read_text())) == declared


def test_a_bound_follows_the_lock_and_keeps_extra_and_reason(bounds: ModuleType) -> None:
    text = 'dependencies = [\n  "Psy.copg[binary]>=1", # why >=2\n  "other>=3",\n]\n\n[project.scripts]\na = "b>=1"\n'
    assert bounds.with_bounds(text, {"psy-copg": "3.3.9"}) == (
        'dependencies = [\n  "Psy.copg[binary]>=3.3.9", # why >=2\n  "other>=3",\n]\n\n[project.scripts]\na = "b>=1"\n'
    )


def test_a_bound_keeps_the_platform_that_it_is_for(bounds: ModuleType) -> None:
    text = "dependencies = [\n  \"jax[cuda13]>=1; sys_platform == 'linux'\",\n]\n\n[project.scripts]\n"
    assert bounds.with_bounds(text, {"jax": "2"}) == text.replace(">=1", ">=2")
