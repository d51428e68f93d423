"""State of a training on disk: whole or not there, refused when params changed."""

from pathlib import Path

import numpy as np
import pytest

from medfake.errors import TrainingError
from medfake.training.run_state import RunState, differences

FACTS = {"learning_rate": 1e-3, "epochs": 80, "window_hu": (-1000.0, 400.0)}


def saved(path: Path) -> RunState:
    state = RunState(path, FACTS)
    state.begin("run-1")
    arrays = [np.full((2, 3), number, np.float32) for number in range(12)]
    state.save({"phase": "head", "epoch": 7, "best": 0.25}, {"weights": arrays, "best": arrays[:1]})
    return state


def test_what_was_saved_comes_back_in_order(tmp_path: Path) -> None:
    saved(tmp_path / "state.npz")
    again = RunState(tmp_path / "state.npz", FACTS)
    groups = again.restored("head")
    assert (again.run_id, again.position["epoch"], again.position["best"]) == ("run-1", 7, 0.25)
    assert groups is not None
    assert [float(one[0, 0]) for one in groups["weights"]] == list(range(12))
    assert again.restored("fine-tune") is None


def test_a_new_training_has_nothing(tmp_path: Path) -> None:
    state = RunState(tmp_path / "state.npz", FACTS)
    assert (state.run_id, state.position, state.restored("head")) == (None, {}, None)


def test_the_run_is_known_before_anything_was_trained(tmp_path: Path) -> None:
    RunState(tmp_path / "state.npz", FACTS).begin("run-2")
    again = RunState(tmp_path / "state.npz", FACTS)
    assert (again.run_id, again.restored("head")) == ("run-2", None)


def test_changed_params_are_refused_with_the_difference(tmp_path: Path) -> None:
    saved(tmp_path / "state.npz")
    with pytest.raises(TrainingError) as caught:
        RunState(tmp_path / "state.npz", FACTS | {"epochs": 60})
    assert caught.value.received == "epochs 80 -> 60"
    assert "rm " in str(caught.value.remedy)


def test_changed_params_of_a_training_that_had_learnt_nothing_begin_anew_in_another_run(tmp_path: Path) -> None:
    RunState(tmp_path / "state.npz", FACTS).begin("run-1")
    again = RunState(tmp_path / "state.npz", FACTS | {"epochs": 60})
    assert (again.run_id, again.position) == (None, {})


def test_a_refusal_before_anything_was_learnt_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError), RunState(tmp_path / "state.npz", FACTS).begun("run-1"):
        raise TrainingError("too few patients")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("error", "learnt"), [(OSError, True), (KeyboardInterrupt, True), (KeyboardInterrupt, False)])
def test_an_interrupt_and_an_error_after_something_was_learnt_go_on(
    tmp_path: Path, error: type[BaseException], learnt: bool
) -> None:
    state = RunState(tmp_path / "state.npz", FACTS)
    with pytest.raises(error), state.begun("run-1"):
        if learnt:
            state.save({"phase": "head", "epoch": 1}, {"weights": [np.zeros(2)]})
        raise error
    assert RunState(tmp_path / "state.npz", FACTS).run_id == "run-1"


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_broken_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.npz"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="cannot be read"):
        RunState(path, FACTS)


def test_at_the_end_nothing_is_left(tmp_path: Path) -> None:
    saved(tmp_path / "state.npz").discard()
    assert list(tmp_path.iterdir()) == []


def test_differences_name_what_came_and_went() -> None:
    assert differences({"a": 1, "b": 2}, {"b": 3, "c": 4}) == ["a 1 -> unset", "b 2 -> 3", "c unset -> 4"]


def test_the_state_of_another_version_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medfake.training.run_state._VERSION", 1)
    saved(tmp_path / "state.npz")
    monkeypatch.undo()
    with pytest.raises(TrainingError, match="another version") as caught:
        RunState(tmp_path / "state.npz", FACTS)
    assert "rm " in str(caught.value.remedy)
