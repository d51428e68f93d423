"""Where a search is kept: a journal file for the workers of one machine, PostgreSQL for those of several."""

import logging
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from medfake.config import TuneParams
from medfake.errors import StorageError
from medfake.locks import waiting_turn

LOSS = "val_loss"  # the objective that is lowered
_JOURNAL = "journal:"
_GIVEN_UP = 3  # heartbeats that a worker on PostgreSQL may miss


def open_study(params: TuneParams, name: str) -> Any:
    """Open a search, or begin it.

    Args:
        params: Storage, heartbeat, warm-up, and the objective, which says which way is better.
        name: Of the search in the storage.

    Returns:
        optuna.Study.

    Raises:
        StorageError: The storage cannot be opened, or holds what Optuna cannot read.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what failed stands in its MLflow run
    logging.getLogger("optuna").propagate = False
    journal = params.storage.startswith(_JOURNAL)
    try:
        return optuna.create_study(
            storage=_journal(_journal_path(params)) if journal else _database(params),
            study_name=name, load_if_exists=True, direction=direction_of(params.objective),
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=params.warm_up),
        )  # fmt: skip
    except (OSError, ImportError, SQLAlchemyError) as error:
        if journal:
            raise
        raise StorageError(
            "the storage of the search cannot be opened", where="tune.storage in params.yaml",
            received=type(error).__name__,
            remedy="start the database (its driver comes with medfake[postgres]), or leave tune.storage out",
        ) from None  # fmt: skip
    except ValueError as error:  # of json, too
        if not journal:
            raise
        path = _journal_path(params)
        raise StorageError(
            "the journal of the search cannot be read", where=path, received=str(error),
            remedy=f"rm {path}, which begins its searches anew (their MLflow runs stay)",
        ) from None  # fmt: skip


def direction_of(objective: str) -> str:
    """Which way is better, in Optuna's words."""
    return "minimize" if objective == LOSS else "maximize"


def sampler_of(seed: int, trial: int) -> Any:
    """The sampler of one trial: equal numbers, equal draws, and no two trials of a search share them.

    Numbers of trials are the storage's, so workers that start together, on one machine or several, draw differently.
    """
    import optuna

    return optuna.samplers.TPESampler(seed=int(np.random.SeedSequence([seed, trial]).generate_state(1)[0]))


def _database(params: TuneParams) -> Any:
    from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # heartbeats and the retry are marked experimental
        return RDBStorage(
            params.storage,
            heartbeat_interval=params.heartbeat_s,
            grace_period=_GIVEN_UP * params.heartbeat_s,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(),
        )


class _SystemLock:
    """A lock for Optuna's journal that the system lets go of however its holder ends.

    Optuna's own is a link that stays behind a killed worker, and that others wait for.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal

    def acquire(self) -> bool:
        """Wait for one's turn, and take away what a killed worker has half written."""
        self._held: AbstractContextManager[None] = waiting_turn(self._journal)
        self._held.__enter__()
        _cut_half_line(self._journal)
        return True

    def release(self) -> None:
        """Let the next one in."""
        self._held.__exit__(None, None, None)


def _journal(path: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=_SystemLock(path)))


def _journal_path(params: TuneParams) -> Path:
    return Path(params.storage.removeprefix(_JOURNAL)).resolve()


def _cut_half_line(path: Path) -> None:
    """End a journal after its last whole line: the one that follows was never told to anybody."""
    with path.open("rb+") as file:
        end = file.seek(0, 2)
        place = end
        while place:
            start = max(0, place - 4096)
            file.seek(start)
            found = file.read(place - start).rfind(b"\n")
            if found >= 0:
                place = start + found + 1
                break
            place = start
        if place < end:
            file.truncate(place)
