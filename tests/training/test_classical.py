import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from sklearn.ensemble import RandomForestClassifier

from medfake.datasets.dataset import Dataset
from medfake.detectors.card import KERAS_FILE, ONNX_FILE
from medfake.detectors.registry import validate_options
from medfake.detectors.scorer import Scorer
from medfake.errors import TrainingError
from medfake.training.fit import fit
from medfake.training.run_state import RunState
from medfake.training.trained import OnEpoch, Trained

MakeDataset = Callable[..., Dataset]


def train(dataset: Dataset, seed: int = 1, on_epoch: OnEpoch = lambda *_: None, **options: object) -> Trained:
    nowhere = Path(tempfile.mkdtemp())
    checked = validate_options("RandomForest", {"trees": 20, **options})
    return fit("RandomForest", checked, dataset, seed, on_epoch, nowhere, RunState(nowhere / "state", {}))


@pytest.mark.parametrize("pool", [1, 3, 4])
def test_the_onnx_forest_says_what_scikit_learn_says(dataset: Dataset, tmp_path: Path, pool: int) -> None:
    agreement = train(dataset, pool=pool).save(tmp_path)
    assert agreement.max_abs_difference <= 1e-4
    assert agreement.slices == 12

    def pixels(split: str) -> np.ndarray:
        hu = dataset.slices(dataset.split(split)).astype(np.float64)
        edge = 192 // pool
        return hu.reshape(len(hu), edge, pool, edge, pool).mean(axis=(2, 4)).reshape(len(hu), -1)

    forest = RandomForestClassifier(20, random_state=1, max_features="sqrt")
    forest.fit(pixels("train").astype(np.float32), dataset.split("train").label)
    expected = forest.predict_proba(pixels("test").astype(np.float32))[:, 1]
    scores = Scorer(tmp_path / ONNX_FILE).score(dataset.slices(dataset.split("test")))
    np.testing.assert_allclose(scores.p_tampered, expected, atol=1e-4)


def test_pools_that_do_not_divide_the_slice_leave_the_remainder_out(dataset: Dataset, tmp_path: Path) -> None:
    assert train(dataset, pool=5).save(tmp_path).max_abs_difference <= 1e-4


def test_nothing_but_the_graph_is_stored(dataset: Dataset, tmp_path: Path) -> None:
    train(dataset).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ONNX_FILE]
    assert not (tmp_path / KERAS_FILE).exists()
    onnx.checker.check_model(str(tmp_path / ONNX_FILE))


def test_the_same_seed_grows_the_same_forest_and_another_another(dataset: Dataset, tmp_path: Path) -> None:
    test = dataset.slices(dataset.split("test"))
    scores = []
    for number, seed in enumerate((5, 5, 6)):
        folder = tmp_path / str(number)
        folder.mkdir()
        train(dataset, seed=seed).save(folder)
        scores.append(Scorer(folder / ONNX_FILE).score(test).p_tampered)
    np.testing.assert_array_equal(scores[0], scores[1])
    assert (scores[0] != scores[2]).any()


def test_it_reports_the_validation_loss_once(dataset: Dataset) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    train(dataset, on_epoch=lambda epoch, figures: told.append((epoch, dict(figures))))
    assert [epoch for epoch, _ in told] == [1]
    assert told[0][1]["val_loss"] > 0


def test_slices_of_several_sizes_are_refused_in_words(dataset: Dataset) -> None:
    manifest = dataset.manifest.copy()
    manifest.loc[0, "rows"] = 256
    mixed = Dataset(dataset.folder, "made", manifest, dataset.sites, "0" * 64, "phantom", "grouped")
    with pytest.raises(TrainingError, match="slices of one size") as caught:
        train(mixed)
    assert "(256, 192)" in str(caught.value)
