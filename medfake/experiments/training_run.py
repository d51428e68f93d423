"""One training from data set to stored package, logged as one MLflow run."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from medfake.config import Section
from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.families import family_of
from medfake.detectors.fit import fit
from medfake.detectors.registry import detector_spec, validate_options
from medfake.experiments.folds import FoldTrainings, train_folds
from medfake.experiments.run_log import asked_for, flat, log_outcome
from medfake.files import replace_folder
from medfake.locks import exclusive_lock
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import evaluate_with_intervals
from medfake.metrics.over_folds import read_tested, rows_with_folds, summarise_folds
from medfake.metrics.predict import predict
from medfake.metrics.predictions import SCORED, scan_table, write_predictions
from medfake.metrics.threshold import choose_scan_thresholds, choose_slice_threshold
from medfake.package.card import PREDICTIONS_FILE, Agreement, Card, write_card
from medfake.project import Project
from medfake.tracking.revisions import dvc_lock_sha256, git_revision
from medfake.tracking.runs import Run, training_run
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
        out: Replaced by detector.onnx, detector.keras (networks), card.json and predictions.parquet; of a data set with
            folds also by folds.parquet and the folds' graphs.

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
    params, root = project.params, project.root
    spec = detector_spec(detector)
    family = family_of(spec)
    tags = {
        "dataset": dataset.name,
        "dataset_sha256": dataset.digest,
        "evidence": dataset.evidence,
        "protocol": dataset.protocol,
        "view": dataset.view,
        "git_revision": git_revision(root),
        "dvc_lock_sha256": dvc_lock_sha256(project.dvc_lock) or "none",
        "hardware": describe_hardware(network=family.network),
    }
    public = _public(options.model_dump(mode="json"))
    facts: Mapping[str, object] = {
        "detector": detector,
        "seed": seed,
        "study": params.study,
        **asked_for(public, params.datasets[dataset.name]),
    }
    rests_on = {
        **flat(public),
        "seed": seed,
        "dataset_sha256": dataset.digest,
        "weights_sha256": family.weights_sha256(spec, options),
    }
    interrupted = project.interrupted_file(dataset.name, detector, seed)
    state = RunState(interrupted, rests_on)
    name = f"{detector} {dataset.name} seed {seed}"
    with (
        training_run(Store(params.tracking), name, facts, tags, state.run_id) as run,
        replace_folder(out) as folder,
        state.begun(run.run_id),
    ):
        counts = {str(split): int(rows) for split, rows in dataset.manifest.split.value_counts().sort_index().items()}
        run.log_dataset(dataset.name, dataset.digest, counts)
        context = TrainingContext(
            spec=spec, options=options, dataset=dataset, seed=seed, state=state, on_epoch=run.log_epoch,
            features=project.features_of(dataset.name, detector),
        )  # fmt: skip
        started = time.monotonic()
        trained = fit(context)
        fit_seconds = time.monotonic() - started
        agreement = trained.save(folder)
        predictions = predict(dataset, folder, SCORED, detector, seed)
        write_predictions(folder / PREDICTIONS_FILE, predictions)
        bootstrap = Bootstrap.of(params.evaluation)
        folds = train_folds(context, rests_on, interrupted.with_suffix(".folds"))
        if folds is not None:
            folds.write(folder)
        card = _card(project, dataset, detector, seed, public, trained, agreement, predictions, folds, run, bootstrap)
        write_card(card, folder)
        log_outcome(run, trained, card, read_tested(folder, card), bootstrap, fit_seconds)
        run.log_folder(folder, PACKAGE)
        if folds is not None:
            folds.move_graphs(folder)  # after what the store keeps: it has no use for them
    state.discard()
    if folds is not None:
        folds.discard()


def _public(options: dict[str, Any]) -> dict[str, Any]:
    """Options as they may leave this machine: of a path only the file's name."""
    return {
        key: Path(value).name if isinstance(value, str) and "/" in value else value for key, value in options.items()
    }


def _card(
    project: Project,
    dataset: Dataset,
    detector: str,
    seed: int,
    options: dict[str, Any],
    trained: Trained,
    agreement: Agreement,
    predictions: pd.DataFrame,
    folds: FoldTrainings | None,
    run: Run,
    bootstrap: Bootstrap,
) -> Card:
    """Thresholds are chosen on the validation split; the test split, or the folds that stand for it, only measured."""
    threshold = choose_slice_threshold(predictions)
    scan = choose_scan_thresholds(scan_table(predictions), threshold.value)
    stand_for_test = Split.TEST not in dataset.parts
    if folds is not None and stand_for_test:
        predictions = rows_with_folds(predictions, threshold.value, (scan.low, scan.high), folds.rows, folds.each)
    measured = {
        split: evaluate_with_intervals(predictions[predictions.split == split], threshold.value, bootstrap)
        for split in SCORED
    }
    over_folds = folds and summarise_folds(folds.rows, folds.each, bootstrap, stand_for_test=stand_for_test)
    return Card(
        detector=detector,
        options=options,
        seed=seed,
        dataset=dataset.name,
        dataset_sha256=dataset.digest,
        evidence=dataset.evidence,
        protocol=dataset.protocol,
        view=dataset.view,
        parameters=trained.parameters,
        localises=detector_spec(detector).localises,
        threshold=threshold.value,
        threshold_rule=threshold.rule,
        scan_threshold_low=scan.low,
        scan_threshold_high=scan.high,
        calibration=trained.calibration,
        weights=trained.weights,
        chosen=trained.chosen,
        metrics={split: one.metrics.values() for split, one in measured.items()},
        intervals={split: one.edges for split, one in measured.items()},
        patients={str(split): int(own.patient_id.nunique()) for split, own in predictions.groupby("split")},
        interval_unit={split: one.unit for split, one in measured.items()},
        confidence=bootstrap.confidence,
        sources_apart=dataset.sources_apart,
        folds=over_folds,
        agreement=agreement,
        git_revision=git_revision(project.root),
        dvc_lock_sha256=dvc_lock_sha256(project.dvc_lock),
        mlflow_run_id=run.run_id,
    )
