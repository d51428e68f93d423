"""When a GAN is stopped, and which look is good, at both sides of each limit."""

import pytest

from medfake.generators.watch import ALIKE, LARGEST_LOSS, MUCH_WORSE, NEVER_WRONG, Watch

FINE = {"generator_loss": 2.0, "discriminator_loss": 1.0, "told_real": 0.9, "told_made": 0.9}


def test_a_training_that_goes_well_goes_on_and_its_looks_are_good() -> None:
    watch = Watch(floor=0.1)
    for epoch, distance in ((5, 3.0), (10, 1.0), (15, MUCH_WORSE)):
        assert watch.look(epoch, distance, 1.0, FINE) == ""
        assert watch.is_good(epoch)
    assert watch.look(20, MUCH_WORSE + 0.01, 1.0, FINE) == ""
    assert not watch.is_good(20)
    assert (watch.good_epoch, watch.best) == (15, 1.0)


def test_what_is_nearer_than_patients_are_to_each_other_is_good_whatever_was_best() -> None:
    watch = Watch(floor=0.1)
    watch.look(5, -0.02, 1.0, FINE)
    watch.look(10, 0.1, 1.0, FINE)
    assert watch.is_good(10)
    watch.look(15, 0.11, 1.0, FINE)
    assert not watch.is_good(15)


@pytest.mark.parametrize("floor", [0.0, -0.03])
def test_a_distance_below_0_is_good_though_patients_are_no_farther_from_each_other(floor: float) -> None:
    watch = Watch(floor)
    watch.look(5, -0.02, 1.0, FINE)
    assert watch.is_good(5)
    watch.look(10, 0.001, 1.0, FINE)
    assert not watch.is_good(10)


@pytest.mark.parametrize("name", ["generator_loss", "discriminator_loss"])
@pytest.mark.parametrize(
    ("value", "said"), [(LARGEST_LOSS, ""), (LARGEST_LOSS + 1, "above 50"), (float("nan"), "is no number"),
                        (float("inf"), "is no number")]
)  # fmt: skip
def test_losses_far_off_stop_it(name: str, value: float, said: str) -> None:
    told = Watch(0.1).look(5, 1.0, 1.0, {**FINE, name: value})
    assert said in told
    assert bool(told) == bool(said)
    assert not said or name.replace("_", " ") in told


def test_samples_that_are_no_numbers_stop_it() -> None:
    assert "no numbers" in Watch(0.1).look(5, float("nan"), 1.0, FINE)


def test_samples_alike_stop_it_at_four_looks_in_succession_after_the_beginning() -> None:
    watch = Watch(0.1, warm_epochs=10)
    for epoch in (5, 10, 15, 20, 25):
        assert watch.look(epoch, 1.0, ALIKE - 0.01, FINE) == ""
        assert not watch.is_good(epoch)
    assert "collapsed" in watch.look(30, 1.0, ALIKE - 0.01, FINE)
    watch = Watch(0.1)
    for epoch in range(1, 4):
        watch.look(epoch, 1.0, ALIKE - 0.01, FINE)
    assert watch.look(4, 1.0, ALIKE, FINE) == ""
    assert watch.look(5, 1.0, ALIKE - 0.01, FINE) == ""


def test_a_discriminator_that_is_never_wrong_stops_it_at_four_looks_in_succession() -> None:
    sure = {**FINE, "told_real": NEVER_WRONG, "told_made": 1.0}
    watch = Watch(0.1)
    assert [bool(watch.look(epoch, 1.0, 1.0, sure)) for epoch in range(1, 5)] == [False, False, False, True]
    watch = Watch(0.1)
    wrong_once = {**sure, "told_made": NEVER_WRONG - 0.001}
    assert not any(watch.look(epoch, 1.0, 1.0, wrong_once if epoch == 3 else sure) for epoch in range(1, 7))


def test_it_goes_on_where_it_was() -> None:
    watch, other = Watch(0.1, 2), Watch(0.1, 2)
    other.restore(watch.position())
    assert other == watch
    watch.look(5, 1.0, ALIKE - 0.01, FINE)
    other.restore(watch.position())
    assert other == watch
