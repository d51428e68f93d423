import pytest

from medfake.metrics.drift import FEWEST
from medfake.serving.monitoring.advice import Advice, Finding, advise
from medfake.serving.monitoring.comparison import Comparison, compare_served
from medfake.serving.monitoring.known import reference_of_served
from medfake.serving.monitoring.served import ServedScan
from tests.serving.monitoring.conftest import MakeServed


def advice(served: list[ServedScan], before: list[ServedScan] | None) -> Advice:
    return advise(compared(served, before))


def compared(served: list[ServedScan], before: list[ServedScan] | None) -> Comparison:
    reference = reference_of_served(before, "some scans", "g") if before is not None else None
    return compare_served(served, reference, model="a detector", graph="g")


def test_scans_like_those_before_need_nothing(make_served: MakeServed) -> None:
    said = advice(make_served(40, seed=2), make_served(80, seed=1))
    assert said.finding is Finding.FINE
    assert said.reasons == ()


@pytest.mark.parametrize("changed", [{"noise_hu": 35.0}, {"thickness_mm": 5.0}, {"words": {"kernel": ["new"]}}])
def test_pixels_headers_and_kernels_that_changed_mean_training_anew(
    make_served: MakeServed, changed: dict[str, float]
) -> None:
    said = advice(make_served(40, seed=2, **changed), make_served(80, seed=1))
    assert said.finding is Finding.RETRAIN
    assert said.steps[0].startswith("retrain: ")
    assert "`medfake study use own-bank`" in said.steps[1]
    assert said.reasons


def test_another_mix_of_what_it_knows_is_no_reason_to_train_anew_at_once(make_served: MakeServed) -> None:
    found = compared(make_served(40, seed=2, words={"kernel": ["soft"]}), make_served(80, seed=1))
    said = advise(found)
    assert said.finding is Finding.MIX
    assert said.reasons[0].startswith("Kernel drifted: soft 100 % instead of ")


@pytest.mark.parametrize(("noise_hu", "finding"), [(22.5, Finding.MIX), (40.0, Finding.RETRAIN)])
def test_numbers_that_drift_are_another_mix_as_long_as_the_detector_knows_such(
    make_served: MakeServed, noise_hu: float, finding: Finding
) -> None:
    assert advice(make_served(40, seed=2, noise_hu=noise_hu), make_served(400, seed=1)).finding is finding


def test_the_reason_names_figures_and_new_words(make_served: MakeServed) -> None:
    said = advice(make_served(40, seed=2, noise_hu=35.0, words={"kernel": ["Bv44"]}), make_served(80, seed=1))
    noise, *_, words = said.reasons
    assert noise.startswith("Noise in the lung drifted: 3")
    assert " HU (" in noise
    assert "instead of 20" in noise or "instead of 19" in noise
    assert "p < 0.001" in noise
    assert words.startswith("Kernel: 40 scans have one that the detector has not learnt from: Bv44 (40); ")
    assert words.endswith("100 % of those served (91 to 100 %)")
    assert "with kernel Bv44" in said.steps[0]


def test_scores_alone_that_changed_mean_looking_at_scans(make_served: MakeServed) -> None:
    words = {"verdict": ["tampered", "not tampered"]}
    said = advice(make_served(40, seed=2, p_tampered=0.5, words=words), make_served(80, seed=1))
    assert said.finding is Finding.LOOK
    assert "`medfake explain PATH`" in said.steps[0]


def test_few_scans_say_how_many_more_are_needed(make_served: MakeServed) -> None:
    said = advice(make_served(FEWEST - 3, seed=2, noise_hu=90.0), make_served(80, seed=1))
    assert said.finding is Finding.TOO_FEW
    assert "3 more scans" in said.steps[0]


def test_few_known_scans_are_no_ground_to_compare_on(make_served: MakeServed) -> None:
    said = advice(make_served(100, seed=2, noise_hu=90.0), make_served(FEWEST - 1, seed=1))
    assert said.finding is Finding.TOO_FEW
    assert "tells of 19 scans" in said.sentence


def test_a_detector_that_says_nothing_gets_ways_to_a_reference(make_served: MakeServed) -> None:
    said = advice(make_served(100, seed=2), None)
    assert said.finding is Finding.NOTHING_KNOWN
    assert "--baseline 100" in said.steps[0]
    assert "medfake monitor reference FOLDER" in said.steps[1]


def test_where_nothing_was_recorded_it_says_who_records() -> None:
    said = advice([], None)
    assert said.finding is Finding.TOO_FEW
    assert "`medfake serve`" in said.steps[0]
