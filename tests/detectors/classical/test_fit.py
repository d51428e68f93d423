import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.svm import SVC

from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.estimators import PlaneSVC, as_linear_svc
from medfake.detectors.context import TrainingContext
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.errors import ConfigError, TrainingError
from medfake.package.card import KERAS_FILE, ONNX_FILE
from medfake.package.scorer import Scorer
from medfake.training.run_state import RunState
from medfake.training.trained import OnEpoch, Trained
from medfake.vocabulary import Evidence

MakeDataset = Callable[..., Dataset]


@pytest.fixture(scope="module")
def apart(make_dataset: MakeDataset) -> Dataset:
    """Tampered slices are brighter, each kind by its own amount, so that any model can learn them."""
    made = make_dataset({"train": 24, "val": 12, "test": 4}, size=96)
    pixels = np.load(made.folder / "shard-000.npy")
    for row, kind in zip(made.manifest.row, made.manifest.manipulation, strict=True):
        pixels[row] += {"none": 0, "injected": 150, "removed": 300}[kind]
    np.save(made.folder / "shard-000.npy", pixels)
    return made


SMALL: dict[str, dict[str, object]] = {
    "RandomForest": {"trees": 20},
    "DecisionTree": {},
    "SVM": {"folds": 3},
    "WaveletCooccurrenceSVM": {},
    "CopyMove": {},
}


def train(
    dataset: Dataset, seed: int = 1, on_epoch: OnEpoch = lambda *_: None, name: str = "RandomForest", **options: object
) -> Trained:
    nowhere = Path(tempfile.mkdtemp())
    checked = validate_options(name, {**SMALL[name], **options})
    context = TrainingContext(
        spec=detector_spec(name), options=checked, dataset=dataset, seed=seed, features=nowhere,
        state=RunState(nowhere / "state", {}), on_epoch=on_epoch,
    )  # fmt: skip
    return fit(context)


@pytest.mark.parametrize("pool", [1, 3, 4])
def test_the_onnx_forest_says_what_scikit_learn_says(dataset: Dataset, tmp_path: Path, pool: int) -> None:
    agreement = train(dataset, pool=pool).save(tmp_path)
    assert agreement.max_abs_difference <= 1e-4
    assert agreement.slices == 12

    def pixels(split: str) -> np.ndarray:
        hu = dataset.slices(dataset.split(split)).astype(np.float64) / 1000
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
    mixed = Dataset(dataset.folder, "made", manifest, dataset.sites, "0" * 64, Evidence.PHANTOM, "grouped")
    with pytest.raises(TrainingError, match="slices of one size") as caught:
        train(mixed)
    assert "(256, 192)" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DecisionTree", {}),
        ("SVM", {}),
        ("SVM", {"kernel": "rbf"}),
        ("RandomForest", {}),
        ("SVM", {"pool": 5}),
        ("WaveletCooccurrenceSVM", {"block_px": 16}),
    ],
)
def test_its_graph_says_what_scikit_learn_says_and_learns_something(
    apart: Dataset, tmp_path: Path, name: str, options: dict[str, object]
) -> None:
    trained = train(apart, name=name, **options)
    assert trained.save(tmp_path).max_abs_difference <= 1e-4
    val = apart.split("val")
    p_tampered = Scorer(tmp_path / ONNX_FILE).score(apart.slices(val)).p_tampered
    assert roc_auc_score(val.label, p_tampered) > 0.8


def test_features_take_slices_of_several_sizes(make_dataset: MakeDataset, tmp_path: Path) -> None:
    made = make_dataset({"train": 24, "val": 12}, size=192)
    narrow = np.load(made.folder / "shard-000.npy")[:, :, :150]
    np.save(made.folder / "shard-001.npy", narrow)
    manifest = made.manifest.copy()
    some = manifest.index % 4 < 2
    manifest["shard"] = np.where(some, "shard-001.npy", manifest.shard)
    manifest["cols"] = np.where(some, 150, manifest.cols)
    mixed = replace(made, manifest=manifest)
    agreement = train(mixed, name="WaveletCooccurrenceSVM").save(tmp_path)
    assert agreement.max_abs_difference <= 1e-4
    assert agreement.slices == 6
    assert Scorer(tmp_path / ONNX_FILE).fixed_size is None


@pytest.mark.parametrize("name", ["WaveletCooccurrenceSVM", "CopyMove"])
def test_a_graph_that_names_places_says_how_sure_it_is(dataset: Dataset, tmp_path: Path, name: str) -> None:
    assert detector_spec(name).localises
    train(dataset, name=name).save(tmp_path)
    scores = Scorer(tmp_path / ONNX_FILE).score(dataset.slices(dataset.split("test")))
    for px in (scores.site_y, scores.site_x):
        assert px is not None
        assert ((px >= 0) & (px < 192)).all()
    assert scores.site_p is not None
    np.testing.assert_array_equal(scores.site_p, scores.p_tampered)


@pytest.mark.parametrize("name", ["WaveletCooccurrenceSVM", "CopyMove"])
def test_slices_of_nothing_but_air_are_scored(dataset: Dataset, tmp_path: Path, name: str) -> None:
    train(dataset, name=name).save(tmp_path)
    air = np.full((2, 96, 96), -1024, np.int16)
    assert np.isfinite(Scorer(tmp_path / ONNX_FILE).score(air).p_tampered).all()


@pytest.mark.parametrize("name", ["WaveletCooccurrenceSVM", "CopyMove"])
def test_slices_smaller_than_any_detector_takes_are_refused_in_words(dataset: Dataset, name: str) -> None:
    manifest = dataset.manifest.copy()
    manifest.loc[0, "rows"] = 95
    with pytest.raises(TrainingError, match="needs slices of at least 96 x 96 px") as caught:
        train(replace(dataset, manifest=manifest), name=name)
    assert caught.value.received == "one with an edge of 95 px"


@pytest.mark.parametrize("name", ["WaveletCooccurrenceSVM", "CopyMove"])
def test_what_looks_at_lungs_learns_from_no_other_modality(dataset: Dataset, name: str) -> None:
    with pytest.raises(TrainingError, match="judges no other modality than CT"):
        train(replace(dataset, facts={**dataset.facts, "modality": "MR"}), name=name)


@pytest.mark.parametrize("name", SMALL)
def test_slices_of_one_class_are_refused_in_words(dataset: Dataset, name: str) -> None:
    manifest = dataset.manifest[dataset.manifest.label == 0]
    with pytest.raises(TrainingError, match="all training slices are of one class") as caught:
        train(replace(dataset, manifest=manifest), name=name)
    assert "slices of class 0" in str(caught.value.received)


def test_a_grid_may_vary_what_features_depend_on(apart: Dataset) -> None:
    trained = train(apart, name="CopyMove", folds=2, grid={"alike": [0.05, 0.1]})
    assert trained.chosen["alike"] in (0.05, 0.1)


@pytest.mark.parametrize("name", SMALL)
def test_three_classes_come_out_each_with_its_probability(apart: Dataset, tmp_path: Path, name: str) -> None:
    three = replace(apart, facts={"classes": 3})
    train(three, name=name).save(tmp_path)
    scores = Scorer(tmp_path / ONNX_FILE).score(three.slices(three.split("test")))
    assert scores.p_classes is not None
    assert scores.p_classes.shape == (len(scores.p_tampered), 3)
    np.testing.assert_allclose(scores.p_classes.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(scores.p_classes[:, 1:].sum(axis=1), scores.p_tampered, atol=1e-5)


def test_trees_that_all_agree_give_no_probability_above_one(apart: Dataset, tmp_path: Path) -> None:
    three = replace(apart, facts={"classes": 3})
    train(three, trees=10).save(tmp_path)  # ten times 0.1 are 1.0000001 in single precision
    scores = Scorer(tmp_path / ONNX_FILE).score(three.slices(three.split("train")))
    assert scores.p_classes is not None
    assert scores.p_classes.max() == 1


def test_a_grid_search_takes_the_best_of_every_combination(apart: Dataset) -> None:
    told: list[dict[str, float]] = []
    grid = {"max_depth": [1, 6], "min_samples_leaf": [1, 100]}
    trained = train(
        apart, name="DecisionTree", folds=3, grid=grid, on_epoch=lambda _, figures: told.append(dict(figures))
    )
    assert trained.chosen["min_samples_leaf"] == 1  # leaves of 100 of 24 slices learn nothing
    assert told[0]["cv_accuracy"] > 0.6


def test_without_a_grid_nothing_is_chosen(apart: Dataset) -> None:
    assert train(apart).chosen == {}


def test_too_few_patients_for_the_folds_are_told(apart: Dataset) -> None:
    with pytest.raises(TrainingError, match="cannot be cut into 40 folds"):
        train(apart, folds=40, grid={"trees": [1]})


@pytest.mark.parametrize(
    ("grid", "message"),
    [({"tree": [3]}, "did you mean 'trees'"), ({"trees": [0]}, "greater than or equal to 1"), ({"pool": [1]}, "pool")],
)
def test_a_grid_of_other_things_is_refused(grid: dict[str, list[int]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate_options("RandomForest", {"grid": grid})


@pytest.mark.parametrize("classes", [2, 3])
def test_the_plane_of_all_pairs_is_that_of_scikit_learns_linear_kernel(classes: int) -> None:
    labels = np.arange(90) % classes
    rng = np.random.default_rng(0)
    pixels = (rng.normal(-0.8, 0.05, (90, 400)) + 0.02 * labels[:, None]).astype(np.float32)
    found = PlaneSVC(C=0.5, max_iter=-1).fit(pixels, labels)
    for place, one in enumerate([1] if classes == 2 else range(3)):
        exact = SVC(C=0.5, kernel="linear").fit(pixels, labels == one)
        np.testing.assert_allclose(found.coef_[place], exact.coef_[0], atol=1e-3)
        np.testing.assert_allclose(found.intercept_[place], exact.intercept_[0], rtol=1e-4)
    np.testing.assert_array_equal(as_linear_svc(found).predict(pixels), found.predict(pixels))
