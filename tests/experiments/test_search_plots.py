"""When Optuna's plots of a search are drawn."""

from pathlib import Path

import optuna
import pytest

from medfake.experiments.search_plots import importances_are_defined, write_plots


def searched(values: list[float], options: int) -> optuna.Study:
    """A search whose trials had these values, and options that all varied."""
    made = optuna.create_study()
    space = {f"x{at}": optuna.distributions.FloatDistribution(0.0, 100.0) for at in range(options)}
    for number, value in enumerate(values):
        params = {name: float(number) for name in space}
        made.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=value))
    return made


@pytest.mark.parametrize(
    ("values", "options", "defined"),
    [([1, 2, 3, 4, 5], 2, True), ([1, 2, 3, 4], 2, False), ([1, 2, 3, 4, 5], 1, False), ([1, 1, 1, 1, 1], 2, False)],
)
def test_importances_want_five_trials_two_options_and_values_that_differ(
    values: list[float], options: int, defined: bool
) -> None:
    assert importances_are_defined(searched(values, options)) == defined


def test_a_search_without_an_ended_trial_has_no_plots(tmp_path: Path) -> None:
    assert write_plots(optuna.create_study(), "val_loss", tmp_path) == []


def test_two_options_that_matter_unequally_are_drawn(tmp_path: Path) -> None:
    names = write_plots(searched([5, 4, 3, 2, 1], 2), "val_loss", tmp_path)
    assert names == ["history.png", "importances.png"]
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in names)
