"""What is learnt along z from one vector a slice: labels are of slices, and no place is asked for."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from medfake.detectors.context import TrainingContext
from medfake.detectors.registry import DetectorSpec
from medfake.detectors.sequence.along_z import draws_of, require_both, train_on_windows
from medfake.detectors.sequence.maps import MappedScan
from medfake.detectors.sequence.options import SliceGRUOptions
from medfake.detectors.sequence.slice_features.network import build_of_slice_windows, build_parts
from medfake.detectors.sequence.windows import CORE_MM, Windows, cut_windows, joined
from medfake.package.aggregation import GIVEN
from medfake.training.run_state import RunState

_LEAST_DEVIATION: Final = 1e-6
"""Features that vary less are left as they are."""

Context = TrainingContext[DetectorSpec, SliceGRUOptions]


def learn_from_features(
    context: Context, train: Iterable[MappedScan], val: Iterable[MappedScan], state: RunState
) -> tuple[Any, Any]:
    """Train the units that `build_parts` makes; the val split chooses the weights.

    Args:
        context: Options, data set, seed, and who is told the losses.
        train: Scans to learn from.
        val: Scans to choose on.
        state: Of this phase alone.

    Returns:
        What walks along z, and what scales features.

    Raises:
        TrainingError: A split shows no tampered slice, or no untouched one.
        ManifestError: The trunk gives no embedding of slices.
    """
    options = context.options
    learnt, looked_at = (slice_windows(scans, options) for scans in (train, val))
    require_both(learnt, looked_at, context)
    features = learnt.steps[:, options.reach, :-2]
    along, standardised = build_parts(features.shape[1], options)
    deviation = features.std(axis=0)
    standardised.set_weights([features.mean(axis=0), np.where(deviation > _LEAST_DEVIATION, deviation, 1.0)])
    model = build_of_slice_windows(along, standardised, options)
    train_on_windows(model, learnt, looked_at, context, draws_of(context), state)
    return along, standardised


def slice_windows(scans: Iterable[MappedScan], options: SliceGRUOptions) -> Windows:
    """Cut a sequence around every slice of some scans that counts.

    The rim of a manipulation along z does not train.

    Args:
        scans: Of one split.
        options: Reach and widest gap.
    """
    return joined([_of_scan(one, options) for one in scans])


def _of_scan(scan: MappedScan, options: SliceGRUOptions) -> Windows:
    scored, rows = scan.scored, scan.rows
    rim = (rows.label == 1) & (rows.distance_mm > CORE_MM)
    kept = scored.counted[scan.ours] & ~rim.to_numpy(bool)
    places = np.zeros((int(kept.sum()), 3), np.int64)  # one place a slice
    places[:, 0] = scan.ours[kept]
    features, counts = GIVEN["embedding"](scored), GIVEN["slice_counts"](scored)
    labels = rows.label.to_numpy(np.int8)[kept]
    return cut_windows(features[:, None, None], counts[:, None, None], scored.z_mm, places, labels, options)
