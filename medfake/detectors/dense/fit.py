"""Training of dense detectors: judges of places from a bank, patients of the data set's other splits left out."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.dense.judge import PlaceBatches
from medfake.detectors.dense.network import judges_of_round
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.dense.statistics import PlaceStatistics, open_statistics
from medfake.detectors.only_ct import require_ct
from medfake.detectors.registry import DetectorSpec
from medfake.errors import TrainingError
from medfake.log_odds import logit
from medfake.lungs import lung_in_view
from medfake.package.card import AGGREGATION_FILE, Agreement
from medfake.package.export import export_keras
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.scan_scores import counted_slices
from medfake.tamper.bank import Bank
from medfake.training.calibration import EDGE, fit_platt
from medfake.training.keras_setup import import_keras
from medfake.training.phase import BatchSource, Phase, train_phase
from medfake.training.trained import Trained
from medfake.vocabulary import Split

LEAST_PATIENTS: Final = 5
VALIDATION_PLACES: Final = 8000
_VALIDATION_BATCH: Final = 2048
_CALIBRATION_BATCH: Final = 2
_MOMENTS_OF: Final = 50_000  # places

DenseContext = TrainingContext[DetectorSpec, ResidualStatisticsOptions]


def train_dense(context: DenseContext) -> Trained:
    """Train a dense detector; the val split chooses the weights and the calibration.

    Patients of the bank that are in the data set's val split validate, those in its test split are left out.

    Raises:
        TrainingError: Too few patients remain to learn from, or none to validate on; or the data set is of another
            modality than banks are.
        ManifestError: The bank is not whole.
    """
    options, dataset = context.options, context.dataset
    require_ct(dataset, context.spec.name, "banks hold nothing else")
    bank = Bank.open(Path(options.bank))
    places = open_statistics(bank)
    judges, detector, aggregation = learn(
        context, places, _patients(dataset, Split.VAL), _patients(dataset, Split.TEST)
    )
    a, b = _calibrate(detector, aggregation, dataset)
    sample = dataset.slices(dataset.split(Split.VAL).iloc[:4])

    return Trained(
        save=lambda folder: save_package(detector, aggregation, folder, sample),
        parameters=int(judges.count_params()),
        calibration={"a": a, "b": b},
    )


def save_package(detector: Any, aggregation: Any, folder: Path, sample: NDArray[np.int16]) -> Agreement:
    """Write both graphs of a detector; arguments and errors as `export_keras`."""
    agreement = export_keras(detector, folder, sample)
    write_aggregation(aggregation, folder / AGGREGATION_FILE)
    return agreement


def write_aggregation(aggregation: Any, path: Path) -> None:
    """Write the graph that leads from places to a scan."""
    places = np.zeros((1, 8, 8), np.float32)
    write_onnx(aggregation, path, [places, places, np.zeros(1, np.float32)])


def calibrate(detector: Any, aggregation: Any, a: float, b: float) -> None:
    """Store Platt's a and b in both graphs."""
    for graph in (detector, aggregation):
        graph.get_layer("calibration").set_weights([np.float32(a), np.float32(b)])


def learn(
    context: DenseContext, places: PlaceStatistics, val: Collection[str], test: Collection[str]
) -> tuple[Any, Any, Any]:
    """Train judges on all patients of a bank but some.

    Args:
        context: Options, seed, state.
        places: Of the bank.
        val: Patients whose places choose the weights; where there are none, places that were learnt from stand in,
            which choose little more than the last epoch.
        test: Patients that are left out.

    Returns:
        Judges, detector and aggregation, see `build_residual_statistics`; not calibrated.
    """
    options = context.options
    keras = import_keras(context.seed)

    rng = np.random.default_rng(context.seed)
    seen = seen_places(places.places, options)
    theirs = places.places.patient_id.isin(list(val))
    train = places.where(seen & ~theirs & ~places.places.patient_id.isin(list(test)))
    validated = places.where(seen & theirs)
    if not val:
        validated = train
    _require_patients(train, validated, options)
    some = train.features[rng.permutation(len(train.places))[:_MOMENTS_OF]].astype(np.float32)
    judges, detector, aggregation = context.spec.build(some.mean(axis=0), some.std(axis=0), options)
    looks = _looks(validated, options.members, np.random.default_rng(0))
    rounds = [f"judges {number + 1}" for number in range(options.rounds)]
    stopped_in = context.state.position.get("phase")
    for number in range(rounds.index(stopped_in) if stopped_in in rounds else 0, options.rounds):
        ours, first_epoch = judges_of_round(judges, number), number * options.epochs
        _compile(keras, ours, options)
        batches = PlaceBatches(train, ours, options, np.random.default_rng([context.seed, number]), first_epoch)
        phase = Phase(rounds[number], options.epochs, first_epoch, start_counts=False)
        train_phase(ours, batches, looks, phase, context.state, context.on_epoch, judges)
    _round_to_half(judges)
    return judges, detector, aggregation


def _round_to_half(judges: Any) -> None:
    """Kernels to what half precision holds: the graph takes half the space, and a logit moves by thousandths."""
    judges.set_weights([
        one.astype(np.float16).astype(np.float32) if one.ndim > 1 else one for one in judges.get_weights()
    ])  # fmt: skip


def _compile(keras: Any, judges: Any, options: ResidualStatisticsOptions) -> None:
    steps = options.epochs * -(-options.places // options.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=options.label_smoothing)
    judges.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)


def seen_places(places: pd.DataFrame, options: ResidualStatisticsOptions) -> "pd.Series[bool]":
    """Which places of a bank a training may look at: none of manipulations or makers that are left out.

    Args:
        places: As in `PlaceStatistics`.
        options: `without` and `without_scanners`.
    """
    without = list(options.without)
    made = places.family.isin(without) | places.manipulation.isin(without)
    return ~made & ~places.manufacturer.isin(list(options.without_scanners))


def _looks(places: PlaceStatistics, members: int, rng: np.random.Generator) -> BatchSource:
    """As many tampered as untouched places to validate on."""
    labels = places.places.label.to_numpy()
    rows = [rng.permutation(np.flatnonzero(labels == label)) for label in (0, 1)]
    count = min(VALIDATION_PLACES // 2, *map(len, rows))
    chosen = np.concatenate([one[:count] for one in rows])
    features = places.features[chosen]
    return BatchSource(
        lambda which: features[which].astype(np.float32),
        np.repeat(labels[chosen].astype(np.float32)[:, None], members, axis=1), _VALIDATION_BATCH,
    )  # fmt: skip


def _patients(dataset: Dataset, split: Split) -> set[str]:
    return set(dataset.split(split).patient_id)


def _require_patients(train: PlaceStatistics, val: PlaceStatistics, options: ResidualStatisticsOptions) -> None:
    """Raises TrainingError where patients, sites or untouched places are too few."""
    patients, validating = train.places.patient_id.nunique(), val.places.patient_id.nunique()
    if (
        patients < LEAST_PATIENTS
        or validating == 0
        or train.places.label.nunique() < 2
        or val.places.label.nunique() < 2
    ):
        raise TrainingError(
            f"a judge needs manipulated and untouched places of {LEAST_PATIENTS} patients to learn from and of 1 more "
            "to validate on: what it learns of fewer holds for their scanners alone",
            where=options.bank, received=f"{_summary(train)} to learn from, {_summary(val)} to validate on",
            remedy="add folders to banks.<name>.reals in params.yaml, or put fewer patients into val and test",
        )  # fmt: skip


def _summary(places: PlaceStatistics) -> str:
    labels, patients = places.places.label, places.places.patient_id.nunique()
    return f"{patients} patients with {(labels == 1).sum()} manipulated and {(labels == 0).sum()} untouched places"


def _calibrate(detector: Any, aggregation: Any, dataset: Dataset) -> tuple[float, float]:
    """Fit Platt's a and b on validation slices, as they stand in their scans, and store them in both graphs.

    Slices that show no lung are left out as they are of a scan.

    Raises:
        TrainingError: Those that show lung are all real, or all tampered.
    """
    logits, known = said_of_slices(detector, aggregation, dataset, dataset.split(Split.VAL))
    if len(set(known)) < 2:
        raise TrainingError(
            "validation slices that show lung are of one class alone: there is nothing to calibrate on",
            where=dataset.name, received=f"{int(known.sum())} tampered of {len(known)}",
            remedy="give the val split more patients in datasets.<name>.split",
        )  # fmt: skip
    a, b = fit_platt(logits, known)
    calibrate(detector, aggregation, a, b)
    return a, b


def said_of_slices(
    detector: Any, aggregation: Any, dataset: Dataset, rows: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """What a detector says of slices, each as it stands among those of its scan.

    Args:
        detector: As of `build_detector`.
        aggregation: As of `build_aggregation`; logits are calibrated as it is.
        dataset: Of the slices.
        rows: Of its manifest, whole scans or what the data set has of them.

    Returns:
        Logits and labels of slices that show lung, scan by scan.
    """
    slices, labels = [np.empty(0)], [np.empty(0, np.int64)]
    for _, scan in rows.groupby("scan_id"):
        shows_lung = [lung_in_view(hu, mm) for hu, mm in zip(dataset.mapped(scan), scan.spacing_mm, strict=True)]
        counted = counted_slices(np.ones(len(scan), bool), np.array(shows_lung))
        said = [detector.predict_on_batch(batch) for batch in dataset.batches(scan, _CALIBRATION_BATCH)]
        logit_map, counts = (np.concatenate([one[name] for one in said]) for name in ("place_logit", "place_counts"))
        places = [logit_map, counts * counted[:, None, None], scan.z_mm.to_numpy(np.float32)]
        slices.append(aggregation.predict_on_batch(places)["slice_p"][counted])
        labels.append(scan.label[counted].to_numpy())
    return logit(np.concatenate(slices), EDGE), np.concatenate(labels)
