import pytest

from medfake.reports.published import published_for, read_table, restate


def test_all_13_backbones_of_table_1_are_there_with_their_weights():
    names = [row["model"] for row in read_table("alsabbagh_table1")]
    assert len(names) == 13
    assert all(published_for(name)[0].parameters for name in names)


def test_restating_swaps_recall_and_specificity_and_keeps_accuracy_and_auc():
    row = read_table("alsabbagh_table1")[0]
    ours = restate(row)
    assert f"{ours['recall']:.4f}" == row["specificity"]
    assert f"{ours['specificity']:.4f}" == row["recall"]
    assert (ours["accuracy"], ours["auc"]) == (0.9544, 0.9968)


def test_restated_counts_agree_with_the_printed_accuracy():
    for row in read_table("alsabbagh_table1"):
        ours = restate(row)
        right = ours["recall"] * 196 + ours["specificity"] * 177
        assert f"{right / 373:.4f}" == row["accuracy"]


def test_means_of_runs_are_not_restated_where_that_would_mix_runs():
    mean = published_for("DenseNet121")[1]
    assert mean.setting == "mean of 3 runs"
    assert set(mean.metrics) == {"accuracy", "recall", "specificity", "auc"}


def test_classical_detectors_have_figures_of_solaiyappan():
    rows = published_for("RandomForest")
    assert [row.source for row in rows] == [f"Solaiyappan & Wen 2022, Table {n}" for n in (2, 3, 4, 5, 6)]
    assert rows[3].metrics["recall"] == 0.938


def test_the_row_that_is_printed_in_another_order_is_left_out():
    assert "localized, augmented" not in [row.setting for row in published_for("VGG19")]


@pytest.mark.parametrize("name", ["ResidualCNN", "densenet121"])
def test_a_detector_that_no_paper_has_has_no_figures(name):
    assert published_for(name) == ()
