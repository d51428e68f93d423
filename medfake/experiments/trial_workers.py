"""Who works on which trial: a worker that was killed holds no lock any more, and its trial is done again."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medfake.locks import exclusive_lock, is_held

WORKER = "worker"  # attribute of a trial


@contextmanager
def working(folder: Path) -> Iterator[str]:
    """Hold a lock for as long as this process works; the system lets go of it however the process ends.

    Yields:
        The worker's name, random.
    """
    name = uuid.uuid4().hex
    path = folder / f"{name}.lock"
    with exclusive_lock(path, "a worker of this name"):
        try:
            yield name
        finally:
            path.unlink(missing_ok=True)


def is_dead(folder: Path, name: str) -> bool:
    """Whether a worker of this machine has ended; of workers elsewhere nothing is known here, and they have not."""
    path = folder / f"{name}.lock"
    return path.exists() and not is_held(path)


def retry_abandoned(study: Any, folder: Path) -> int:
    """End the trials whose workers were killed, and put their options at the head of the queue.

    Returns:
        How many.
    """
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    abandoned = 0
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        name = trial.user_attrs.get(WORKER)
        if name is not None and is_dead(folder, name):
            try:
                study.tell(trial.number, state=TrialState.FAIL)
            except (UpdateFinishedTrialError, ValueError):  # Optuna looks before it writes, and the store while it does
                if study.get_trials(deepcopy=False)[trial.number].state is TrialState.RUNNING:
                    raise
                continue  # another worker saw it first
            study.enqueue_trial(trial.params)
            (folder / f"{name}.lock").unlink(missing_ok=True)
            abandoned += 1
    return abandoned
