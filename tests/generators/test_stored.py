"""A generator on disk: graph and network say the same, and a part that is missing is named."""

from pathlib import Path

import numpy as np
import pytest

from medfake.errors import ExportMismatchError, ManifestError
from medfake.files import write_json
from medfake.generators import stored
from medfake.generators.networks import build_generator
from medfake.generators.stored import StoredGenerator, in_hu, store_generator
from medfake.training.keras_setup import import_keras

keras = import_keras(1)
WINDOW = (-1000, 400)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    store_generator(build_generator(64, 2, 5), WINDOW, 5, folder, "toy")
    write_json(folder / "generator.json", {"schema": 1, "plan": {"latent": 5}})
    return folder


def test_the_graph_makes_what_the_network_makes_in_hounsfield_units(folder: Path) -> None:
    network = in_hu(keras.saving.load_model(folder / "generator.keras"), WINDOW)
    for number, (hu, nodule) in enumerate(StoredGenerator.open(folder).slices(3, 2)):
        noise = np.random.default_rng([3, number]).standard_normal((1, 5), dtype=np.float32)
        expected = np.asarray(network([noise, np.array([[nodule]], np.int32)], training=False))[0]
        assert np.abs(hu - expected).max() <= 1
        assert hu.dtype == np.int16
        assert hu.shape == (64, 64)


def test_the_network_with_units_is_made_of_what_keras_can_store(folder: Path, tmp_path: Path) -> None:
    whole = in_hu(keras.saving.load_model(folder / "generator.keras"), WINDOW)
    whole.save(tmp_path / "whole.keras")
    again = keras.saving.load_model(tmp_path / "whole.keras")
    given = [np.ones((1, 5), np.float32), np.array([[1]], np.int32)]
    np.testing.assert_allclose(np.asarray(again(given)), np.asarray(whole(given)), rtol=1e-5, atol=1e-3)


def test_a_graph_that_says_something_else_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = stored.write_onnx
    other = in_hu(build_generator(64, 2, 5), (-1000, 3000))
    monkeypatch.setattr(stored, "write_onnx", lambda _model, path, example: write(other, path, example))
    with pytest.raises(ExportMismatchError, match=r"more than 0\.5 HU"):
        store_generator(build_generator(64, 2, 5), WINDOW, 5, tmp_path, "toy")


def test_what_is_missing_is_named_with_the_stage_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="was not made") as caught:
        StoredGenerator.open(tmp_path / "toy")
    assert caught.value.remedy == "dvc repro generate@toy"
    write_json(tmp_path / "toy/generator.json", {})
    with pytest.raises(ManifestError, match="not whole") as caught:
        StoredGenerator.open(tmp_path / "toy")
    assert caught.value.remedy == "dvc repro -s -f generate@toy"
