"""Training slices that are scored: as many as asked for, drawn by the seed."""

from pathlib import Path

import onnx

from medfake.datasets.dataset import Dataset
from medfake.metrics.predict import predict_some_of_train
from medfake.package.card import ONNX_FILE
from tests.conftest import brightness_detector


def test_up_to_as_many_training_slices_are_scored_as_were_asked_for(dataset: Dataset, tmp_path: Path) -> None:
    onnx.save(brightness_detector(), tmp_path / ONNX_FILE)
    told = dataset.manifest.assign(generator="")
    known = Dataset(dataset.folder, "made", told, dataset.sites, dataset.digest, dataset.evidence, "grouped")
    drawn = [predict_some_of_train(known, tmp_path, "a", seed, most) for seed, most in ((1, 10), (1, 10), (2, 10))]
    assert all(len(one) == 10 and set(one.split) == {"train"} for one in drawn)
    assert drawn[0].equals(drawn[1])
    assert set(drawn[0].slice_id) != set(drawn[2].slice_id)
    assert len(predict_some_of_train(known, tmp_path, "a", 1, 1000)) == 24
    assert predict_some_of_train(known, tmp_path, "a", 1, 0).empty
