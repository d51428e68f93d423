"""Features of a frozen backbone: computed once, of every slice, the same as Keras computes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.backbone.features import EXTRACTOR_ONNX, FEATURES_FILE, compute_features
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.backbone.spec import BackboneSpec
from medfake.errors import ManifestError, TrainingError
from medfake.training.keras_setup import import_keras

MakeDataset = Callable[..., Dataset]
OPTIONS = BackboneOptions(weights="none", input_size=32)


class Counting:
    """A backbone that counts how often it is built."""

    def __init__(self) -> None:
        self.built = 0
        self.spec = BackboneSpec(name="Tiny", build=self.build, contract="tf", feature_width=4, gradcam_layer="conv")

    def build(self, shape: tuple[int, int, int], _: str | None) -> Any:
        from keras import Model, layers

        self.built += 1
        image = layers.Input(shape)
        maps = layers.BatchNormalization()(layers.Conv2D(4, 5, strides=4, name="conv")(image))
        return Model(image, layers.ReLU()(maps))


@pytest.fixture(scope="module")
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset({"train": 8, "val": 4, "test": 4})


def test_they_are_those_of_keras_row_by_row(dataset: Dataset, tmp_path: Path) -> None:
    features = compute_features(Counting().spec, OPTIONS, dataset, tmp_path / "features")
    assert features.table.shape == (16, 4)
    import_keras(3)
    val = dataset.split("val")
    expected = features.extractor()(dataset.slices(val), training=False)
    np.testing.assert_allclose(features.of(val), np.asarray(expected), atol=1e-5)


def test_a_second_time_nothing_is_built(dataset: Dataset, tmp_path: Path) -> None:
    tiny = Counting()
    first = compute_features(tiny.spec, OPTIONS, dataset, tmp_path / "features")
    other_head = OPTIONS.model_copy(update={"head": (3,), "epochs": 1, "learning_rate": 1.0})
    again = compute_features(tiny.spec, other_head, dataset, tmp_path / "features")
    assert tiny.built == 1
    assert again.key == first.key
    np.testing.assert_array_equal(again.table, first.table)


@pytest.mark.parametrize("change", [{"input_size": 48}, {"window_hu": (-1000.0, 400.0)}])
def test_what_they_depend_on_has_them_computed_anew(
    dataset: Dataset, tmp_path: Path, change: dict[str, object]
) -> None:
    tiny = Counting()
    first = compute_features(tiny.spec, OPTIONS, dataset, tmp_path / "features")
    other = compute_features(tiny.spec, OPTIONS.model_copy(update=change), dataset, tmp_path / "features")
    assert tiny.built == 2
    assert other.key != first.key
    assert not np.array_equal(other.table, first.table)


def test_another_data_set_has_them_computed_anew(dataset: Dataset, make_dataset: MakeDataset, tmp_path: Path) -> None:
    tiny = Counting()
    compute_features(tiny.spec, OPTIONS, dataset, tmp_path / "features")
    compute_features(tiny.spec, OPTIONS, make_dataset({"train": 4, "val": 4, "test": 4}, seed=9), tmp_path / "features")
    assert tiny.built == 2


def test_random_weights_do_not_depend_on_what_was_drawn_before(dataset: Dataset, tmp_path: Path) -> None:
    tables = []
    for seed in (5, 6):
        import_keras(seed)
        tables.append(compute_features(Counting().spec, OPTIONS, dataset, tmp_path / str(seed)).table)
    np.testing.assert_array_equal(*tables)


def test_a_broken_file_is_told_with_the_remedy(dataset: Dataset, tmp_path: Path) -> None:
    tiny = Counting()
    compute_features(tiny.spec, OPTIONS, dataset, tmp_path / "features")
    (tmp_path / "features" / FEATURES_FILE).write_bytes(b"no table")
    with pytest.raises(ManifestError, match="cannot be read") as caught:
        compute_features(tiny.spec, OPTIONS, dataset, tmp_path / "features")
    assert "rm -r" in str(caught.value.remedy)


def test_an_interrupt_leaves_nothing(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("medfake.detectors.backbone.features.require_spread", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute_features(Counting().spec, OPTIONS, dataset, tmp_path / "features")
    assert [path.name for path in tmp_path.iterdir()] == [".features.lock"]


def test_the_graph_that_computed_them_is_kept(dataset: Dataset, tmp_path: Path) -> None:
    compute_features(Counting().spec, OPTIONS, dataset, tmp_path / "features")
    assert (tmp_path / "features" / EXTRACTOR_ONNX).stat().st_size > 0


def test_other_modalities_are_not_seen_through_a_lung_window(dataset: Dataset, tmp_path: Path) -> None:
    of_mr = replace(dataset, facts={**dataset.facts, "modality": "MR"})
    with pytest.raises(TrainingError, match="a lung window shows little of MR") as caught:
        compute_features(Counting().spec, OPTIONS, of_mr, tmp_path / "features")
    assert "[-1000, 1000]" in str(caught.value.remedy)
    whole_range = OPTIONS.model_copy(update={"window_hu": (-1000.0, 1000.0)})
    assert len(compute_features(Counting().spec, whole_range, of_mr, tmp_path / "features").table) == 16
