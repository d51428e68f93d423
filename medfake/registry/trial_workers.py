"""Who works on which trial: a worker that was killed holds no lock any more, and its trial is done again."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORKER = "worker"  # attribute of a trial


@contextmanager
def working(folder: Path) -> Iterator[str]:
    """Hold a lock for as long as this process works; the system lets go of it however the process ends.

    Yields:
        The worker's name, random.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    path = folder / f"{name}.lock"
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield name
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def is_dead(folder: Path, name: str) -> bool:
    """Whether a worker of this machine has ended; of workers elsewhere nothing is known here, and they have not."""
    path = folder / f"{name}.lock"
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


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
            except UpdateFinishedTrialError:
                continue  # another worker saw it first
            study.enqueue_trial(trial.params)
            (folder / f"{name}.lock").unlink(missing_ok=True)
            abandoned += 1
    return abandoned
