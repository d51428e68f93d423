"""How far a study is: what is done, running, failed or planned, and when it may be over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from medfake.config import TrackingParams
from medfake.experiments.training_run import lock_of
from medfake.locks import is_held
from medfake.package.card import CARD_FILE
from medfake.project import Project, trainings
from medfake.remedies import Stage, stage_name
from medfake.tracking.store import Store
from medfake.tracking.tags import ERROR_TAG, is_training

_PAGE = 1000


class State(StrEnum):
    """Of one training."""

    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    PLANNED = "planned"


@dataclass(frozen=True)
class Training:
    """One training of the matrix.

    Attributes:
        seconds: How long it took; None when it is not done or was not logged.
        error: What ended it, "" when nothing did.
    """

    dataset: str
    detector: str
    seed: int
    state: State
    seconds: float | None
    error: str

    @property
    def stage(self) -> str:
        """Its name for `dvc repro`."""
        return stage_name(Stage.TRAIN, self.dataset, self.detector, self.seed)


@dataclass(frozen=True)
class Status:
    """All trainings of a study, and an estimate of what is left.

    Attributes:
        eta_s: Seconds, from how long the same detectors, else all that are done, took; None when nothing is done.
    """

    trainings: tuple[Training, ...]
    eta_s: float | None

    def of(self, state: State) -> tuple[Training, ...]:
        """Trainings in one state."""
        return tuple(one for one in self.trainings if one.state == state)


def read_status(project: Project) -> Status:
    """Look at packages and MLflow runs of the study's matrix.

    Raises:
        StorageError: The database cannot be opened.
    """
    last = _last_runs(project.tracking)
    found = tuple(
        _training(project, dataset, detector, seed, last.get((dataset, detector, str(seed))))
        for dataset, detector, seed in trainings(project.params)
    )
    return Status(found, _eta_s(found))


def _last_runs(tracking: TrackingParams) -> Mapping[tuple[str, str, str], Any]:
    """The latest MLflow run of every training."""
    store = Store(tracking)
    if not store.exists():
        return {}
    last: dict[tuple[str, str, str], Any] = {}
    for run in sorted(_all_runs(store), key=lambda run: run.info.start_time):
        if is_training(run.data.tags):
            key = (run.data.tags.get("dataset"), run.data.params.get("detector"), run.data.params.get("seed"))
            last[key] = run
    return last


def _all_runs(store: Store) -> Iterator[Any]:
    """Every run of the study's experiment, page by page."""
    with store.session() as client:
        experiment = client.get_experiment_by_name(store.experiment)
        token = None
        while experiment is not None:
            page = client.search_runs([experiment.experiment_id], max_results=_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return


def _training(project: Project, dataset: str, detector: str, seed: int, run: Any) -> Training:
    package = project.package_of(dataset, detector, seed)
    ended = run.info.end_time if run is not None else None
    seconds = (ended - run.info.start_time) / 1000 if ended and run.info.status == "FINISHED" else None
    if is_held(lock_of(project, dataset, detector, seed)):
        return Training(dataset, detector, seed, State.RUNNING, None, "")
    if run is not None and run.info.status == "FAILED":
        return Training(dataset, detector, seed, State.FAILED, None, run.data.tags.get(ERROR_TAG, "no reason was kept"))
    if (package / CARD_FILE).exists():
        return Training(dataset, detector, seed, State.DONE, seconds, "")
    if project.interrupted_file(dataset, detector, seed).exists():
        return Training(dataset, detector, seed, State.INTERRUPTED, None, "")
    return Training(dataset, detector, seed, State.PLANNED, None, "")


def _eta_s(trainings: Sequence[Training]) -> float | None:
    done = [one for one in trainings if one.seconds is not None]
    if not done:
        return None
    mean = sum(one.seconds or 0.0 for one in done) / len(done)
    left = 0.0
    for one in trainings:
        if one.state != State.DONE:
            same = [other.seconds or 0.0 for other in done if other.detector == one.detector]
            left += sum(same) / len(same) if same else mean
    return left
