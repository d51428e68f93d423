"""DeLong's test against its definition, pair by pair; and when a bootstrap takes its place."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.delong import PairedTest, delong, scan_auc_difference
from medfake.metrics.predictions import scan_table

FEW = Bootstrap(resamples=100)


def cases(count: int = 60, seed: int = 0) -> tuple["np.ndarray[tuple[int], np.dtype[np.bool_]]", ...]:
    rng = np.random.default_rng(seed)
    tampered = np.arange(count) % 3 == 0
    common = rng.normal(size=count) + tampered
    return tampered, *(np.round(common + rng.normal(size=count), 1) for _ in range(2))


def variance_by_definition(tampered: np.ndarray, scores: list[np.ndarray]) -> float:  # type: ignore[type-arg]
    """Of the difference, from the matrix of all pairs (DeLong et al. 1988, equations 4 to 6)."""
    of_tampered, of_real = [], []
    for score in scores:
        x, y = score[tampered][:, None], score[~tampered][None, :]
        wins = (x > y) + (x == y) / 2
        of_tampered.append(wins.mean(axis=1))
        of_real.append(wins.mean(axis=0))
    total = 0.0
    for components in (of_tampered, of_real):
        difference = components[0] - components[1]
        total += difference.var(ddof=1) / len(difference)
    return float(total)


def test_areas_are_scikit_learns_and_the_variance_is_that_of_all_pairs() -> None:
    tampered, first, second = cases()
    found = delong(tampered, first, second)
    assert found.first == pytest.approx(roc_auc_score(tampered, first))
    assert found.second == pytest.approx(roc_auc_score(tampered, second))
    assert found.variance == pytest.approx(variance_by_definition(tampered, [first, second]))


def table(tampered: np.ndarray, p: np.ndarray, patients: list[str] | None = None) -> pd.DataFrame:  # type: ignore[type-arg]
    names = [f"s{number}" for number in range(len(p))]
    return pd.DataFrame(
        {"scan_id": names, "patient_id": patients or names, "label": tampered.astype(int), "p_tampered": p}
    )


def test_where_one_scan_is_one_patient_it_is_delongs() -> None:
    tampered, first, second = cases()
    found = scan_auc_difference(table(tampered, first), table(tampered, second), FEW)
    assert found is not None
    assert (found.test, found.scans) == (PairedTest.DELONG, 60)
    deviation = np.sqrt(variance_by_definition(tampered, [first, second]))
    assert found.p_value == pytest.approx(2 * norm.sf(abs(found.value) / deviation))
    assert found.interval is not None
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.959964 * deviation)


def test_a_patient_with_two_scans_calls_for_the_bootstrap() -> None:
    tampered, first, second = cases()
    patients = ["s1", *(f"s{number}" for number in range(1, 60))]
    found = scan_auc_difference(table(tampered, first, patients), table(tampered, second, patients), FEW)
    assert found is not None
    assert found.test is PairedTest.BOOTSTRAP


def test_equal_rankings_do_not_differ() -> None:
    tampered, first, _ = cases()
    found = scan_auc_difference(table(tampered, first), table(tampered, 3 * first), FEW)
    assert found is not None
    assert (found.value, found.p_value) == (0.0, 1.0)


def test_right_and_wholly_wrong_have_no_variance_to_test_with() -> None:
    tampered = np.array([True, True, False, False])
    right = np.array([0.9, 0.8, 0.1, 0.2])
    found = scan_auc_difference(table(tampered, right), table(tampered, 1 - right), FEW)
    assert found is not None
    assert (found.value, found.interval, found.p_value) == (1.0, None, None)


@pytest.mark.parametrize("tampered", [[True] * 4, [False] * 4])
def test_one_class_has_no_difference(tampered: list[bool]) -> None:
    one = table(np.array(tampered), np.arange(4.0))
    assert scan_auc_difference(one, one, FEW) is None


def test_a_class_with_one_scan_is_left_to_the_bootstrap() -> None:
    one = table(np.array([True, False, False, False]), np.arange(4.0))
    found = scan_auc_difference(one, one, FEW)
    assert found is not None
    assert found.test is PairedTest.BOOTSTRAP


def test_scans_of_predictions_are_taken_as_they_are(predict: Callable[..., pd.DataFrame]) -> None:
    scans = [
        scan_table(predict(detector=name, skill=skill, scans_per_patient=1, patients=12).query("split == 'test'"))
        for name, skill in (("A", 3.0), ("B", 0.5))
    ]
    assert scan_auc_difference(*scans, FEW) is None  # one scan a patient, and every first scan is tampered
