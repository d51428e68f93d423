"""ResidualCNN of other modalities than CT: smaller places, the same network otherwise, stored and scored likewise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medfake.detectors.forensic.residual_cnn import PATCH_PX, build_residual_cnn
from medfake.package.card import ONNX_FILE
from medfake.package.export import export_keras
from medfake.package.scorer import Scorer
from medfake.regions import TISSUE
from medfake.training.keras_setup import import_keras
from medfake.vocabulary import Modality


def tissue(count: int, rows: int, cols: int) -> NDArray[np.int16]:
    """(count, rows, cols) int16 normalised units of noisy tissue throughout."""
    return np.random.default_rng(rows).normal(200, 60, (count, rows, cols)).astype(np.int16)


@pytest.fixture(scope="module")
def models() -> tuple[Any, Any]:
    import_keras(3)
    return build_residual_cnn(2, Modality.MR)


@pytest.fixture(scope="module")
def package(models: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    export_keras(models[1], folder, tissue(3, 176, 208))
    return folder


def test_it_has_as_many_weights_as_that_of_lungs(models: tuple[Any, Any]) -> None:
    assert models[1].count_params() == build_residual_cnn(2)[1].count_params()


def test_a_patch_and_the_whole_slice_judge_a_place_alike(models: tuple[Any, Any]) -> None:
    patch_model, slice_model = models
    whole = tissue(1, 256, 256)
    maps = slice_model.get_layer("trunk")(whole[..., None].astype(np.float32))
    logits = np.asarray(slice_model.get_layer("judge")(maps))[0, :, :, 0]
    patches = np.concatenate([whole[:, 8 * k : 8 * k + PATCH_PX, 64 : 64 + PATCH_PX] for k in range(1, 15)])
    expected = [logits[k + 5, 13] for k in range(1, 15)]  # place k + 5 is centred 64 px into crop k
    alone = np.asarray(patch_model(patches)).reshape(-1)
    assert np.abs(alone - expected).max() < 0.1 * logits.std()  # a crop sees a little less noise around it


@pytest.mark.parametrize("shape", [(96, 96), (131, 217), (256, 256)])
def test_the_place_that_it_names_is_the_highest_of_those_that_are_judged(package: Path, shape: tuple[int, int]) -> None:
    image = tissue(1, *shape)
    image[:, :, -40:] = -1000  # air
    said = Scorer(package / ONNX_FILE).score(image)
    assert said.place_logit is not None
    assert said.place_counts is not None
    assert said.site_y is not None
    assert said.site_x is not None
    counts = said.place_counts[0] > 0
    judged = {(int(y) // 8, int(x) // 8) for y, x in TISSUE.judged(image[0])}
    assert {(int(y), int(x)) for y, x in np.argwhere(counts)} == judged
    if judged:
        place = np.unravel_index(np.where(counts, said.place_logit[0], -np.inf).argmax(), counts.shape)
        assert (said.site_y[0], said.site_x[0]) == (place[0] * 8, place[1] * 8)
