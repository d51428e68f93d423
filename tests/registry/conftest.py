"""Versions that may become champion, and what their project says of their data."""

from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace

import pytest

from medfake.checks.guards.registry import GUARDS
from medfake.checks.suite import CheckReport, RuleResult
from medfake.config import PromoteParams, TrackingParams
from medfake.files import sha256_file
from medfake.package.card import PREDICTIONS_FILE, read_card
from medfake.project import Project
from medfake.registry.gates.gate import Case
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.stored_files import PACKAGE
from medfake.registry.versions import Version, read_version, version_tags
from tests.conftest import MakePackage

MakeCase = Callable[..., Case]


@pytest.fixture
def make_case(make_package: MakePackage, no_store: TrackingParams, tmp_path: Path) -> MakeCase:
    """A package that may become champion as version 2, with facts of its card overridden."""

    def make(params: PromoteParams | None = None, **facts: object) -> Case:
        package = make_package(**facts).rename(_stored(tmp_path) / PACKAGE)
        return Case(
            challenger=version_of(2, package),
            card=read_card(package),
            package=package,
            champion=None,
            asked_for=False,
            registry=ModelRegistry(no_store),
            project=Project(tmp_path),
            params=params or PromoteParams(),
        )

    return make


def _stored(tmp_path: Path) -> Path:
    folder = tmp_path / "stored"
    folder.mkdir()
    return folder


def version_of(number: int, package: Path) -> Version:
    """As it would be registered."""
    predictions = package / PREDICTIONS_FILE
    files = {f"{PACKAGE}/{PREDICTIONS_FILE}": sha256_file(predictions)} if predictions.exists() else {}
    tags = version_tags(read_card(package), package, "auc", files)
    return read_version(SimpleNamespace(version=number, tags=tags, run_id=None), ())


def write_checks(project: Project, dataset: str, digest: str, broken: Collection[str] = ()) -> None:
    """What the guards found in a data set."""
    results = tuple(RuleResult(name, f"rule of {name}", name not in broken, "", f"mend {name}", ()) for name in GUARDS)
    CheckReport(dataset, digest, results).write(project.checks / f"{dataset}.json")
