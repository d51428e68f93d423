import pytest

from medfake.inpainters.watch import Watch


def test_a_look_is_good_while_it_is_nearer_than_the_trivial_fill() -> None:
    watch = Watch(trivial_hu=80.0)
    assert watch.look(10, 90.0, {}) is None
    assert not watch.is_good(10)
    assert watch.look(20, 79.9, {}) is None
    assert watch.is_good(20)
    assert (watch.best_hu, watch.good_hu, watch.good_step) == (79.9, 79.9, 20)


@pytest.mark.parametrize(
    ("difference", "losses", "why"),
    [
        (float("nan"), {}, "held-out difference is no finite number"),
        (60.0, {"generator": float("inf")}, "generator is no finite number"),
        (401.0, {}, "more than 5 times the trivial fill's, 80.0 HU"),
    ],
)
def test_a_training_that_comes_apart_is_stopped_at_once(difference: float, losses: dict[str, float], why: str) -> None:
    watch = Watch(trivial_hu=80.0)
    watch.look(10, 60.0, {})
    assert why in str(watch.look(20, difference, losses))
    assert (watch.good_step, watch.good_hu) == (10, 60.0)


@pytest.mark.parametrize(("difference", "good"), [(60.0, True), (60.1, False), (79.9, False), (80.0, False)])
def test_a_look_is_good_up_to_twice_the_best_and_below_the_trivial_fill(difference: float, good: bool) -> None:
    watch = Watch(trivial_hu=80.0)
    watch.look(10, 30.0, {})
    assert watch.look(20, difference, {}) is None
    assert watch.is_good(20) is good


@pytest.mark.parametrize("worse", [90.0, 70.0])
def test_what_stays_worse_is_stopped_once_it_had_been_better(worse: float) -> None:
    watch = Watch(trivial_hu=80.0)
    assert all(watch.look(step, 90.0, {}) is None for step in range(1, 9))  # it may need long to become good
    watch.look(10, 30.0, {})
    said = [watch.look(step, worse, {}) for step in range(11, 21)]
    assert said[:9] == [None] * 9
    assert "stays worse than the trivial fill's, 80.0 HU, or than 2 times the best, 30.0 HU" in str(said[9])
    assert watch.good_step == 10


def test_a_discriminator_that_is_never_wrong_is_borne_for_a_while() -> None:
    watch = Watch(trivial_hu=80.0)
    losses = [0.01, 0.01, 0.01, 0.5, 0.01, 0.01, 0.01, 0.01]
    said = [watch.look(step, 70.0, {"discriminator": loss}) for step, loss in enumerate(losses, start=1)]
    assert said[:7] == [None] * 7
    assert "never wrong" in str(said[7])


def test_it_goes_on_from_its_position_as_json_knows_it() -> None:
    import json

    watch = Watch(trivial_hu=80.0)
    again = Watch(trivial_hu=80.0)
    again.restore(json.loads(json.dumps(watch.position())))
    assert again == watch
    watch.look(10, 70.0, {"discriminator": 0.0})
    again.restore(json.loads(json.dumps(watch.position())))
    assert again == watch
