import pytest

from medfake.config import PublishedParams
from medfake.reports.papers import PAPERS
from medfake.reports.published import NEGATIVE_SLICES, POSITIVE_SLICES, published_for, read_table, restate
from medfake.vocabulary import PositiveClass

ALSABBAGH = PublishedParams(paper="alsabbagh")
SHREE = PublishedParams(paper="shree")
SETTINGS = ("raw", "localized", "localized-augmented", "delocalized", "delocalized-augmented", "multiclass")


def solaiyappan(setting):
    return PublishedParams(paper="solaiyappan", setting=setting)


def test_all_13_backbones_of_table_1_are_there_with_what_tables_3_and_a1_print():
    for row in read_table("alsabbagh_table1"):
        first = published_for(row["model"], ALSABBAGH)[0]
        assert first.parameters > 3e6
        assert set(first.printed) == {"step_ms", "step_ms_std", "harmonic_mean"}
    resnet = published_for("ResNet50V2", ALSABBAGH)[0]
    assert (resnet.parameters, resnet.printed["step_ms"], resnet.printed["step_ms_std"]) == (24_700_000, 368.3, 87.2)


def test_restating_swaps_recall_and_specificity_and_keeps_accuracy_and_auc():
    row = read_table("alsabbagh_table1")[0]
    ours = restate(row)
    assert f"{ours['recall']:.4f}" == row["specificity"]
    assert f"{ours['specificity']:.4f}" == row["recall"]
    assert (ours["accuracy"], ours["auc"]) == (0.9544, 0.9968)


def test_restated_counts_agree_with_the_printed_accuracy():
    for row in read_table("alsabbagh_table1"):
        ours = restate(row)
        right = ours["recall"] * NEGATIVE_SLICES + ours["specificity"] * POSITIVE_SLICES
        assert f"{right / 373:.4f}" == row["accuracy"]


def test_with_real_as_the_positive_class_figures_are_as_printed():
    row = read_table("alsabbagh_table1")[0]
    first = published_for(row["model"], ALSABBAGH, PositiveClass.REAL)[0]
    assert {name: f"{first.metrics[name]:.4f}" for name in row if name != "model"} == {
        name: text for name, text in row.items() if name != "model"
    }
    assert f"{first.metrics['h']:.4f}" == "0.9519"


def test_means_of_runs_are_not_restated_where_that_would_mix_runs():
    mean = published_for("DenseNet121", ALSABBAGH)[1]
    assert mean.setting == "mean of 3 runs"
    assert set(mean.metrics) == set(mean.deviations) == {"accuracy", "recall", "specificity", "auc"}
    assert (mean.metrics["recall"], mean.deviations["recall"]) == (0.9592, 0.0216)  # of specificity, as printed


def test_deviations_are_those_of_table_2():
    mean = published_for("ResNet50V2", ALSABBAGH, PositiveClass.REAL)[1]
    assert (mean.metrics["f1"], mean.deviations["f1"]) == (0.9710, 0.0001)


@pytest.mark.parametrize(("setting", "table"), list(zip(SETTINGS, range(2, 8), strict=True)))
def test_a_detector_has_the_one_row_of_its_setting(setting, table):
    (row,) = published_for("RandomForest", solaiyappan(setting))
    assert (row.source, row.setting) == (f"Solaiyappan & Wen 2022, Table {table}", setting)


def test_a_data_set_that_no_paper_has_has_no_rows():
    assert published_for("RandomForest", None) == ()


def test_a_paper_has_no_row_for_another_papers_detector():
    assert published_for("ResNet50", ALSABBAGH) == ()
    assert published_for("CustomCNN", solaiyappan("raw")) == ()


def test_what_solaiyappan_prints_of_training_is_there():
    (row,) = published_for("DenseNet121", solaiyappan("raw"))
    assert row.printed == {"train_accuracy": 0.82, "train_loss": 0.38, "test_loss": 1.58}
    (forest,) = published_for("RandomForest", solaiyappan("raw"))
    assert forest.printed == {"train_accuracy": 1.0}


@pytest.mark.parametrize(("positive", "recall"), [(PositiveClass.TAMPERED, 0.938), (PositiveClass.REAL, 1.0)])
def test_of_both_classes_the_positive_one_stands_in_front(positive, recall):
    (row,) = published_for("RandomForest", solaiyappan("delocalized"), positive)
    assert row.metrics["recall"] == recall
    assert len(row.printed) == 4


def test_the_row_that_lost_its_order_is_there_and_empty():
    (row,) = published_for("VGG19", solaiyappan("localized-augmented"))
    assert (row.metrics, row.printed) == ({}, {})
    assert "lost its order" in row.note
    others = [published_for(name, solaiyappan("localized-augmented"))[0] for name in ("SVM", "ResNet50")]
    assert all(other.metrics and not other.note for other in others)


def test_three_classes_are_no_figures_of_two():
    (row,) = published_for("DenseNet121", solaiyappan("multiclass"))
    assert row.metrics == {}
    assert (row.classes.accuracy, row.classes.recall["injected"]) == (0.804, 0.78)


def test_only_the_paper_that_mixes_patients_is_called_leaky():
    labels = {name: paper.label for name, paper in PAPERS.items()}
    assert labels == {"alsabbagh": "paper (leaky replica protocol)", "solaiyappan": "paper", "shree": "paper"}
    assert published_for("CustomCNN", SHREE)[0].label == "paper"


@pytest.mark.parametrize("name", ["ResidualCNN", "densenet121"])
def test_a_detector_that_no_paper_has_has_no_figures(name):
    assert published_for(name, ALSABBAGH) == ()
