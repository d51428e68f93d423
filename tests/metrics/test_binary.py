import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from medfake.metrics.binary import METRICS, OF_POSITIVE, PAPER_METRICS, Confusion, measure
from medfake.metrics.weighted import harmonic_mean
from medfake.reports.published import NEGATIVE_SLICES, POSITIVE_SLICES, read_table
from medfake.vocabulary import PositiveClass


def rows(label, p):
    return pd.DataFrame({"label": np.int8(label), "p_tampered": np.float32(p)})


@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, 200)
    p = np.round(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1), 2).astype(np.float32).astype(float)
    called = p >= 0.5
    ours = measure(rows(label, p), 0.5)
    fpr, tpr, _ = sk.roc_curve(label, p, drop_intermediate=False)
    expected = {
        "accuracy": sk.accuracy_score(label, called),
        "precision": sk.precision_score(label, called),
        "recall": sk.recall_score(label, called),
        "specificity": sk.recall_score(label, called, pos_label=0),
        "f1": sk.f1_score(label, called),
        "auc": sk.roc_auc_score(label, p),
        "average_precision": sk.average_precision_score(label, p),
        "balanced_accuracy": sk.balanced_accuracy_score(label, called),
        "mcc": sk.matthews_corrcoef(label, called),
        "brier": sk.brier_score_loss(label, p),
        "tpr_at_fpr_1": tpr[fpr <= 0.01].max(),
        "tpr_at_fpr_5": tpr[fpr <= 0.05].max(),
    }
    assert {name: ours.values()[name] for name in expected} == pytest.approx(expected, rel=0, abs=1e-12)


def test_figures_of_the_class_real_are_those_of_scikit_learn_with_the_other_label():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 200)
    p = np.round(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1), 2).astype(np.float32).astype(float)
    called = (p >= 0.5).astype(int)
    ours = measure(rows(label, p), 0.5, PositiveClass.REAL)
    accuracy, f1 = sk.accuracy_score(label, called), sk.f1_score(label, called, pos_label=0)
    specificity = sk.recall_score(label, called)
    expected = {
        "precision": sk.precision_score(label, called, pos_label=0),
        "recall": sk.recall_score(label, called, pos_label=0),
        "specificity": specificity,
        "f1": f1,
        "h": 3 / (1 / accuracy + 1 / f1 + 1 / specificity),
        "fall_out": 1 - specificity,
    }
    assert set(expected) == set(OF_POSITIVE)
    assert {name: ours.values()[name] for name in expected} == pytest.approx(expected, rel=0, abs=1e-12)


def test_the_positive_class_changes_no_other_figure_and_no_count():
    label, p = [0, 0, 0, 1, 1, 1, 1, 0], [0.1, 0.6, 0.3, 0.9, 0.4, 0.7, 0.8, 0.2]
    tampered, real = (measure(rows(label, p), 0.5, positive) for positive in PositiveClass)
    assert tampered.confusion == real.confusion == Confusion(tp=3, fp=1, tn=3, fn=1)
    others = [name for name in METRICS if name not in OF_POSITIVE]
    assert [tampered.values()[name] for name in others] == [real.values()[name] for name in others]


@pytest.mark.parametrize("row", read_table("alsabbagh_table1"), ids=lambda row: row["model"])
def test_h_of_table_1_is_that_of_table_a1(row):
    printed = {line["model"]: line["harmonic_mean"] for line in read_table("alsabbagh_tableA1")}
    h = harmonic_mean([float(row[name]) for name in ("accuracy", "f1", "specificity")])
    assert f"{h:.4f}" == printed[row["model"]]


@pytest.mark.parametrize("row", read_table("alsabbagh_table1"), ids=lambda row: row["model"])
def test_the_recovered_counts_give_the_fractions_of_table_1(row):
    tp, tn = round(float(row["recall"]) * POSITIVE_SLICES), round(float(row["specificity"]) * NEGATIVE_SLICES)
    label = [1] * POSITIVE_SLICES + [0] * NEGATIVE_SLICES
    said = [1] * tp + [0] * (POSITIVE_SLICES - tp) + [0] * tn + [1] * (NEGATIVE_SLICES - tn)
    ours = measure(rows(label, said), 0.5)
    assert ours.confusion.total == 373
    for name in PAPER_METRICS[:-1]:
        assert ours.values()[name] == pytest.approx(float(row[name]), abs=1e-4)  # F1 was printed from rounded figures


@pytest.mark.parametrize("label", [[0, 0, 0], [1, 1, 1]])
def test_one_class_leaves_rankings_undefined(label):
    metrics = measure(rows(label, [0.1, 0.5, 0.9]), 0.5)
    for name in ("auc", "average_precision", "balanced_accuracy", "tpr_at_fpr_1", "mcc"):
        assert metrics.values()[name] is None


def test_without_real_slices_specificity_and_h_are_undefined():
    metrics = measure(rows([1, 1], [0.2, 0.8]), 0.5)
    assert (metrics.specificity, metrics.h, metrics.recall) == (None, None, 0.5)


def test_without_tampered_slices_recall_is_undefined():
    metrics = measure(rows([0, 0], [0.2, 0.8]), 0.5)
    assert (metrics.recall, metrics.specificity, metrics.precision) == (None, 0.5, 0.0)


def test_nothing_called_tampered_leaves_precision_undefined_and_f1_zero():
    metrics = measure(rows([0, 1], [0.1, 0.2]), 0.5)
    assert (metrics.precision, metrics.f1, metrics.h, metrics.mcc) == (None, 0.0, 0.0, None)
    assert metrics.ppv_at_1 is None


def test_no_rows_leave_everything_undefined():
    metrics = measure(rows([], []), 0.5)
    assert set(metrics.values().values()) == {None}
    assert metrics.confusion == Confusion(tp=0, fp=0, tn=0, fn=0)


def test_no_figure_is_nan(predict):
    values = measure(predict(), 0.5).values()
    assert list(values) == list(METRICS)
    assert all(value is not None and np.isfinite(value) for value in values.values())


@pytest.mark.parametrize(("threshold", "tp"), [(0.7, 1), (0.7001, 0)])
def test_a_score_at_the_threshold_is_tampered(threshold, tp):
    assert measure(pd.DataFrame({"label": [1], "p_tampered": [0.7]}), threshold).confusion.tp == tp


def test_perfectly_calibrated_bins_have_no_calibration_error():
    metrics = measure(rows([0, 0, 0, 1, 1, 1, 1, 0], [0.25] * 4 + [0.75] * 4), 0.5)
    assert metrics.ece == 0.0


def test_calibration_error_is_the_mean_gap_of_bins():
    metrics = measure(rows([0, 0, 1, 1], [1.0, 1.0, 1.0, 1.0]), 0.5)
    assert metrics.ece == pytest.approx(0.5)
