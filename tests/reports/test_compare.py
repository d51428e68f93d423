from dataclasses import replace
from types import SimpleNamespace

import pytest

from medfake.errors import ManifestError
from medfake.metrics.bootstrap import Bootstrap
from medfake.package.measured import Learnt
from medfake.reports.compare import compare
from medfake.reports.entry import Entry
from medfake.reports.notes import notes_text
from medfake.reports.sentences import method_text
from medfake.vocabulary import Evidence, PositiveClass, Task

QUICK = Bootstrap(resamples=100)


@pytest.fixture(scope="module")
def three(predict, enter):
    skills = {"ResidualCNN": 3.0, "MobileNetV3Large": 1.2, "RandomForest": 0.1}
    return [enter(predict(detector=name, skill=skill)) for name, skill in skills.items()]


def test_results_come_best_first_with_ranks(three):
    results = compare(reversed(three), QUICK).results
    assert [(r.entry.detector, r.standing.rank) for r in results] == [
        ("ResidualCNN", 1),
        ("MobileNetV3Large", 2),
        ("RandomForest", 3),
    ]
    assert [r.standing.best for r in results] == [True, False, False]


def test_the_best_is_not_tested_against_itself(three):
    best, second, _ = compare(three, QUICK).results
    assert best.standing.difference is None
    assert second.standing.difference.value < 0
    assert second.standing.difference_p >= second.standing.difference.p_value


def test_equal_detectors_share_a_rank_and_are_a_tie(predict, enter):
    first = predict(detector="A")
    entries = [enter(first), enter(first.assign(detector="B"))]
    results = compare(entries, QUICK).results
    assert [r.standing.rank for r in results] == [1, 1]
    assert [r.standing.tied for r in results] == [False, True]


def test_a_clearly_worse_detector_is_no_tie(three):
    assert not compare(three, QUICK).results[2].standing.tied


def test_data_sets_are_ranked_apart(predict, enter):
    entries = [enter(predict(dataset=name, skill=skill)) for name, skill in (("a", 3.0), ("b", 0.5))]
    comparison = compare(entries, QUICK)
    assert comparison.datasets == ("a", "b")
    assert [r.standing.rank for r in comparison.results] == [1, 1]
    assert [r.entry.dataset for r in comparison.of("b")] == ["b"]


def test_verdicts_count_every_test_scan_once(three):
    result = compare(three, QUICK).results[0]
    for truth in ("tampered", "real"):
        said = result.verdicts[truth]
        assert said.tampered + said.uncertain + said.not_tampered == 8


def test_uncertain_scans_are_not_called_tampered(three):
    everything_uncertain = replace(three[0], scan_low=0.0, scan_high=1.0)
    result = compare([everything_uncertain], QUICK).results[0]
    assert result.verdicts["tampered"].uncertain == 8
    assert (result.scans.metrics.recall, result.scans.metrics.specificity) == (0.0, 1.0)


def test_each_manipulation_is_held_against_all_real_slices(three):
    by_manipulation = compare(three, QUICK).results[0].by_manipulation
    assert list(by_manipulation) == ["injected", "removed"]
    for measured in by_manipulation.values():
        counts = measured.metrics.confusion
        assert (counts.tp + counts.fn, counts.tn + counts.fp) == (48, 96)


def test_generators_have_rows_where_labels_name_several(predict, enter):
    made = predict()
    made.loc[made["manipulation"] == "injected", "generator"] = "poisson"
    by_manipulation = compare([enter(made)], QUICK).results[0].by_manipulation
    assert list(by_manipulation) == ["injected", "removed", "CT-GAN", "poisson"]
    assert by_manipulation["poisson"].metrics == by_manipulation["injected"].metrics


def test_the_test_split_does_not_touch_validation_figures(predict, enter):
    made = predict()
    other = made.copy()
    other.loc[other["split"] == "test", "p_tampered"] = 0.5
    val = [compare([enter(frame)], QUICK).results[0].val for frame in (made, other)]
    assert val[0] == val[1]


def test_published_figures_stand_beside_the_same_backbone_on_the_same_kind_of_data(three, beside):
    results = compare(three, QUICK, published=beside).results
    assert [bool(r.published) for r in results] == [False, True, False]
    assert not any(r.published for r in compare(three, QUICK).results)


@pytest.fixture(scope="module")
def two_opinions(predict, enter):
    """The first ranks better, the second decides better at the threshold."""
    good = predict(detector="Ranker", skill=3.0)
    shifted = good.assign(p_tampered=good["p_tampered"] ** 8)  # the same order, and few slices above the threshold
    return [enter(shifted), enter(predict(detector="Decider", skill=2.5), threshold=0.4)]


@pytest.mark.parametrize(("metric", "best"), [("auc", "Ranker"), ("h", "Decider"), ("f1", "Decider")])
def test_the_metric_that_is_asked_for_ranks(two_opinions, metric, best):
    comparison = compare(two_opinions, QUICK, metric=metric)
    first, second = comparison.results
    assert (first.entry.detector, first.standing.rank, second.standing.rank) == (best, 1, 2)
    values = [one.slices.metrics.values()[metric] for one in (first, second)]
    assert second.standing.difference.metric == comparison.metric == metric
    assert second.standing.difference.value == pytest.approx(values[1] - values[0])


def test_figures_of_the_class_real_are_those_of_the_other_label(three):
    tampered, real = (compare(three, QUICK, positive=one) for one in PositiveClass)
    for of_tampered, of_real in zip(tampered.results, real.results, strict=True):
        for level in ("slices", "scans"):
            ours, theirs = getattr(of_tampered, level).metrics, getattr(of_real, level).metrics
            assert (ours.recall, ours.specificity) == (theirs.specificity, theirs.recall)
            assert (ours.auc, ours.confusion) == (theirs.auc, theirs.confusion)
    assert "fall-out are of the class real" in method_text(real, "chest")
    assert "of the class" not in method_text(tampered, "chest")


def test_one_class_in_the_test_split_leaves_ranks_undefined_and_says_so(predict, enter):
    made = predict().query("split == 'val' or label == 0")
    comparison = compare([enter(made), enter(made.assign(detector="Other"))], QUICK)
    assert [r.standing.rank for r in comparison.results] == [1, 1]
    assert not any(r.standing.best or r.standing.tied for r in comparison.results)
    assert "lacks a class" in " ".join(notes_text(comparison, "chest"))


def test_nothing_to_compare_is_an_error():
    with pytest.raises(ManifestError, match="nothing to compare"):
        compare([])


def test_a_run_that_comes_twice_is_an_error(three):
    with pytest.raises(ManifestError, match=r"(?s)once.*chest/ResidualCNN/seed-1"):
        compare([three[0], three[0]], QUICK)


def test_a_run_without_test_slices_is_an_error(predict, enter):
    with pytest.raises(ManifestError, match="no test slices"):
        compare([enter(predict(patients=0))], QUICK)


def test_predictions_of_another_run_are_refused(predict, enter):
    with pytest.raises(ManifestError, match="not of the run"):
        enter(predict(), detector="RandomForest")


def test_an_entry_takes_its_facts_from_a_card(predict):
    card = SimpleNamespace(
        dataset="chest",
        detector="ResidualCNN",
        seed=3,
        dataset_sha256="a" * 64,
        evidence=Evidence.FORGED,
        protocol="grouped",
        threshold=0.4,
        threshold_rule="youden",
        scan_threshold_low=0.2,
        scan_threshold_high=0.8,
        parameters=30_842,
        options={"trees": 5},
        git_revision="4e6c7d0",
        mlflow_run_id="f" * 32,
        calibration={"temperature": 2.0},
        folds=None,
        sources_apart=False,
        task=Task.NODULES,
        chosen={"c": 0.1},
        learnt=Learnt(slices=9, of=12),
        both_classes={"train": {"accuracy": 0.9}, "test": {"accuracy": 0.6}},
    )
    entry = Entry.from_card(card, predict(seed=3))
    assert (entry.name, entry.parameters) == ("chest/ResidualCNN/seed-3", 30_842)
    assert entry.calibration == {"temperature": 2.0}
    assert (entry.threshold, entry.scan_low, entry.scan_high) == (0.4, 0.2, 0.8)
    assert (entry.options, entry.git_revision, entry.run_id) == ({"trees": 5}, "4e6c7d0", "f" * 32)
    assert (entry.options, entry.chosen, entry.of_train) == ({"trees": 5}, {"c": 0.1}, {"accuracy": 0.9})
    assert (entry.learnt, entry.task) == (card.learnt, Task.NODULES)


def test_many_runs_do_not_make_everything_a_tie(predict, enter):
    entries = [enter(predict(detector="Good", skill=6.0, slices=6))]
    entries += [enter(predict(detector=f"Bad{n:02}", skill=0.0, slices=6)) for n in range(12)]
    results = compare(entries, QUICK).results
    assert results[0].entry.detector == "Good"
    assert not any(result.standing.tied for result in results)
