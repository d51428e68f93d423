from xml.etree import ElementTree as ET

from medfake.reports.roc_picture import roc_pictures
from medfake.reports.roc_points import Point
from medfake.vocabulary import Evidence

POINTS: list[Point] = [
    {"fpr": fpr, "tpr": tpr, "run": f"{dataset}/SVM/seed-1"}
    for dataset in ("b", "a")
    for fpr, tpr in ((0.0, 0.0), (0.1, 0.9), (1.0, 1.0))
]

EVIDENCE = {"a": Evidence.PHANTOM, "b": Evidence.CLINICAL}


def test_every_data_set_has_a_picture_that_stands_alone() -> None:
    pictures = roc_pictures(POINTS, EVIDENCE)
    assert list(pictures) == ["a", "b"]
    root = ET.fromstring(pictures["a"])  # noqa: S314  # our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "SVM/seed-1" in pictures["a"]
    assert "ROC, test slices of a, phantom figures" in pictures["a"]
    assert "phantom" not in pictures["b"]


def test_equal_points_give_equal_pictures() -> None:
    assert roc_pictures(POINTS, EVIDENCE) == roc_pictures(POINTS, EVIDENCE)
    assert roc_pictures([], {}) == {}
