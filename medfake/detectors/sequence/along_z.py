"""What is learnt along z: recurrent units on sequences cut from the maps of a trunk."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from medfake.detectors.context import TrainingContext
from medfake.detectors.forensic.fit import epochs_of
from medfake.detectors.registry import DetectorSpec
from medfake.detectors.sequence.maps import MappedScan
from medfake.detectors.sequence.network import build_along_z, build_of_windows, build_plane
from medfake.detectors.sequence.options import SliceGRUOptions
from medfake.detectors.sequence.windows import DrawnWindows, Floats, Windows, balanced, windows_of
from medfake.errors import TrainingError
from medfake.package.aggregation import counted_maps
from medfake.package.scan_scores import ScoredScan
from medfake.training.calibration import fit_platt
from medfake.training.keras_setup import import_keras
from medfake.training.phase import BatchSource, Phase, train_phase
from medfake.training.run_state import RunState
from medfake.vocabulary import Split

VALIDATION_WINDOWS: Final = 4000
_VALIDATION_BATCH: Final = 512

Context = TrainingContext[DetectorSpec, SliceGRUOptions]


def learn_along_z(context: Context, train: Iterable[MappedScan], val: Iterable[MappedScan], state: RunState) -> Any:
    """Train the units that `build_along_z` makes; the val split chooses the weights.

    They begin as the window rule, scaled and shifted to fit the training windows, and that may be the best there is.

    Args:
        context: Options, data set, seed, and who is told the losses.
        train: Scans to learn from.
        val: Scans to choose on.
        state: Of this phase alone.

    Raises:
        TrainingError: A split shows no tampered place, or no untouched one.
    """
    options, sites = context.options, context.dataset.sites
    import_keras(context.seed)
    plane = build_plane()

    def seen(scan: ScoredScan) -> tuple[Floats, Floats]:
        features, counts = plane.predict_on_batch(list(counted_maps(scan)))
        return np.asarray(features), np.asarray(counts)

    rng = draws_of(context)
    learnt = windows_of(train, sites, seen, options, rng)
    looked_at = windows_of(val, sites, seen, options, np.random.default_rng(0))
    require_both(learnt, looked_at, context)
    along = build_along_z(options)
    _start_as_rule(along, balanced(learnt, VALIDATION_WINDOWS, np.random.default_rng(0)))
    train_on_windows(build_of_windows(along, options), learnt, looked_at, context, rng, state)
    return along


def draws_of(context: Context) -> np.random.Generator:
    """What draws sequences in training; the trunk's draws are others."""
    return np.random.default_rng([context.seed, 1])


def train_on_windows(
    model: Any, learnt: Windows, looked_at: Windows, context: Context, rng: np.random.Generator, state: RunState
) -> None:
    """Train a network on sequences; those of the val split choose the weights.

    Args:
        model: (windows, steps, width + 2) -> (windows, 1) log odds.
        learnt: Of the train split.
        looked_at: Of the val split.
        context: Options, seed, and who is told the losses, after those of the trunk.
        rng: Draws sequences.
        state: Of this phase alone.
    """
    options = context.options
    keras = import_keras(context.seed)
    steps = options.epochs * -(-options.sequences // options.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    some = balanced(looked_at, VALIDATION_WINDOWS, np.random.default_rng(0))
    looks = BatchSource(some.steps.__getitem__, some.labels.astype(np.float32)[:, None], _VALIDATION_BATCH)
    told_before = 0 if options.package else epochs_of(options.trunk)
    phase = Phase("along z", options.epochs, told_before)
    train_phase(model, DrawnWindows(learnt, options, rng), looks, phase, state, context.on_epoch)


def require_both(learnt: Windows, looked_at: Windows, context: Context) -> None:
    """See to it that there is something to tell apart.

    Raises:
        TrainingError: A split shows no tampered sequence, or no untouched one.
    """
    for split, windows in ((Split.TRAIN, learnt), (Split.VAL, looked_at)):
        tampered = int((windows.labels == 1).sum())
        if not 0 < tampered < len(windows.labels):
            raise TrainingError(
                f"the {split} split has no sequences of both classes", where=context.dataset.name,
                received=f"{tampered} tampered of {len(windows.labels)} sequences",
                remedy="check the labels' places and that the slices show lungs",
            )  # fmt: skip


def _start_as_rule(along: Any, windows: Windows) -> None:
    """Scale and shift of the window rule that fit some windows best."""
    from medfake.detectors.sequence.layers import rule_of_windows

    said = np.asarray(rule_of_windows(windows.steps))
    along.start_from(*fit_platt(said, windows.labels))
