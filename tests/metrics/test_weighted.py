import numpy as np
import pytest
from sklearn import metrics as sk

from medfake.metrics.binary import METRICS, measure
from medfake.metrics.bootstrap import Bootstrap, clusters_of, draw
from medfake.metrics.weighted import (
    ECE_BINS,
    FPR_LEVELS,
    PREVALENCES,
    clustered_auc,
    curve_auc,
    curves,
    harmonic_mean,
    ppv,
    weighted_metrics,
)


def by_scikit_learn(label, p, threshold, weight):
    """Every metric from `sample_weight`, or written out where scikit-learn has none."""
    called = p >= threshold
    given = {"sample_weight": weight}
    fpr, tpr, _ = sk.roc_curve(label, p, drop_intermediate=False, **given)
    accuracy, f1 = sk.accuracy_score(label, called, **given), sk.f1_score(label, called, **given)
    recall, specificity = (sk.recall_score(label, called, pos_label=one, **given) for one in (1, 0))
    bins = np.digitize(p, np.linspace(0, 1, ECE_BINS + 1)[1:-1])
    gaps = [abs(np.sum((weight * (p - label))[bins == one])) for one in range(ECE_BINS)]
    return {
        "accuracy": accuracy,
        "precision": sk.precision_score(label, called, **given),
        "recall": recall,
        "specificity": specificity,
        "f1": f1,
        "auc": sk.roc_auc_score(label, p, **given),
        "h": 3 / (1 / accuracy + 1 / f1 + 1 / specificity),
        "fall_out": sk.confusion_matrix(label, called, normalize="true", **given)[0, 1],
        "average_precision": sk.average_precision_score(label, p, **given),
        "balanced_accuracy": sk.balanced_accuracy_score(label, called, **given),
        "mcc": sk.matthews_corrcoef(label, called, **given),
        "brier": sk.brier_score_loss(label, p, **given),
        "ece": sum(gaps) / weight.sum(),
        **{name: tpr[fpr <= level + 1e-12].max() for name, level in FPR_LEVELS.items()},
        **{
            name: prevalence * recall / (prevalence * recall + (1 - prevalence) * (1 - specificity))
            for name, prevalence in PREVALENCES.items()
        },
    }


@pytest.fixture(scope="module")
def weighed():
    """Scores with ties, in clusters of unequal size, and weightings: random, drawn, and one with absent clusters."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, 300)
    p = np.round(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1), 2) * 0.998 + 0.0007  # no score on a bin's edge
    codes = np.sort(rng.integers(0, 12, 300))
    weights = np.vstack([rng.uniform(0.1, 3.0, (4, 12)), draw(12, Bootstrap(resamples=4)), [0.0] * 6 + [1.0] * 6])
    return label, p, codes, weights


@pytest.fixture(scope="module")
def found(weighed):
    label, p, codes, weights = weighed
    return weighted_metrics(label, p, 0.5, codes, weights)


@pytest.mark.parametrize("metric", METRICS)
def test_every_weighted_metric_is_that_of_scikit_learn(weighed, found, metric):
    label, p, codes, weights = weighed
    expected = [by_scikit_learn(label, p, 0.5, one[codes])[metric] for one in weights]
    assert found[metric] == pytest.approx(expected, rel=0, abs=1e-12)


def test_every_resample_has_the_metrics_of_its_rows_written_out(predict):
    test = predict(patients=5, skill=1.0).query("split == 'test'").reset_index(drop=True)
    test["p_tampered"] = test["p_tampered"].round(2)
    clusters = clusters_of(test)
    weights = draw(clusters.count, Bootstrap(resamples=8, seed=7))
    label, p = test["label"].to_numpy(), test["p_tampered"].to_numpy()
    values = weighted_metrics(label, p, 0.5, clusters.codes, weights)
    assert set(values) == set(METRICS)
    for index, counts in enumerate(weights):
        repeated = test.loc[np.repeat(test.index, counts[clusters.codes].astype(int))]
        expected = measure(repeated, 0.5).values()
        assert {name: values[name][index] for name in METRICS} == pytest.approx(expected)


def test_weightings_do_not_see_each_other(weighed, found, monkeypatch):
    label, p, codes, weights = weighed
    monkeypatch.setattr("medfake.metrics.weighted._CELLS", 2 * len(p))  # two weightings a chunk
    in_chunks = weighted_metrics(label, p, 0.5, codes, weights)
    for name in METRICS:
        np.testing.assert_allclose(in_chunks[name], found[name], rtol=1e-12)


def test_a_weighting_without_a_class_leaves_rankings_undefined_and_only_its_own():
    label, p, codes = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9]), np.array([0, 0, 1, 1])
    values = weighted_metrics(label, p, 0.5, codes, np.array([[1.0, 0.0], [1.0, 1.0]]))
    for name in ("auc", "average_precision", "recall", "tpr_at_fpr_5", "mcc"):
        assert np.isnan(values[name]).tolist() == [True, False]
    assert values["specificity"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(("prevalence", "expected"), [(0.5, 0.9), (0.01, 1 / 12), (0.1, 0.5)])
def test_ppv_follows_bayes(prevalence, expected):
    assert ppv(0.9, 0.9, prevalence) == pytest.approx(expected)


def test_a_harmonic_mean_with_a_zero_is_zero():
    assert harmonic_mean([1.0, 0.0, 0.5]) == 0.0


def test_a_harmonic_mean_of_an_undefined_value_is_undefined():
    assert np.isnan(harmonic_mean([1.0, np.nan, 0.5]))


@pytest.mark.parametrize("digits", [1, 6])
def test_the_area_by_clusters_is_that_of_the_curve_ties_and_missing_classes_included(digits):
    rng = np.random.default_rng(5)
    label, p = rng.integers(0, 2, 300), rng.normal(size=300).round(digits)
    codes = rng.integers(0, 6, 300)
    codes[label == 1] = np.minimum(codes[label == 1], 4)  # one cluster without a tampered row
    weights = rng.multinomial(6, np.full(6, 1 / 6), size=50).astype(float)
    weights = np.vstack([weights, [0, 0, 0, 0, 0, 6], np.ones(6)])
    expected = np.concatenate([curve_auc(tp, fp) for tp, fp in curves(label, p, codes, weights)])
    np.testing.assert_allclose(clustered_auc(label, p, codes, weights), expected, rtol=1e-12)
    assert np.isnan(expected[-2])
    assert expected[-1] == pytest.approx(sk.roc_auc_score(label, p))
