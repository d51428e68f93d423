"""Files behind a version: altered ones are refused, remote ones are fetched once and kept whole."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from medfake.config import NominateParams
from medfake.errors import RegistryError
from medfake.package.card import CARD_FILE, ONNX_FILE
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.stored_files import PACKAGE, altered_files, fetched
from medfake.registry.versions import Version
from medfake.serving.model import open_model


@pytest.fixture
def version(make_package: Callable[..., Path], registry: ModelRegistry) -> Version:
    """A registered version."""
    nominate([make_package()], NominateParams(metric="auc"), registry)
    return registry.find("challenger")


class Elsewhere:
    """A store that is far away: its files come as a copy, and it counts how often."""

    def __init__(self, model: Path) -> None:
        self.model, self.asked = model, 0

    def __call__(self, folder: Path) -> Path:
        self.asked += 1
        return Path(shutil.copytree(self.model, folder))


@pytest.fixture
def elsewhere(version: Version, registry: ModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    """The version's stored model, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Elsewhere(registry.files(version).parent)


@pytest.mark.parametrize(("file", "said"), [(ONNX_FILE, "its graphs are"), (CARD_FILE, "its card is")])
def test_a_version_whose_files_were_altered_is_not_served(
    file: str, said: str, version: Version, registry: ModelRegistry
) -> None:
    path = registry.package(version) / file
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(RegistryError, match=f"{said} not what was registered") as caught:
        registry.package(version)
    assert caught.value.where == "medfake-detector version 1"
    with pytest.raises(RegistryError):
        open_model("1", registry)


def test_every_file_that_is_stored_has_its_digest(version: Version, registry: ModelRegistry) -> None:
    package = registry.files(version)
    assert altered_files(package, version) == []
    assert set(version.files) == {
        "MLmodel", "pyfunc_model.py",
        *(f"{PACKAGE}/{name}" for name in ("card.json", "card.md", "detector.onnx", "predictions.parquet")),
    }  # fmt: skip
    for name in ("MLmodel", "pyfunc_model.py"):
        (package.parent / name).write_text("import os")
    (package / "predictions.parquet").unlink()
    assert altered_files(package, version) == ["MLmodel", "artifacts/predictions.parquet", "pyfunc_model.py"]


def test_a_name_that_leads_out_of_the_model_is_not_followed(version: Version, registry: ModelRegistry) -> None:
    outside = replace(version, files={"../../outside": "0" * 64})
    assert altered_files(registry.files(version), outside) == ["../../outside"]


def test_a_tag_that_somebody_broke_vouches_for_nothing(version: Version, registry: ModelRegistry) -> None:
    registry.store.client.set_model_version_tag("medfake-detector", "1", "files_sha256", "{")
    assert altered_files(registry.files(version), registry.find("1")) == ["files_sha256"]


def test_what_was_fetched_and_is_whole_is_not_fetched_again(version: Version, elsewhere: Elsewhere) -> None:
    first, second = fetched(version, elsewhere), fetched(version, elsewhere)
    assert (first, elsewhere.asked) == (second, 1)
    assert sorted(path.name for path in first.parent.iterdir()) == sorted(
        path.name for path in elsewhere.model.iterdir()
    )
    assert (first.parents[1].stat().st_mode & 0o777) == 0o700


@pytest.mark.parametrize("harm", ["altered", "lost"])
def test_a_copy_that_is_no_longer_whole_is_fetched_again(harm: str, version: Version, elsewhere: Elsewhere) -> None:
    copy = fetched(version, elsewhere)
    if harm == "altered":
        (copy / ONNX_FILE).write_bytes(b"nothing")
    else:
        (copy.parent / "MLmodel").unlink()
    again = fetched(version, elsewhere)
    assert (again, elsewhere.asked, altered_files(again, version)) == (copy, 2, [])


def test_an_altered_file_of_elsewhere_is_refused_and_not_kept(version: Version, elsewhere: Elsewhere) -> None:
    (elsewhere.model / PACKAGE / ONNX_FILE).write_bytes(b"nothing")
    with pytest.raises(RegistryError, match="its graphs are not what was registered"):
        fetched(version, elsewhere)
    packages = Path(os.environ["XDG_CACHE_HOME"]) / "medfake" / "packages"
    assert [path.name for path in packages.iterdir() if path.is_dir()] == []


def test_a_model_of_elsewhere_without_its_graph_is_told_to_be_gone(version: Version, elsewhere: Elsewhere) -> None:
    (elsewhere.model / PACKAGE / ONNX_FILE).unlink()
    with pytest.raises(RegistryError, match="the files of this version are gone"):
        fetched(version, elsewhere)


def test_a_download_that_is_cut_short_leaves_nothing_that_counts(version: Version, elsewhere: Elsewhere) -> None:
    def cut_short(folder: Path) -> Path:
        elsewhere(folder)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        fetched(version, cut_short)
    assert altered_files(fetched(version, elsewhere), version) == []
    assert elsewhere.asked == 2
