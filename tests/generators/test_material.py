"""What a generator refuses to learn from, with what to do about it."""

from pathlib import Path

import numpy as np
import pytest

from medfake.datasets.dataset import Dataset
from medfake.errors import TrainingError
from medfake.generators.material import LEAST, LEAST_TO_JUDGE, Material, scaled
from medfake.vocabulary import Split
from tests.fixtures.generated import write_chests


def test_slices_classes_and_patients_of_a_split_and_of_no_other(tmp_path: Path) -> None:
    write_chests(tmp_path / "nodules")
    learnt = Material.of(Dataset.open(tmp_path / "nodules"), Split.TRAIN, 64, "fakes")
    assert learnt.hu.shape == (80, 64, 64)
    assert learnt.nodule.ravel().tolist() == [0, 1] * 40
    assert set(learnt.patients) == {f"patient-train{number}" for number in range(8)}
    assert learnt.spacing_mm == 5.5


def test_the_window_becomes_minus_one_to_one() -> None:
    hu = np.array([[[-2000, -1000], [-300, 400]]], np.int16)
    assert scaled(hu, (-1000, 400))[0, ..., 0].tolist() == [[-1, -1], [0, 1]]
    assert scaled(hu, (-1024, 600)).dtype == np.float32


@pytest.mark.parametrize(("each", "enough"), [(LEAST // 8, True), (LEAST // 8 - 1, False)])
def test_too_few_slices_are_refused(tmp_path: Path, each: int, enough: bool) -> None:
    write_chests(tmp_path / "nodules", each=each)
    data = Dataset.open(tmp_path / "nodules")
    if enough:
        assert len(Material.of(data, Split.TRAIN, 64, "fakes")) == LEAST
        return
    with pytest.raises(TrainingError, match="at least 64 slices of the train split") as caught:
        Material.of(data, Split.TRAIN, 64, "fakes")
    assert caught.value.received == "56 slices of nodules"


def test_too_few_to_judge_samples_by_are_refused(tmp_path: Path) -> None:
    write_chests(tmp_path / "nodules", each=LEAST_TO_JUDGE // 3)
    with pytest.raises(TrainingError, match="at least 8 slices of the val split"):
        Material.of(Dataset.open(tmp_path / "nodules"), Split.VAL, 64, "fakes")


def test_slices_of_another_size_are_refused_with_the_view_that_mends_it(tmp_path: Path) -> None:
    write_chests(tmp_path / "nodules")
    with pytest.raises(TrainingError, match="slices of 128 x 128 px") as caught:
        Material.of(Dataset.open(tmp_path / "nodules"), Split.TRAIN, 128, "fakes")
    assert caught.value.received == "64 x 64 px in nodules"
    assert "{name: resized, size: 128}" in str(caught.value.remedy)


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    write_chests(tmp_path / "nodules", labels=(0,))
    with pytest.raises(TrainingError, match="one class alone") as caught:
        Material.of(Dataset.open(tmp_path / "nodules"), Split.TRAIN, 64, "fakes")
    assert caught.value.received == "label 0 of all 80 slices"
