import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.detectors.forensic.residual_cnn import PATCH_PX, build_residual_cnn
from medfake.package.card import KERAS_FILE, ONNX_FILE
from medfake.package.export import export_keras
from medfake.package.scorer import Scorer
from medfake.training.keras_setup import import_keras

OUTPUTS = ("p_tampered", "site_y", "site_x", "site_p")
LOAD = """
import sys, numpy
import medfake.detectors.forensic.layers
import medfake.detectors.layers
import keras
model = keras.saving.load_model(sys.argv[1] + "/detector.keras")
slices = numpy.load(sys.argv[1] + "/slices.npy")
numpy.savez(sys.argv[1] + "/fresh.npz", **{name: numpy.asarray(value) for name, value in model(slices).items()})
"""


def lungs(count: int, rows: int, cols: int) -> np.ndarray:
    """(count, rows, cols) int16 HU of noisy lung throughout."""
    return np.random.default_rng(rows).normal(-850, 60, (count, rows, cols)).astype(np.int16)


@pytest.fixture(scope="module")
def models() -> tuple[Any, Any]:
    keras = import_keras(3)
    patch_model, slice_model = build_residual_cnn(2)
    rng = np.random.default_rng(0)
    for layer in slice_model.get_layer("trunk").layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    slice_model.get_layer("calibration").set_weights([np.float32(0.5), np.float32(0.1)])
    return patch_model, slice_model


@pytest.fixture(scope="module")
def package(models: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    agreement = export_keras(models[1], folder, lungs(3, 176, 208))
    assert agreement.slices == 3
    return folder


def test_it_has_about_thirty_thousand_weights(models: tuple[Any, Any]) -> None:
    assert 25_000 < models[1].count_params() < 35_000


def test_both_forms_share_every_trained_weight(models: tuple[Any, Any]) -> None:
    patch, whole = ({id(weight) for weight in model.trainable_weights} for model in models)
    assert patch == whole


def test_a_patch_gives_one_logit(models: tuple[Any, Any]) -> None:
    assert np.asarray(models[0](lungs(3, PATCH_PX, PATCH_PX))).shape == (3, 1)


def test_a_patch_and_the_whole_slice_judge_a_place_alike(models: tuple[Any, Any]) -> None:
    patch_model, slice_model = models
    whole = lungs(1, 256, 256)
    maps = slice_model.get_layer("trunk")(whole[..., None].astype(np.float32))
    logits = np.asarray(slice_model.get_layer("judge")(maps))[0, :, :, 0]
    patches = np.concatenate([whole[:, 16 * k : 16 * k + PATCH_PX, 64 : 64 + PATCH_PX] for k in range(1, 8)])
    expected = [logits[k + 1, 5] for k in range(1, 8)]  # place k + 1 is centred 64 px into crop k
    alone = np.asarray(patch_model(patches)).reshape(-1)
    assert np.abs(alone - expected).max() < 0.1 * logits.std()  # a crop sees a little less noise around it


def test_onnx_gives_what_keras_gives_at_any_size(models: tuple[Any, Any], package: Path) -> None:
    for rows, cols in ((176, 208), (256, 192)):
        slices = lungs(5, rows, cols)
        scores = Scorer(package / ONNX_FILE).score(slices)
        expected = models[1](slices)
        for name in OUTPUTS:
            np.testing.assert_allclose(getattr(scores, name), np.asarray(expected[name]), atol=1e-4)


def test_places_lie_on_the_grid_inside_the_slice(package: Path) -> None:
    scores = Scorer(package / ONNX_FILE).score(lungs(4, 176, 208))
    assert scores.site_y is not None
    assert scores.site_x is not None
    assert set((scores.site_y - 48) % 16) | set((scores.site_x - 48) % 16) == {0}
    assert scores.site_y.min() >= 48
    assert scores.site_y.max() <= 176 - 48
    assert scores.site_x.max() <= 208 - 48


def test_a_slice_without_lung_scores_lower_than_any_with(package: Path) -> None:
    scorer = Scorer(package / ONNX_FILE)
    with_lung = scorer.score(lungs(4, 176, 208)).p_tampered
    for hu in (-1024, -1000, 40):
        without = scorer.score(np.full((1, 176, 208), hu, np.int16)).p_tampered
        assert without[0] < min(0.01, with_lung.min())


def test_a_fresh_process_loads_what_was_saved(models: tuple[Any, Any], package: Path) -> None:
    slices = lungs(2, 176, 208)
    np.save(package / "slices.npy", slices)
    subprocess.run([sys.executable, "-c", LOAD, str(package)], check=True, capture_output=True)
    expected = models[1](slices)
    with np.load(package / "fresh.npz") as fresh:
        for name in OUTPUTS:
            np.testing.assert_allclose(fresh[name], np.asarray(expected[name]), atol=1e-6)
    assert (package / KERAS_FILE).is_file()


def test_the_smallest_slice_that_holds_a_place_is_scored(package: Path) -> None:
    assert Scorer(package / ONNX_FILE).score(lungs(1, 96, 96)).p_tampered.shape == (1,)


def test_a_slice_of_odd_size_is_scored(package: Path) -> None:
    assert Scorer(package / ONNX_FILE).score(lungs(1, 191, 192)).p_tampered.shape == (1,)


def test_a_slice_too_small_for_any_place_is_refused_without_harm(package: Path) -> None:
    code = (
        "import sys, numpy; from pathlib import Path; from medfake.package.scorer import Scorer\n"
        "from medfake.errors import MedfakeError\n"
        "try: Scorer(Path(sys.argv[1])).score(numpy.zeros((1, 80, 80), numpy.int16))\n"
        "except MedfakeError: print('refused')"
    )
    command = [sys.executable, "-c", code, str(package / ONNX_FILE)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "refused\n")


def test_the_highest_place_of_its_map_is_the_one_that_it_names(package: Path) -> None:
    for rows, cols in ((176, 208), (250, 195)):
        said = Scorer(package / ONNX_FILE).score(lungs(3, rows, cols))
        assert said.place_logit is not None
        assert said.place_counts is not None
        for logits, counts, y, x in zip(said.place_logit, said.place_counts, said.site_y, said.site_x, strict=True):
            masked = np.where(counts > 0, logits, -np.inf)
            assert masked[int(y) // 8, int(x) // 8] == masked.max() > -np.inf
