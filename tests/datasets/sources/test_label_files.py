"""Label files whose names were changed: found, or refused with a word; never overlooked."""

from pathlib import Path

import pytest

from medfake.datasets.sources.label_files import label_file
from medfake.errors import LabelError


@pytest.mark.parametrize("name", ["labels.csv", "Labels.csv", "labels.CSV", "labels .csv", " LABELS.CSV "])
def test_case_and_blanks_do_not_hide_a_label_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert label_file(tmp_path, "labels.csv") == tmp_path / name


def test_a_folder_without_labels_has_none(tmp_path: Path) -> None:
    (tmp_path / "README.txt").touch()
    (tmp_path / "labels.csv").mkdir()
    (tmp_path / "labelling-guide.txt").touch()
    assert label_file(tmp_path, "labels.csv", [tmp_path / "README.txt"]) is None


def test_two_files_of_the_name_are_refused(tmp_path: Path) -> None:
    for name in ("labels.csv", "Labels.csv"):
        (tmp_path / name).touch()
    with pytest.raises(LabelError, match=r"two files are called labels\.csv") as caught:
        label_file(tmp_path, "labels.csv")
    assert caught.value.received == "Labels.csv, labels.csv"


@pytest.mark.parametrize(
    "name", ["label.csv", "labels.txt", "labels.csv.txt", "labels (1).csv", "labels_exp1.csv", "Labels.xlsx"]
)
def test_a_file_that_looks_like_labels_is_refused_where_there_is_no_other(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(LabelError, match="looks like labels") as caught:
        label_file(tmp_path, "labels.csv")
    assert str(tmp_path / "labels.csv") in str(caught.value.remedy)
    (tmp_path / "labels.csv").touch()
    assert label_file(tmp_path, "labels.csv") == tmp_path / "labels.csv"


@pytest.mark.parametrize("beside", [True, False])
def test_a_label_file_in_a_subfolder_is_refused(tmp_path: Path, beside: bool) -> None:
    if beside:
        (tmp_path / "labels.csv").touch()
    deep = tmp_path / "ward" / "Labels.csv"
    with pytest.raises(LabelError, match="looks like labels") as caught:
        label_file(tmp_path, "labels.csv", [deep])
    assert caught.value.where == str(deep)
