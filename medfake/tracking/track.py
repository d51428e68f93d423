"""What MLflow shows of a whole study once its stages are over: runs in order, reports beside them, one view of all."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from statistics import fmean
from typing import Any, Final

from medfake.config import Params
from medfake.package.card import CARD_FILE, Card, read_card
from medfake.project import Project
from medfake.reports.roc_picture import roc_pictures
from medfake.tracking.experiment import require_experiment
from medfake.tracking.runs import Run, status_of
from medfake.tracking.shared_view import View, view_path, view_tag
from medfake.tracking.stage_figures import ROBUSTNESS_DROP, STEP_MS, stage_figures
from medfake.tracking.store import Store
from medfake.tracking.study_run import adopt, begin_group, find_run, study_label, study_run
from medfake.tracking.tags import KIND_TAG, NOTE_TAG, PARENT_TAG, STUDY_TAG, Kind
from medfake.vocabulary import Evidence, Split, Task

COMPARED: Final = (
    *(f"{Split.TEST}/slice/{name}" for name in ("auc", "accuracy", "f1", "h")),
    f"{Split.TEST}/scan/auc",
    f"{Split.TEST}/site/hit_rate",
    f"{Split.TEST}/classes/accuracy",
    ROBUSTNESS_DROP,
    f"{Split.VAL}/slice/auc",
    STEP_MS,
    "cost/parameters",
)
"""Columns and charts of the comparison, as far as a training of the study has them; the first one sorts."""
_AXES: Final = (f"{Split.VAL}/slice/auc", f"{Split.TEST}/slice/auc", f"{Split.TEST}/slice/h", f"{Split.TEST}/scan/auc")
_CURVES: Final = ("val_loss",)
_FINAL: Final = (f"{Split.TEST}/", f"{Split.VAL}/", "cost/", "best_")  # how names of metrics begin that are no curves
_REPORTS: Final = "reports"


@dataclass(frozen=True)
class Tracked:
    """What was logged of a study.

    Attributes:
        run_id: Of the study's run.
        path: Of MLflow's UI, below the server's address: the trainings side by side.
        compared: Trainings that are in the view.
        elsewhere: Trainings whose runs this store does not have, as of packages that others made.
    """

    run_id: str
    path: str
    compared: int
    elsewhere: tuple[str, ...]


@dataclass(frozen=True)
class _Training:
    name: str
    card: Card
    run_id: str


def track(project: Project) -> Tracked:
    """Log what came after the trainings, put their runs in order, and save the view that compares them.

    Trainings get what later stages measured of them. Those that differ in their seed alone go below a run that has the
    means of their metrics. The study's run gets the reports, the data sets and the metrics of the training that is
    best on validation.

    Args:
        project: Its stages are over; reports that are not there are not logged.

    Raises:
        ManifestError: A package is there and its card cannot be read.
        RegistryError: MLflow refuses.
    """
    params, store = project.params, Store(project.params.tracking)
    parent = study_run(project)
    with store.session() as client:
        trainings, elsewhere = _trainings(project, client)
        for one in trainings:
            Run(one.run_id, client).log_metrics(stage_figures(project.reports, one.name))
            adopt(client, one.run_id, parent)
        _group_seeds(store, client, params, parent, trainings)
        _log_study(client, params, parent, trainings)
        _log_reports(client, project, parent)
        view = _view(client, params, trainings)
        experiment = require_experiment(store)
        client.set_experiment_tag(experiment, *view_tag(view))
        client.set_tag(parent, NOTE_TAG, _note(params, trainings, view_path(experiment, view.name)))
        client.set_terminated(parent, "FINISHED")
        return Tracked(parent, view_path(experiment, view.name), len(trainings), tuple(elsewhere))


def _trainings(project: Project, client: Any) -> tuple[list[_Training], list[str]]:
    """Trainings of the study whose runs this store has, and names of the others."""
    found, elsewhere = [], []
    for package in project.packages():
        if (package / CARD_FILE).is_file():
            name, card = "/".join(package.parts[-3:]), read_card(package)
            if card.mlflow_run_id and status_of(client, card.mlflow_run_id):
                found.append(_Training(name, card, card.mlflow_run_id))
            else:
                elsewhere.append(name)
    return found, elsewhere


def _metrics(client: Any, run_id: str) -> dict[str, float]:
    metrics = client.get_run(run_id).data.metrics
    return {name: value for name, value in metrics.items() if name.startswith(_FINAL)}


def _replace_metrics(client: Any, run_id: str, metrics: Mapping[str, float]) -> None:
    """Log metrics; those of before that are not among them, as of another training that was best, become NaN."""
    Run(run_id, client).log_metrics(dict.fromkeys(client.get_run(run_id).data.metrics, math.nan) | dict(metrics))


def _group_seeds(store: Store, client: Any, params: Params, parent: str, trainings: Iterable[_Training]) -> None:
    """A run above trainings that differ in their seed alone, with the means of what all of them have."""
    by_detector: dict[tuple[str, str], list[_Training]] = defaultdict(list)
    for one in trainings:
        by_detector[one.card.dataset, one.card.detector].append(one)
    for (dataset, detector), members in sorted(by_detector.items()):
        if len(members) > 1:
            several = [dataset] if len(params.train.datasets) > 1 else []
            tags = {KIND_TAG: Kind.SEEDS, PARENT_TAG: parent, "dataset": dataset, "detector": detector}
            group = find_run(store, tags) or begin_group(store, " ".join([detector, *several, "seeds"]), tags)
            run = Run(group, client)
            run.log_params({"dataset": dataset, "detector": detector})
            _replace_metrics(client, group, _means([_metrics(client, one.run_id) for one in members]))
            run.log_tag("seeds", ", ".join(str(one.card.seed) for one in members))
            for one in members:
                adopt(client, one.run_id, group, instead_of=parent)
            client.set_terminated(group, "FINISHED")


def _means(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    shared = set.intersection(*(set(table) for table in tables))
    return {name: fmean(table[name] for table in tables) for name in sorted(shared)}


def _log_study(client: Any, params: Params, parent: str, trainings: Sequence[_Training]) -> None:
    """Data sets, and the metrics of the best training on validation."""
    run = Run(parent, client)
    for dataset, digest in sorted({(one.card.dataset, one.card.dataset_sha256) for one in trainings}):
        run.log_dataset(dataset, digest, {})
    best = _best(params, trainings)
    if best is not None:
        _replace_metrics(client, parent, _metrics(client, best.run_id))
        run.log_tag("best_on_validation", best.name)


def _best(params: Params, trainings: Sequence[_Training]) -> _Training | None:
    """By the validation figure that nominates; detectors of another task count where there are no others."""
    trainings = [one for one in trainings if one.card.task is Task.TAMPERING] or trainings
    values = {one.name: one.card.metrics[Split.VAL].get(params.nominate.metric) for one in trainings}
    known = [one for one in trainings if values[one.name] is not None]
    return max(known, key=lambda one: values[one.name] or 0.0, default=None)


def _log_reports(client: Any, project: Project, parent: str) -> None:
    """Reports of the study, those of data sets that it trains on among them, and its ROC curves as pictures."""
    names = set(project.params.train.datasets)
    reports = [path for path in project.reports.glob("*") if path not in (project.tracked, *project.reports.glob(".*"))]
    of_data = [path for path in project.reports.glob("*/*") if path.stem in names]
    for path in sorted(path for path in (*reports, *of_data) if path.is_file()):
        folder = PurePosixPath(_REPORTS, *path.parent.relative_to(project.reports).parts)
        client.log_artifact(parent, str(path), str(folder))
    curves = project.reports / "roc.json"
    if curves.is_file():
        cards = [read_card(package) for package in project.packages() if (package / CARD_FILE).is_file()]
        evidence = {card.dataset: card.evidence for card in cards}
        for name, picture in roc_pictures(json.loads(curves.read_text(encoding="utf-8")), evidence).items():
            client.log_text(parent, picture, f"plots/roc-{name}.svg")


def _view(client: Any, params: Params, trainings: Sequence[_Training]) -> View:
    named = [set(client.get_run(one.run_id).data.metrics) for one in trainings]
    there, shared = set().union(*named), set.intersection(*named) if named else set()
    train = params.train
    several = {"dataset": len(train.datasets) > 1, "seed": len(train.seeds) > 1 or train.repeat is not None}
    return View(
        name=study_label(params.study),
        run_ids=[one.run_id for one in trainings],
        otherwise=f"tags.`{STUDY_TAG}` = '{study_label(params.study)}'",
        params=["detector", *(name for name, varies in several.items() if varies)],
        metrics=[name for name in COMPARED if name in there],
        axes=[name for name in _AXES if name in shared],
        curves=[name for name in _CURVES if name in there],
    )


def _note(params: Params, trainings: Sequence[_Training], path: str) -> str:
    """Description of the study's run."""
    kinds = sorted({one.card.evidence for one in trainings}, key=list(Evidence).index)
    worth = " ".join(kind.sentence for kind in kinds)
    return (
        f"Study {params.study}: {len(trainings)} trainings, [side by side]({path.removeprefix('/')}). Metrics here are "
        f"those of the one that is best on validation. {worth}".strip()
    )
