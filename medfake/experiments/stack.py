"""Trained detectors of one data set and seed put together, each stack one package and one MLflow run."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.config import Params, StackParams
from medfake.datasets.dataset import Dataset
from medfake.detectors.stack.graph import Member, write_stack
from medfake.detectors.stack.weights import StackWeights, cross_fitted, fit_weights
from medfake.errors import MedfakeError, TrainingError
from medfake.experiments.evaluated import evaluate
from medfake.experiments.origin import Origin, run_tags
from medfake.experiments.reference import write_training_reference
from medfake.experiments.run_log import MAIN_METRIC, asked_for, log_outcome, run_name
from medfake.experiments.training_run import PACKAGE
from medfake.files import replace_folder
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.predict import predict
from medfake.metrics.predictions import SCORED, write_predictions
from medfake.package.card import CARD_FILE, ONNX_FILE, PREDICTIONS_FILE, Agreement, Card, read_card, write_card
from medfake.package.export import require_agreement
from medfake.package.scorer import RUN, Scorer
from medfake.progress import track
from medfake.project import Project, package_folder
from medfake.remedies import Stage, make
from medfake.tracking.runs import training_run
from medfake.tracking.store import Store
from medfake.training.hardware import describe_hardware
from medfake.training.trained import Trained
from medfake.vocabulary import Split

_CHECKED_SLICES = 4


@dataclass(frozen=True)
class _Stack:
    """One stack of one data set and seed."""

    name: str
    params: StackParams
    dataset: str
    seed: int

    def packages(self, project: Project) -> list[Path]:
        """Of its members."""
        return [project.package_of(self.dataset, member, self.seed) for member in self.params.of]


def stack_all(project: Project) -> list[Path]:
    """Put together what the study stacks; a stack that fails stops no other.

    Args:
        project: Its study has `stacks`; packages of stacks that it has no longer are removed.

    Returns:
        Packages.

    Raises:
        TrainingError: Some failed; each is named with its reason.
    """
    wanted = {package_folder(project.stacked, one.dataset, one.name, one.seed): one for one in _stacks(project)}
    for package in project.stacked.glob("*/*/seed-*"):
        if package not in wanted:
            shutil.rmtree(package)
    failed = []
    for package, one in track(wanted.items(), f"{len(wanted)} stacks", len(wanted)):
        try:
            _put_together(project, one, package)
        except MedfakeError as error:
            failed.append(f"{one.dataset}/{one.name}/seed-{one.seed}: {error}")
    if failed:
        raise TrainingError(
            f"{len(failed)} of {len(wanted)} stacks failed", received="; ".join(failed),
            remedy=f"mend what they name, then {make(Stage.STACK)}",
        )  # fmt: skip
    return list(wanted)


def left_out(params: Params) -> dict[str, list[str]]:
    """Stacks that a study does not make, and their members that it does not train."""
    missing = {
        name: [one for one in stack.of if one not in params.train.detectors] for name, stack in params.stacks.items()
    }
    return {name: members for name, members in missing.items() if members}


def _stacks(project: Project) -> Iterator[_Stack]:
    train, without = project.params.train, left_out(project.params)
    for dataset in train.datasets:
        for name, params in project.params.stacks.items():
            for seed in train.seeds if name not in without else ():
                yield _Stack(name, params, dataset, seed)


def _put_together(project: Project, stack: _Stack, out: Path) -> None:
    packages = stack.packages(project)
    missing = [package.parts[-2] for package in packages if not (package / CARD_FILE).is_file()]
    if missing:
        raise TrainingError(
            "a stack needs all of its members", received=f"no package of {', '.join(missing)}",
            remedy=make(Stage.TRAIN, stack.dataset, missing[0], stack.seed),
        )  # fmt: skip
    cards = [read_card(package) for package in packages]
    dataset = Dataset.open(project.slices / stack.dataset)
    others = [card.detector for card in cards if card.task is not dataset.task]
    if others:
        raise TrainingError(
            "a stack needs members that answer one question", where=dataset.task.sentence, received=", ".join(others),
            remedy=make(Stage.TRAIN, stack.dataset, others[0], stack.seed),
        )  # fmt: skip
    origin = Origin.here(project, dataset)
    options = stack.params.model_dump(mode="json")
    facts = {
        "dataset": dataset.name,
        "detector": stack.name,
        "seed": stack.seed,
        **asked_for(stack.params, options, project.params.datasets[stack.dataset]),
    }
    tags = run_tags(project, origin, describe_hardware(network=False))
    name = run_name(project.params.train, dataset.name, stack.name, stack.seed)
    bootstrap = Bootstrap.of(project.params.evaluation)
    with (
        training_run(Store(project.params.tracking), name, facts, tags) as run,
        replace_folder(out) as folder,
    ):
        run.log_dataset(dataset.name, dataset.digest, dataset.counts())
        run.expect_metric(MAIN_METRIC)
        started = time.monotonic()
        fitted = _fit(stack.params, dataset, packages, cards)
        trained = Trained(
            save=lambda to: _save(to, fitted, dataset), parameters=_parameters(cards), chosen=fitted.chosen(),
        )  # fmt: skip
        agreement = trained.save(folder)
        fit_seconds = time.monotonic() - started
        predictions = predict(dataset, folder, SCORED, stack.name, stack.seed).rows
        own = predictions.split == Split.VAL
        by_slice = dict(zip(fitted.slice_ids, fitted.of_others, strict=True))
        predictions.loc[own, "p_tampered"] = predictions.loc[own, "slice_id"].map(by_slice).astype(np.float32)
        write_predictions(folder / PREDICTIONS_FILE, predictions)
        card = Card(
            detector=stack.name,
            options=options,
            seed=stack.seed,
            parameters=trained.parameters,
            localises=any(member.localises for member in fitted.members),
            calibration={},
            weights=trained.weights,
            chosen=trained.chosen,
            agreement=agreement,
            mlflow_run_id=run.run_id,
            **origin.facts(),
            **evaluate(predictions, project.params.evaluation).facts(),
        )
        write_card(card, folder)
        write_training_reference(dataset, predictions, card, folder)
        log_outcome(run, trained, card, predictions, bootstrap, fit_seconds)
        run.log_folder(folder, PACKAGE)


@dataclass(frozen=True)
class _Fitted:
    """Weights of a stack and what they were fitted on.

    Attributes:
        slice_ids: Of the validation slices.
        p: (slices, members) what the members say of them.
        of_others: (slices,) what the stack says of each when fitted without its patient.
        folds: In which it was; 1 where too few patients are there to leave one out.
    """

    members: Sequence[Member]
    weights: StackWeights
    slice_ids: Sequence[str]
    p: NDArray[np.float32]
    of_others: NDArray[np.float64]
    folds: int

    def chosen(self) -> dict[str, Any]:
        """Weights by member, for the card."""
        by_name = {
            f"weight_{one.name}": round(float(w), 6) for one, w in zip(self.members, self.weights.weights, strict=True)
        }
        return {**by_name, "bias": round(self.weights.bias, 6), "validation_folds": self.folds}


def _fit(params: StackParams, dataset: Dataset, packages: Sequence[Path], cards: Sequence[Card]) -> _Fitted:
    rows = dataset.split(Split.VAL)
    graphs = [package / ONNX_FILE for package in packages]
    batches, said = -(-len(rows) // RUN), []
    for card, graph in zip(cards, graphs, strict=True):
        scored = Scorer(graph).score_each(dataset.batches(rows, RUN))
        scores = [one.p_tampered for one in track(scored, f"{card.detector} on validation slices", batches)]
        said.append(np.concatenate(scores))
    p, labels = np.stack(said, axis=1), rows.label.to_numpy()
    of_others, folds = cross_fitted(p, labels, rows.patient_id.to_numpy(), params.strength)
    members = [Member(card.detector, graph, card.localises) for card, graph in zip(cards, graphs, strict=True)]
    return _Fitted(members, fit_weights(p, labels, params.strength), rows.slice_id.tolist(), p, of_others, folds)


def _save(folder: Path, fitted: _Fitted, dataset: Dataset) -> Agreement:
    write_stack(folder / ONNX_FILE, fitted.members, fitted.weights)
    checked = dataset.slices(dataset.split(Split.VAL).iloc[:_CHECKED_SLICES])
    return require_agreement(folder, checked, fitted.weights(fitted.p[:_CHECKED_SLICES]))


def _parameters(cards: Sequence[Card]) -> int | None:
    """Of all members; None where one has none to count."""
    counts = [card.parameters for card in cards]
    return None if None in counts else sum(count or 0 for count in counts)
