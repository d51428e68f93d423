import json

import numpy as np
import pytest

from medfake.metrics.drift import FEWEST
from medfake.package.measured import FalseAlarms
from medfake.package.reference import Reference
from medfake.serving.monitoring.comparison import Comparison, State, compare_served
from medfake.serving.monitoring.known import reference_of_served
from medfake.serving.monitoring.served import ServedScan
from tests.serving.monitoring.conftest import MakeServed

GRAPH = "g" * 64


def known(scans: list[ServedScan], **changed: object) -> Reference:
    return reference_of_served(scans, "some scans", GRAPH).model_copy(update=changed)


def compare(served: list[ServedScan], reference: Reference | None, **facts: object) -> Comparison:
    return compare_served(served, reference, **({"model": "a detector", "graph": GRAPH} | facts))


def changed(found: Comparison) -> set[str]:
    return {one.name for one in found.compared if one.state in (State.DRIFTED, State.MOVED)}


@pytest.mark.parametrize(("before", "now"), [(60, 20), (60, 30), (200, 100)])
def test_where_nothing_changed_hardly_ever_anything_is_found(make_served: MakeServed, before: int, now: int) -> None:
    looks = 150
    alarms = sum(
        bool(changed(compare(make_served(now, seed=2 * n + 1), known(make_served(before, seed=2 * n)))))
        for n in range(looks)
    )
    assert alarms <= 5  # 1.5 are expected; more than 5 of as many looks at 1 % happen once in 220 times


def test_noise_that_rose_is_found_and_nothing_else(make_served: MakeServed) -> None:
    found = compare(make_served(30, seed=2, noise_hu=27.0), known(make_served(60, seed=1)))
    assert changed(found) == {"noise_hu"}
    (drifted,) = found.in_state(State.DRIFTED)
    assert drifted.now.median == pytest.approx(27.0, abs=1.5)


@pytest.mark.parametrize(("count", "state"), [(FEWEST - 1, State.UNKNOWN), (FEWEST, State.DRIFTED)])
def test_twenty_scans_are_the_least_to_say(make_served: MakeServed, count: int, state: State) -> None:
    found = compare(make_served(count, seed=2, noise_hu=40.0), known(make_served(60, seed=1)))
    (noise,) = [one for one in found.compared if one.name == "noise_hu"]
    assert noise.state is state
    assert ("20 are the least" in noise.why) is (state is State.UNKNOWN)


def test_a_change_of_no_importance_is_none_however_many_scans_show_it(make_served: MakeServed) -> None:
    found = compare(make_served(8000, seed=2, noise_hu=20.3), known(make_served(8000, seed=1)))
    (noise,) = [one for one in found.compared if one.name == "noise_hu"]
    assert noise.shift is not None
    assert noise.shift.p_value < 0.05
    assert noise.state is State.AS_BEFORE


def test_a_new_maker_and_kernel_are_found_and_counted(make_served: MakeServed) -> None:
    words = {"maker": ["A", "C"], "kernel": ["soft", "new-1", "new-2"]}
    found = compare(make_served(60, seed=2, words=words), known(make_served(60, seed=1)))
    assert {"maker", "kernel"} <= changed(found)
    new = {one.name: one for one in found.new_words}
    assert set(new) == {"maker", "kernel"}
    assert set(new["kernel"].counts) == {"new-1", "new-2"}
    assert new["kernel"].share == sum(new["kernel"].counts.values()) / 60
    assert all(one.many for one in new.values())


def test_a_stray_is_told_and_is_no_more_than_that(make_served: MakeServed) -> None:
    scans = [*make_served(59, seed=2), *make_served(1, seed=3, words={"kernel": ["odd"]})]
    found = compare(scans, known(make_served(60, seed=1)))
    (new,) = found.new_words
    assert new.counts == {"odd": 1}
    assert not new.many


def test_kernels_are_no_news_where_every_scan_has_one_of_its_own(make_served: MakeServed) -> None:
    before = make_served(30, seed=1, words={"kernel": [f"k{n}" for n in range(500)]})
    now = make_served(30, seed=2, words={"kernel": [f"k{n}" for n in range(500, 1000)]})
    (new,) = compare(now, known(before)).new_words
    assert new.share == 1.0
    assert not new.many  # Good and Turing expect as much


def test_scores_of_some_slices_are_not_compared_with_those_of_whole_scans(make_served: MakeServed) -> None:
    found = compare(make_served(40, seed=2, p_tampered=0.9), known(make_served(40, seed=1), whole=False))
    unknown = {one.name: one.why for one in found.in_state(State.UNKNOWN)}
    assert set(unknown) == {"n_slices", "p_tampered", "slice_p", "verdict", "transfer_syntax"}
    assert "some slices" in unknown["p_tampered"]


def test_scores_of_another_detector_are_not_compared(make_served: MakeServed) -> None:
    found = compare(make_served(40, seed=2, p_tampered=0.9), known(make_served(40, seed=1), graph_sha256="other"))
    unknown = {one.name: one.why for one in found.in_state(State.UNKNOWN)}
    assert set(unknown) == {"p_tampered", "slice_p", "verdict", "transfer_syntax"}
    assert "another detector" in unknown["verdict"]


def test_p_values_are_corrected_for_all_statistics_that_were_asked(make_served: MakeServed) -> None:
    found = compare(make_served(40, seed=2), known(make_served(60, seed=1)))
    asked = [one for one in found.compared if one.shift]
    smallest = min(asked, key=lambda one: one.shift.p_value)
    assert smallest.p_adjusted == pytest.approx(min(1.0, len(asked) * smallest.shift.p_value))


def test_shares_of_verdicts_have_wilsons_intervals(make_served: MakeServed) -> None:
    words = {"verdict": ["tampered"]}
    found = compare(make_served(10, seed=2, words=words), known(make_served(40, seed=1)))
    tampered, uncertain, _ = found.shares
    assert (tampered.before, tampered.now) == (0.0, 1.0)
    assert tampered.now_interval.low == pytest.approx(10 / (10 + 1.959964**2))
    assert uncertain.now == 0.0
    assert tampered.before_interval.high == pytest.approx(1.959964**2 / (40 + 1.959964**2))


def test_the_cards_false_alarms_stand_for_what_nobody_scored_whole(make_served: MakeServed) -> None:
    alarms = FalseAlarms(scans=50, rate=0.04, low=0.01, high=0.13)
    found = compare(make_served(30, seed=2), None, alarms=alarms)
    tampered, uncertain, _ = found.shares
    assert tampered.before == 0.04
    assert uncertain.before is None
    assert found.compared == ()


def test_nothing_served_is_nothing_compared(make_served: MakeServed) -> None:
    found = compare([], known(make_served(40, seed=1)))
    assert (found.served, found.days, found.shares, found.new_words) == (0, None, (), ())
    assert {one.state for one in found.compared} == {State.UNKNOWN}


def test_it_is_told_as_plain_values_without_those_of_single_scans(make_served: MakeServed) -> None:
    found = compare(make_served(30, seed=2), known(make_served(60, seed=1)))
    plain = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert plain["compared"][0]["before"]["values"] == 60
    assert plain["compared"][0]["state"] in list(State)
    assert not np.any([isinstance(one["now"].get("values"), list) for one in plain["compared"]])
