import numpy as np
import pytest
from scipy.stats import chi2, chi2_contingency, ks_2samp

from medfake.metrics.drift import (
    FEWEST,
    expected_unseen,
    shift_of_numbers,
    shift_of_words,
    stability_index,
    unseen,
)


def test_the_index_is_siddiqis_sum_less_what_chance_makes_of_it() -> None:
    before, now = np.array([1_000_000, 2_000_000, 1_000_000]), np.array([2_000_000, 1_000_000, 1_000_000])
    by_hand = (0.5 - 0.25) * np.log(0.5 / 0.25) + (0.25 - 0.5) * np.log(0.25 / 0.5)
    assert stability_index(before, now) == pytest.approx(by_hand, abs=1e-5)


@pytest.mark.parametrize(("n", "m", "bins"), [(20, 20, 4), (50, 30, 6), (500, 40, 8), (1000, 1000, 10)])
def test_where_nothing_changed_the_index_is_nothing_on_average_whatever_the_samples(n: int, m: int, bins: int) -> None:
    rng = np.random.default_rng(1)
    p = np.full(bins, 1 / bins)
    found = [stability_index(rng.multinomial(n, p), rng.multinomial(m, p)) for _ in range(2000)]
    deviation = (1 / n + 1 / m) * np.sqrt(2 * (bins - 1))  # of (1/n + 1/m) chi-squared
    assert abs(np.mean(found)) < 0.25 * deviation
    assert np.quantile(found, 0.95) == pytest.approx(
        (1 / n + 1 / m) * (chi2.ppf(0.95, bins - 1) - (bins - 1)), rel=0.3, abs=0.002
    )


def test_numbers_are_compared_by_kolmogorov_and_smirnov() -> None:
    rng = np.random.default_rng(1)
    before, now = rng.normal(0, 1, 300), rng.normal(1, 1, 80)
    shift = shift_of_numbers(before, now)
    expected = ks_2samp(before, now)
    assert shift is not None
    assert (shift.distance, shift.p_value) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert shift.psi > 0.5


def test_the_order_of_values_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    before, now = rng.normal(0, 1, 300), rng.normal(1, 1, 80)
    assert shift_of_numbers(before, now) == shift_of_numbers(np.sort(before), now[::-1])


def test_values_that_all_are_one_have_not_shifted() -> None:
    shift = shift_of_numbers([2.5] * 40, [2.5] * 40)
    assert shift is not None
    assert shift.p_value == 1.0
    assert abs(shift.psi) < 1e-9


def test_values_that_all_were_one_and_all_are_another_have() -> None:
    shift = shift_of_numbers([2.5] * 40, [1.25] * 40)
    assert shift is not None
    assert shift.p_value < 1e-9


@pytest.mark.parametrize(("n", "m"), [(FEWEST - 1, 100), (100, FEWEST - 1), (0, 100)])
def test_fewer_values_are_too_few_to_say(n: int, m: int) -> None:
    assert shift_of_numbers(np.arange(n), np.arange(m) + 1000) is None
    assert shift_of_words({"a": n}, {"b": m}) is None


@pytest.mark.parametrize("n", [FEWEST, FEWEST + 1])
def test_twenty_values_are_enough(n: int) -> None:
    shift = shift_of_numbers(np.arange(n), np.arange(n) + 1000)
    assert shift is not None
    assert shift.p_value < 1e-6
    assert shift.psi > 0.25


def test_words_are_compared_as_by_pearsons_test() -> None:
    before, now = {"a": 300, "b": 200, "c": 100}, {"a": 35, "b": 40, "c": 20}
    shift = shift_of_words(before, now)
    expected = chi2_contingency(np.array([[300, 200, 100], [35, 40, 20]]), correction=False).pvalue
    assert shift is not None
    assert shift.p_value == pytest.approx(expected, abs=0.02)


def test_words_of_another_scanner_have_shifted() -> None:
    shift = shift_of_words({"a": 30, "b": 30}, {"a": 10, "new": 15})
    assert shift is not None
    assert shift.p_value <= 0.001
    assert shift.psi > 0.25


def test_one_word_throughout_has_not_shifted() -> None:
    shift = shift_of_words({"no": 50}, {"no": 30})
    assert shift is not None
    assert (shift.psi, shift.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("words", [{"a": 0.6, "b": 0.3, "c": 0.1}, dict.fromkeys("abcdefghijkl", 1 / 12)])
def test_words_are_called_others_no_more_often_than_the_test_says(words: dict[str, float]) -> None:
    rng, names, p = np.random.default_rng(3), list(words), list(words.values())
    rejected = 0
    for _ in range(300):
        first, second = (dict(zip(names, rng.multinomial(n, p).tolist(), strict=True)) for n in (80, 30))
        shift = shift_of_words(first, second)
        assert shift is not None
        rejected += shift.p_value <= 0.05
    assert rejected <= 300 * 0.05 + 3 * np.sqrt(300 * 0.05 * 0.95)


def test_words_that_were_not_there_are_counted_the_most_frequent_first() -> None:
    assert unseen({"a": 3}, {"a": 9, "c": 1, "b": 1, "d": 4}) == {"d": 4, "b": 1, "c": 1}


def test_new_words_are_expected_where_many_were_seen_once() -> None:
    assert expected_unseen({"a": 8, "b": 1, "c": 1}) == pytest.approx(0.2)
    assert expected_unseen({"a": 8}) == 0.0
    assert expected_unseen({}) == 1.0
