import pandas as pd
import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.markdown import to_markdown
from medfake.reports.sentences import headline, p_text

QUICK = Bootstrap(resamples=100)

SNAPSHOT = """\
# Comparison of detectors

> Research use only, not a diagnostic device.

## chest

> Phantom figures are no clinical evidence: scans and fakes were made by medfake's built-in phantom.

VGG19 has the highest AUC: 1.000 [1.000, 1.000] on slices, 1.000 [1.000, 1.000] on scans.

Test split: 6 patients, 12 scans (6 tampered), 12 slices (6 tampered). 95 % intervals from 100 resamples of patients. \
Tied: a paired, Holm-corrected bootstrap of the AUC difference cannot tell it apart from the best.

### Slices

| # | detector | seed | AUC | Accuracy | Precision | Recall | Specificity | F1 | H |  |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| 1 | **VGG19** | 1 | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] \
| 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | best |
| 2 | ResidualCNN | 1 | 0.500 [0.500, 0.500] | 0.500 [0.500, 0.500] | n/a | 0.000 [0.000, 0.000] \
| 1.000 [1.000, 1.000] | 0.000 [0.000, 0.000] | 0.000 [0.000, 0.000] |  |

### Scans

| # | detector | seed | AUC | Accuracy | Recall | Specificity | tampered scans said to be | real scans said to be |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| 1 | **VGG19** | 1 | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] \
| 6 tampered, 0 uncertain, 0 not tampered | 0 tampered, 0 uncertain, 6 not tampered |
| 2 | ResidualCNN | 1 | 0.500 [0.500, 0.500] | 0.500 [0.500, 0.500] | 0.000 [0.000, 0.000] | 1.000 [1.000, 1.000] \
| 0 tampered, 6 uncertain, 0 not tampered | 0 tampered, 6 uncertain, 0 not tampered |

### Against the best

| detector | seed | AUC difference | p (Holm) | scans only it / only the best got right | p (Holm) |
| --- | --- | --- | --- | --- | --- |
| ResidualCNN | 1 | -0.500 [-0.500, -0.500] | 0.020 | 0 / 6 | 0.031 |

### In the papers

Each is the paper's figure on its own data and split; it is called leaky where, by its own account, slices of one \
patient may be on both sides. n/a where nothing is printed or it cannot be restated for the positive class.

| detector | source | setting | AUC | Accuracy | Precision | Recall | Specificity | F1 | H | protocol |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| VGG19 | Alsabbagh & Al-Kadi, TR-01,23, Table 1 | 1 run | 0.996 | 0.952 | 0.954 | 0.954 | 0.949 | 0.954 | 0.952 \
| paper (leaky replica protocol) |
"""


@pytest.fixture(scope="module")
def two_seeds(predict, enter):
    return [enter(predict(seed=seed)) for seed in (1, 2)]


def test_markdown_is_exactly_this(exact, beside):
    assert to_markdown(compare(exact, QUICK, published=beside)) == SNAPSHOT


def test_markdown_does_not_depend_on_the_order_of_entries(exact, beside):
    assert to_markdown(compare(reversed(exact), QUICK, published=beside)) == SNAPSHOT


def test_a_study_that_ranks_by_h_says_so(exact):
    text = to_markdown(compare(exact, QUICK, metric="h"))
    assert "VGG19 has the highest H: 1.000" in text
    assert "bootstrap of the H difference" in text
    assert "| detector | seed | H difference |" in text


def test_means_of_runs_stand_with_their_deviations(predict, enter, beside):
    frame = predict(detector="Xception", patients=2, slices=2)
    text = to_markdown(compare([enter(frame)], QUICK, published=beside))
    assert (
        "| Xception | Alsabbagh & Al-Kadi, TR-01,23, Table 2 | mean of 3 runs | 0.994 ± 0.007 | 0.942 ± 0.029 |" in text
    )


def test_several_seeds_give_mean_and_deviation(two_seeds):
    comparison = compare(two_seeds, QUICK)
    aucs = pd.Series([result.slices.metrics.auc for result in comparison.results])
    assert f"| ResidualCNN | 2 | {aucs.mean():.3f} ± {aucs.std():.3f} |" in to_markdown(comparison)


def test_the_headline_names_ties(two_seeds):
    assert "cannot tell it apart from ResidualCNN, seed" in headline(compare(two_seeds, QUICK), "chest")


def test_the_headline_of_one_class_ranks_nobody(predict, enter):
    comparison = compare([enter(predict().query("split == 'val' or label == 1"))], QUICK)
    assert headline(comparison, "chest") == "No detector can be ranked on chest: the test split lacks a class."
    assert "n/a" in to_markdown(comparison)


@pytest.mark.parametrize(("p", "text"), [(0.0009, "< 0.001"), (0.001, "0.001"), (1.0, "1.000"), (None, "n/a")])
def test_a_p_value_is_never_zero(p, text):
    assert p_text(p) == text
