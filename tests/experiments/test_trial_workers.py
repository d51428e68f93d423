"""What becomes of trials whose workers were killed."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from medfake.experiments.trial_workers import WORKER, retry_abandoned


class Late:
    """A worker's view of a study that another one has changed since it looked."""

    def __init__(self, study: optuna.Study, seen: list[FrozenTrial]) -> None:
        self._study, self._seen = study, seen

    def get_trials(self, deepcopy: bool = True, states: tuple[TrialState, ...] | None = None) -> list[FrozenTrial]:
        return self._seen if states else self._study.get_trials(deepcopy)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)


@pytest.fixture
def abandoned(tmp_path: Path) -> optuna.Study:
    """A study with one trial whose worker left nothing but its lock."""
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/study.db")
    study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}).set_user_attr(WORKER, "one")
    (tmp_path / "one.lock").touch()
    return study


def test_an_abandoned_trial_ends_and_its_options_are_tried_again(abandoned: optuna.Study, tmp_path: Path) -> None:
    assert retry_abandoned(abandoned, tmp_path) == 1
    first, again = abandoned.get_trials()
    assert (first.state, again.state) == (TrialState.FAIL, TrialState.WAITING)
    assert again.system_attrs["fixed_params"] == first.params
    assert retry_abandoned(abandoned, tmp_path) == 0


def test_of_two_workers_that_see_it_one_retries_it(abandoned: optuna.Study, tmp_path: Path) -> None:
    seen = abandoned.get_trials(states=(TrialState.RUNNING,))
    abandoned.tell(0, state=TrialState.FAIL)
    assert retry_abandoned(Late(abandoned, seen), tmp_path) == 0
    assert len(abandoned.get_trials()) == 1
