"""The share of authentic patients beyond a threshold, beside what order statistics and simulated patients say."""

import doctest

import numpy as np
import pytest
from scipy.stats import binom

from medfake.metrics import authentic_threshold
from medfake.metrics.authentic_threshold import fewest_for_rate, least_rate_of, threshold_at_rate


@pytest.mark.parametrize(
    ("rate", "patients"), [(0.05, 19), (0.1, 9), (0.01, 99), (0.5, 1), (0.07, 14), (0.3, 3), (0.9, 1), (0.001, 999)]
)
def test_the_fewest_patients_are_enough_and_one_fewer_is_not(rate: float, patients: int) -> None:
    assert fewest_for_rate(rate) == patients
    assert threshold_at_rate(np.arange(patients) / 1000, rate).expected <= rate
    assert least_rate_of(patients) <= rate
    with pytest.raises(ValueError, match=f"takes {patients} patients"):
        threshold_at_rate(np.arange(patients - 1) / 1000, rate)


@pytest.mark.parametrize(("patients", "beyond"), [(19, 1), (38, 1), (39, 2), (59, 3), (199, 10)])
def test_the_threshold_stands_just_above_a_score_whatever_their_order(patients: int, beyond: int) -> None:
    scores = np.random.default_rng(1).permutation(np.linspace(0.1, 0.9, patients))
    chosen = threshold_at_rate(scores, 0.05)
    below = np.sort(scores)[-beyond]
    assert below < chosen.value == np.nextafter(below, 1.0)
    assert chosen.reached == beyond - 1
    assert chosen.expected == beyond / (patients + 1)


def test_the_interval_is_that_of_binomial_tails() -> None:
    """The true share is below x as often as at least `beyond` of n patients lie beyond the share x."""
    chosen = threshold_at_rate(np.linspace(0, 1, 59), 0.05)
    assert binom.sf(2, 59, chosen.interval.low) == pytest.approx(0.025)
    assert binom.sf(2, 59, chosen.interval.high) == pytest.approx(0.975)


def test_of_simulated_sites_as_many_as_promised_lie_in_the_interval_and_the_mean_is_the_expected_share() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random((4000, 28))  # of uniform scores, the share beyond a threshold is 1 less the threshold
    chosen = [threshold_at_rate(site, 0.05) for site in scores]
    true = np.array([1 - one.value for one in chosen])
    low, high = chosen[0].interval.low, chosen[0].interval.high
    assert np.mean(true) == pytest.approx(1 / 29, abs=0.002)
    assert np.mean((low <= true) & (true <= high)) == pytest.approx(0.95, abs=0.015)
    assert (round(low, 4), round(high, 4)) == (0.0009, 0.1234)


def test_equal_scores_make_the_threshold_stricter_and_never_laxer() -> None:
    chosen = threshold_at_rate(np.repeat([0.2, 0.7], [50, 10]), 0.05)
    assert chosen.value == np.nextafter(0.7, 1.0)
    assert chosen.reached == 0


def test_no_threshold_within_0_and_1_lies_above_certainty() -> None:
    assert threshold_at_rate(np.ones(19), 0.05).value > 1


def test_its_example_runs() -> None:
    failed, attempted = doctest.testmod(authentic_threshold)
    assert (failed, attempted > 0) == (0, True)
