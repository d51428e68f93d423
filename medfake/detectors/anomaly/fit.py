"""Training of one-class detectors: real slices of some patients to learn from, of others to set levels on."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.anomaly.levels import LEAST_SLICES, fit_level, fit_tail
from medfake.detectors.anomaly.one_class import Learning, OneClass, build_judge
from medfake.detectors.anomaly.options import RealScansOptions
from medfake.detectors.anomaly.real_slices import RealSlice, batches, learnt_from, real_rows, slices_of
from medfake.detectors.context import TrainingContext
from medfake.detectors.dense.fit import calibrate, said_of_slices, save_package
from medfake.detectors.only_ct import require_ct
from medfake.detectors.registry import DetectorSpec
from medfake.errors import TrainingError
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.scorer import INPUT, open_session
from medfake.training.keras_setup import import_keras
from medfake.training.trained import Trained
from medfake.vocabulary import Split

LEAST_PLACES: Final = 200
_BATCH: Final = 2
_OF_A_SLICE: Final = 400  # places
_TRACED_PX: Final = 128

AnomalyContext = TrainingContext[DetectorSpec, RealScansOptions]
Places = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Of one slice: (down, across, features), and (down, across) 0 or 1 where a place counts."""


@dataclass(frozen=True)
class LearntReal:
    """What was learnt of real slices.

    Attributes:
        front: Keras model, see `build_front`.
        judge: Keras model, (places, features) -> (places, 1) logits.
        slices: That were learnt from.
        patients: Of these.
    """

    front: Any
    judge: Any
    slices: int
    patients: int


def train_anomaly(context: AnomalyContext) -> Trained:
    """Train a one-class detector; no manipulated pixel is looked at, and no label but that a scan is real.

    Raises:
        TrainingError: The data set is of another modality than CT, or real slices are missing, too few, of too few
            patients, or show too little lung.
        ManifestError: The bank that it names is not whole.
    """
    options, dataset = context.options, context.dataset
    require_ct(dataset, context.spec.name, "its front looks at lungs, in Hounsfield units")
    import_keras(context.seed)
    train = learnt_from(dataset, options.bank, options.slices, context.seed)
    rows = real_rows(dataset, Split.VAL)
    learning = Learning(context.seed, context.state, context.on_epoch)
    _require_validation(len(rows), dataset)
    learnt = learn_real(context.spec.build(options), train, slices_of(dataset, rows), learning)

    from medfake.detectors.dense.network import build_aggregation, build_detector

    detector, aggregation = build_detector(learnt.judge, learnt.front), build_aggregation()
    logits, _ = said_of_slices(detector, aggregation, dataset, rows)
    _require_validation(len(logits), dataset)
    a, b = fit_tail(logits, options.false_alarms)
    calibrate(detector, aggregation, a, b)
    sample = dataset.slices(rows.iloc[:1])
    return Trained(
        save=lambda folder: save_package(detector, aggregation, folder, sample),
        parameters=int(learnt.judge.count_params()),
        calibration={"a": a, "b": b},
        learning=_clauses(learnt, len(logits), options),
    )


def learn_real(
    one: OneClass[Any], train: Sequence[RealSlice], val: Sequence[RealSlice], learning: Learning
) -> LearntReal:
    """Learn what is real.

    Args:
        one: That learns.
        train: Learnt from.
        val: Of other patients; sets the level of logits.
        learning: How.

    Raises:
        TrainingError: They show too little lung.
    """
    rng = np.random.default_rng(learning.seed)
    front = one.front(train, val, learning)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "front.onnx"
        write_onnx(front, path, np.zeros((1, _TRACED_PX, _TRACED_PX), np.int16))
        features = _some_places(path, train, one.options.places, rng)
        judge = build_judge(one.distance(against_ring(features), rng), features.shape[1])
        scale, offset = fit_level(list(_distances(path, val, judge)))
    judge.get_layer("level").set_weights([np.float32(scale), np.float32(offset)])
    return LearntReal(front, judge, len(train), len({slice_.patient for slice_ in train}))


def against_ring(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the layer `AgainstRing` cuts out, in NumPy."""
    channels = features.shape[1] // 8
    return features[:, 3 * channels : 4 * channels - 2]


def _some_places(front: Path, slices: Sequence[RealSlice], most: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(places, features), drawn with less weight where a patient has many.

    Raises:
        TrainingError: There are too few.
    """
    kept, owners = [], []
    for patient, (features, counts) in _places_of(front, slices):
        own = features[counts > 0]
        own = own[rng.permutation(len(own))[:_OF_A_SLICE]]
        kept.append(own.astype(np.float16))
        owners += [patient] * len(own)
    if len(owners) < LEAST_PLACES:
        raise TrainingError(
            f"{LEAST_PLACES} places of lung, 8 px apart, are the least to tell what is usual from",
            received=f"{len(owners)} on {len(slices)} slices",
            remedy="take slices that show lung, at least 128 px wide and not reduced: view: {name: whole}",
        )  # fmt: skip
    patients, counted = np.unique(owners, return_counts=True)
    weights = 1 / np.sqrt(counted[np.searchsorted(patients, owners)])
    drawn = rng.choice(len(owners), size=min(most, len(owners)), replace=False, p=weights / weights.sum())
    return np.concatenate(kept)[np.sort(drawn)].astype(np.float32)


def _places_of(front: Path, slices: Sequence[RealSlice]) -> Iterator[tuple[str, Places]]:
    """Patient and places, slice by slice."""
    session = open_session(front)
    for pixels, patients in batches(slices, _BATCH):
        features, _, counts = session.run(None, {INPUT: pixels})
        yield from zip(patients, zip(features, counts[..., 0], strict=True), strict=True)


def _distances(front: Path, slices: Sequence[RealSlice], judge: Any) -> Iterator[Places]:
    """Maps of distances, of slices with any place.

    Raises:
        TrainingError: There is none.
    """
    shown = 0
    for _, (features, counts) in _places_of(front, slices):
        if not counts.any():
            continue
        shown += 1
        values = np.zeros(counts.shape, np.float32)
        values[counts > 0] = np.asarray(judge(features[counts > 0], training=False))[:, 0]
        yield values, counts
    if not shown:
        raise TrainingError(
            "validation slices show no lung: there is nothing to set the level of real ones on",
            received=f"{len(slices)} real slices", remedy="give the val split scans of the chest",
        )  # fmt: skip


def _require_validation(slices: int, dataset: Dataset) -> None:
    if slices < LEAST_SLICES:
        raise TrainingError(
            f"P(tampered) of what sees real scans alone is fitted on at least {LEAST_SLICES} real validation slices "
            "that show lung, of scans without any manipulated slice",
            where=dataset.name, received=f"{slices} of them in the val split",
            remedy="give the val split more real scans in datasets.<name>.split",
        )  # fmt: skip


def _clauses(learnt: LearntReal, calibrated: int, options: RealScansOptions) -> tuple[str, ...]:
    """For the card."""
    learnt_from = f"{learnt.slices} slices of {learnt.patients} patients"
    calibration = (
        f"calibrated on {calibrated} real validation slices alone: P = 0.5 where {options.false_alarms:.0%} of real "
        "slices are expected to lie above; P is how rare a score is among real slices, not how likely a manipulation"
    )
    return (f"learnt from real scans only: {learnt_from}, no manipulated pixel", calibration)
