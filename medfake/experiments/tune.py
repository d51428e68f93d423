"""A search for a detector's options with Optuna: every trial is a nested MLflow run, and no test split is there."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medfake.config import Choices, Params, Span
from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Around
from medfake.detectors.context import TrainingContext
from medfake.detectors.families import family_of
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.detectors.search_space import nested
from medfake.errors import ConfigError, TrainingError
from medfake.experiments.reader_around import reader_around
from medfake.experiments.run_log import flat
from medfake.experiments.search_plots import write_plots
from medfake.experiments.search_storage import LOSS, open_study, sampler_of
from medfake.experiments.trial_workers import WORKER, retry_abandoned, working
from medfake.locks import waiting_turn
from medfake.metrics.binary import measure
from medfake.metrics.predict import predict
from medfake.metrics.threshold import choose_slice_threshold
from medfake.project import Project
from medfake.tracking.runs import Run, begin_run, continued, status_of, training_run
from medfake.tracking.store import Store
from medfake.tracking.study_run import study_label, study_run
from medfake.tracking.tags import KIND_TAG, PARENT_TAG, SETTING, STUDY_TAG, Kind
from medfake.training.keras_setup import clear_session, require_backend
from medfake.training.run_state import RunState
from medfake.training.trained import Trained
from medfake.vocabulary import Split

_LOG = logging.getLogger(__name__)
PLOTS = "plots"  # folder of artifacts of a search's run
_RUN_ID = "mlflow_run_id"
_WORKERS = "workers"  # folder of their locks


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        study: Its name in the storage; another space, data set or detector has another.
        finished: Trials, pruned ones included.
        pruned: Of these.
        best: Options that were searched, by dotted name.
        objective: What was wanted.
        value: Of it, that they reached.
    """

    study: str
    finished: int
    pruned: int
    best: Mapping[str, Any]
    objective: str
    value: float


def tune(project: Project, data: str, detector: str, trials: int | None = None) -> Tuned:
    """Work on a search until it has its trials; any number of workers may do so at a time.

    Those of one machine begin no trial too many; those of several may begin one more for each machine.

    Args:
        project: Its `tune.space` has a block for the detector.
        data: Name of the data set; its train and val splits are read, nothing of its test split is.
        detector: Name in the registry.
        trials: Finished ones; as params.yaml says when left out.

    Raises:
        ConfigError: There is no space for this detector, or its validation slices do not define the objective.
        StorageError: The storage cannot be opened.
        TrainingError: No trial ended well.
    """
    from optuna.trial import TrialState

    params, workers = project.params, project.tuning / _WORKERS
    wanted = trials or params.tune.trials
    space = _space(params, detector)
    network = family_of(detector_spec(detector)).network
    if network:
        require_backend()
    whole = Dataset.open(project.slices / data)
    dataset = replace(whole, manifest=whole.manifest[whole.manifest.split != Split.TEST].reset_index(drop=True))
    _require_defined(dataset, params.tune.objective)
    name = _name(dataset, detector, params, space)
    store = Store(params.tracking)
    with working(workers) as worker:
        study = open_study(params.tune, name)
        parent = _parent(study, project, data, detector)
        done = (TrialState.COMPLETE, TrialState.PRUNED)
        search = _Search(study, project, dataset, detector, space, parent, worker)
        while True:
            with ExitStack() as turn:
                turn.enter_context(waiting_turn(workers / "next"))
                retry_abandoned(study, workers)
                _end_runs_of_failed(study, store)
                begun = study.get_trials(deepcopy=False)
                left = wanted - sum(trial.state in (*done, TrialState.RUNNING) for trial in begun)
                if left <= 0:
                    break
                failed = sum(trial.state == TrialState.FAIL for trial in begun)
                if failed > wanted:
                    raise TrainingError(
                        "more trials failed than were asked for", where=name, received=f"{failed} failed",
                        remedy="look at the failed runs in the MLflow UI; the space may hold options that cannot work",
                    )  # fmt: skip
                search.one_trial(begun=turn.close)
            if network:
                clear_session()
        finished = study.get_trials(deepcopy=False, states=done)
        with store.session() as client, tempfile.TemporaryDirectory() as plots:
            write_plots(study, params.tune.objective, Path(plots))
            Run(parent, client).log_folder(Path(plots), PLOTS)
            if len(finished) >= wanted:
                client.set_terminated(parent, "FINISHED")
    complete = [trial for trial in finished if trial.state == TrialState.COMPLETE]
    if not complete:
        raise TrainingError("no trial has ended yet", where=name, remedy="wait for other workers, then run it again")
    best = study.best_trial
    options = {key: json.loads(value) if _is_choice(space[key]) else value for key, value in best.params.items()}
    return Tuned(name, len(finished), len(finished) - len(complete), options, params.tune.objective, float(best.value))


def _space(params: Params, detector: str) -> dict[str, Span | Choices]:
    space = params.tune.space.get(detector)
    if not space:
        own = detector_spec(detector).options().model_dump(mode="json").items()
        option, value = next((name, default) for name, default in own if isinstance(default, int | float))
        choices = f"{{choices: [{value}, {2 * value}]}}"
        raise ConfigError(
            "there is nothing to search", where=f"tune.space.{detector} in params.yaml", received="no such block",
            remedy=f"name options and their values there, e.g. {detector}: {{{option}: {choices}}}",
        )  # fmt: skip
    return space


def _require_defined(dataset: Dataset, objective: str) -> None:
    classes = sorted(set(dataset.split(Split.VAL).label))
    if objective != LOSS and len(classes) < 2:
        raise ConfigError(
            f"validation slices of one class define no {objective}", where="tune.objective in params.yaml",
            received=f"labels {classes} in the val split of {dataset.name}",
            remedy=f"tune.objective: {LOSS}, or give the val split patients of both classes",
        )  # fmt: skip


def _name(dataset: Dataset, detector: str, params: Params, space: Mapping[str, Span | Choices]) -> str:
    """Data set, detector and a hash of all that makes trials comparable."""
    facts = {
        "dataset": dataset.digest,
        "options": params.detectors.get(detector, {}),
        "space": {key: one.model_dump() for key, one in space.items()},
        "seed": params.tune.seed,
        "objective": params.tune.objective,
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return f"{dataset.name}-{detector}-{digest[:10]}"


def _parent(study: Any, project: Project, data: str, detector: str) -> str:
    """The MLflow run that all trials are nested in; the first worker begins it, and so does one who finds it gone."""
    params, known = project.params, study.user_attrs.get(_RUN_ID)
    store = Store(params.tracking)
    with store.session() as client:
        run_id = continued(client, known)
    if run_id is None:
        several = [data] if len(params.train.datasets) > 1 else []
        tags = {
            KIND_TAG: Kind.SEARCH,
            STUDY_TAG: study_label(params.study),
            PARENT_TAG: study_run(project),
            "search": study.study_name,
        }
        run_id = begin_run(store, " ".join([str(Kind.SEARCH), detector, *several]), tags)
        study.set_user_attr(_RUN_ID, run_id)
    if known not in (None, run_id):
        _LOG.warning("the MLflow run of this search is gone; the search goes on, in a new run")
    return run_id


def _end_runs_of_failed(study: Any, store: Store) -> None:
    """MLflow runs of trials whose workers were killed must not look as if they went on."""
    from optuna.trial import TrialState

    with store.session() as client:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)):
            run_id = trial.user_attrs.get(_RUN_ID)
            if run_id is not None and status_of(client, run_id) == "RUNNING":
                client.set_terminated(run_id, "KILLED")


@dataclass(frozen=True)
class _Search:
    """What the trials of one worker share.

    Attributes:
        study: optuna.Study.
        project: Where it works.
        dataset: Without its test split.
        detector: Name in the registry.
        space: What is searched.
        parent: The MLflow run that all trials are nested in.
        worker: Its name.
    """

    study: Any
    project: Project
    dataset: Dataset
    detector: str
    space: Mapping[str, Span | Choices]
    parent: str
    worker: str

    def one_trial(self, begun: Callable[[], None]) -> None:
        """Ask for one trial and train it; what breaks it is kept in its MLflow run, and the search goes on.

        Args:
            begun: Called once others can see the trial, before it is trained.
        """
        self.study.optimize(lambda trial: self._objective(trial, begun), n_trials=1, catch=(TrainingError,))

    def _objective(self, trial: Any, begun: Callable[[], None]) -> float:
        """Lowest validation loss of one training, or a figure of its validation slices.

        A trial is pruned by its validation loss, whatever the objective: figures are known at its end alone.
        """
        import optuna

        params, detector, dataset = self.project.params, self.detector, self.dataset
        trial.set_user_attr(WORKER, self.worker)
        begun()
        trial.study.sampler = sampler_of(params.tune.seed, trial.number)
        found = {key: _suggest(trial, key, one) for key, one in self.space.items()}
        options = validate_options(detector, nested(params.detectors.get(detector, {}), found))
        losses: list[float] = []
        objective = params.tune.objective
        worse = 1 if objective == LOSS else -1  # what is reported goes the way of the objective
        tags = {
            KIND_TAG: Kind.TRIAL,
            STUDY_TAG: study_label(params.study),
            PARENT_TAG: self.parent,
            "dataset": dataset.name,
            "dataset_sha256": dataset.digest,
        }
        facts = {"dataset": dataset.name, "detector": detector, "seed": params.tune.seed, **flat(found, SETTING)}
        with (
            training_run(Store(params.tracking), f"trial {trial.number}", facts, tags) as run,
            tempfile.TemporaryDirectory() as scratch,
        ):
            trial.set_user_attr(_RUN_ID, run.run_id)

            def on_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
                run.log_epoch(epoch, metrics)
                losses.append(metrics["val_loss"])
                trial.report(metrics["val_loss"] * worse, epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned

            around = reader_around(self.project, dataset.name, family_of(detector_spec(detector)))
            try:
                context = TrainingContext(
                    spec=detector_spec(detector), options=options, dataset=dataset, seed=params.tune.seed,
                    features=_features(self.project.tuning, dataset, detector, options),
                    state=RunState(Path(scratch) / "state.npz", {}), on_epoch=on_epoch,
                    around=around,
                )  # fmt: skip
                trained = fit(context)
            except optuna.TrialPruned:
                _tell(run, trial, "pruned")
                raise
            figures = {} if objective == LOSS else _val_figures(trained, dataset, detector, params.tune.seed, around)
            run.log_metrics({f"{Split.VAL}/slice/{name}": value for name, value in figures.items()})
            _tell(run, trial, "complete")
        return min(losses) if objective == LOSS else figures[objective] or 0.0  # undefined is as bad as can be


def _val_figures(
    trained: Trained, dataset: Dataset, detector: str, seed: int, around: Around | None
) -> dict[str, float | None]:
    """Metrics of the validation slices at the threshold that they choose, by what would be served."""
    with tempfile.TemporaryDirectory() as package:
        trained.save(Path(package))
        predictions = predict(dataset, Path(package), (Split.VAL,), detector, seed, around).rows
    return measure(predictions, choose_slice_threshold(predictions).value).values()


def _tell(run: Run, trial: Any, outcome: str) -> None:
    run.log_tag("trial", f"{trial.number} {outcome}")


def _features(tuning: Path, dataset: Dataset, detector: str, options: Any) -> Path:
    """Features of each input size and window have a folder of their own, for trials may vary them."""
    key = family_of(detector_spec(detector)).features_key(options)
    return tuning if key is None else tuning / "features" / dataset.name / detector / key


def _suggest(trial: Any, key: str, one: Span | Choices) -> Any:
    if isinstance(one, Choices):
        return json.loads(trial.suggest_categorical(key, [json.dumps(choice) for choice in one.choices]))
    if isinstance(one.low, int) and isinstance(one.high, int) and not isinstance(one.step, float):
        return trial.suggest_int(key, one.low, one.high, step=one.step or 1, log=one.log)
    return trial.suggest_float(key, one.low, one.high, step=one.step, log=one.log)


def _is_choice(one: Span | Choices) -> bool:
    return isinstance(one, Choices)
