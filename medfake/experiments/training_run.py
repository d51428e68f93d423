"""One training from data set to stored package, logged as one MLflow run."""

import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from medfake.config import Section
from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Around
from medfake.detectors.context import TrainingContext
from medfake.detectors.families import family_of
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.experiments.evaluated import evaluate
from medfake.experiments.folds import train_folds
from medfake.experiments.origin import Origin, run_tags
from medfake.experiments.provenance import provenance_of, without_paths, write_provenance
from medfake.experiments.reader_around import reader_around
from medfake.experiments.reference import write_training_reference
from medfake.experiments.run_log import MAIN_METRIC, asked_for, flat, log_outcome, run_name, whole_config
from medfake.files import json_text, replace_folder, write_atomic
from medfake.locks import exclusive_lock
from medfake.metrics.before_calibration import calibrated
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.embeddings import write_embeddings
from medfake.metrics.over_folds import read_tested
from medfake.metrics.predict import predict, predict_some_of_train
from medfake.metrics.predictions import SCORED, write_predictions
from medfake.package.card import EMBEDDINGS_FILE, PREDICTIONS_FILE, Agreement, Card, write_card
from medfake.package.measured import Learnt
from medfake.project import Project
from medfake.tracking.runs import training_run
from medfake.tracking.store import Store
from medfake.training.hardware import describe_hardware
from medfake.training.keras_setup import require_backend
from medfake.training.run_state import RunState
from medfake.training.trained import Trained
from medfake.vocabulary import Split

PACKAGE = "package"


def train_once(project: Project, data: str, detector: str, seed: int, out: Path) -> None:
    """Train a detector and store its package; an interrupt leaves nothing half-written.

    A training that was cut short, even by a kill, goes on where it was, in the same MLflow run, and ends with the same
    figures; when its params or its data changed meanwhile it is refused.

    Args:
        project: Its params say how.
        data: Name of the data set.
        detector: Name in the registry.
        seed: Of the training.
        out: Replaced by detector.onnx, detector.keras (networks), card.json, predictions.parquet, reference.json (of
            data sets of whole slices) and embeddings.parquet (detectors with a layer before the last); of a data set
            with folds also by folds.parquet and their graphs.

    Raises:
        BusyError: The same training is under way.
        TrainingError: The detector cannot be trained, or its ONNX form disagrees with it.
        ManifestError: The data set is not whole.
    """
    options = validate_options(detector, project.params.detectors[detector])
    dataset = Dataset.open(project.slices / data)
    if family_of(detector_spec(detector)).network:
        require_backend()
    what = f"the training of {detector} on {dataset.name}, seed {seed},"
    with exclusive_lock(lock_of(project, dataset.name, detector, seed), what):
        _train(project, dataset, detector, options, seed, out)


def lock_of(project: Project, dataset: str, detector: str, seed: int) -> Path:
    """Held for as long as a training goes on."""
    return project.interrupted_file(dataset, detector, seed).with_suffix(".lock")


def _train(project: Project, dataset: Dataset, detector: str, options: Section, seed: int, out: Path) -> None:
    params = project.params
    spec = detector_spec(detector)
    family = family_of(spec)
    origin = Origin.here(project, dataset)
    hardware = describe_hardware(network=family.network, policy=family.policy(options))
    tags = run_tags(project, origin, hardware)
    provenance = provenance_of(project, dataset.name)  # now: files may change while it trains
    public = without_paths(options.model_dump(mode="json"))
    facts: Mapping[str, object] = {
        "dataset": dataset.name,
        "detector": detector,
        "seed": seed,
        **asked_for(options, public, params.datasets[dataset.name]),
    }
    rests_on = {
        **flat(public),
        "seed": seed,
        "dataset_sha256": dataset.digest,
        "weights_sha256": family.weights_sha256(spec, options),
    }
    interrupted = project.interrupted_file(dataset.name, detector, seed)
    state = RunState(interrupted, rests_on)
    name = run_name(params.train, dataset.name, detector, seed)
    with (
        training_run(Store(params.tracking), name, facts, tags, state.run_id) as run,
        replace_folder(out) as folder,
        state.begun(run.run_id),
    ):
        run.log_dataset(dataset.name, dataset.digest, dataset.counts())
        run.expect_metric(MAIN_METRIC)
        run.log_text("config.json", json_text(whole_config(public, params.datasets[dataset.name])))
        around = reader_around(project, dataset.name, family)
        context = TrainingContext(
            spec=spec, options=options, dataset=dataset, seed=seed, state=state, on_epoch=run.log_epoch,
            features=project.features_of(dataset.name, detector),
            around=around,
        )  # fmt: skip
        started = time.monotonic()
        trained = fit(context)
        fit_seconds = time.monotonic() - started
        agreement, predictions = _write_package(trained, dataset, folder, detector, seed, around)
        learnt = predict_some_of_train(dataset, folder, detector, seed, params.evaluation.train_slices, around)
        folds = train_folds(context, rests_on, interrupted.with_suffix(".folds"))
        if folds is not None:
            folds.write(folder)
        stand_for_test = Split.TEST not in dataset.parts
        to_learn = len(dataset.split(Split.TRAIN))
        card = Card(
            detector=detector,
            options=public,
            seed=seed,
            parameters=trained.parameters,
            localises=spec.localises and bool(predictions.pred_site_y.notna().any()),
            calibration=trained.calibration,
            calibrated=calibrated(predictions, trained.calibration),
            weights=trained.weights,
            chosen=trained.chosen,
            learning=trained.learning,
            learnt=Learnt(slices=trained.slices or to_learn, of=to_learn),
            agreement=agreement,
            trained_on=hardware,
            mlflow_run_id=run.run_id,
            **origin.facts(),
            **evaluate(predictions, params.evaluation, learnt, folds, stand_for_test=stand_for_test).facts(),
        )
        write_card(card, folder)
        write_training_reference(dataset, predictions, card, folder)
        write_provenance(provenance, folder)
        log_outcome(run, trained, card, read_tested(folder, card), Bootstrap.of(params.evaluation), fit_seconds)
        run.log_metrics({"cost/waiting_share": state.pace.waiting_share})
        run.log_folder(folder, PACKAGE)
        if folds is not None:
            folds.move_graphs(folder)  # after what the store keeps: it has no use for them
    state.discard()
    if folds is not None:
        folds.discard()


def _write_package(
    trained: Trained, dataset: Dataset, folder: Path, detector: str, seed: int, around: Around | None
) -> tuple[Agreement, pd.DataFrame]:
    """Store graphs, tables, predictions and embeddings; the card is written once all figures are known."""
    agreement = trained.save(folder)
    for table, text in trained.tables.items():
        with write_atomic(folder / table) as file:
            file.write(text)
    said = predict(dataset, folder, SCORED, detector, seed, around)
    write_predictions(folder / PREDICTIONS_FILE, said.rows)
    if said.embedding is not None:
        write_embeddings(folder / EMBEDDINGS_FILE, said.rows["slice_id"], said.embedding)
    return agreement, said.rows
