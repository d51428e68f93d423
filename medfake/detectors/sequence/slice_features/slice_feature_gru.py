"""A vector of features a slice and a recurrent network over neighbouring slices: the form that papers print."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from medfake.detectors.context import TrainingContext
from medfake.detectors.registry import DetectorSpec, detector
from medfake.detectors.sequence.maps import MappedScan
from medfake.detectors.sequence.options import SliceFeatureGRUOptions, SliceGRUOptions
from medfake.detectors.sequence.slice_gru import FAMILY
from medfake.training.run_state import RunState


@detector("SliceFeatureGRU", family=FAMILY, options=SliceFeatureGRUOptions, localises=True)
def build_slice_feature_gru(
    context: TrainingContext[DetectorSpec, SliceGRUOptions],
    train: Iterable[MappedScan],
    val: Sequence[MappedScan],
    state: Path,
) -> Any:
    """Learn gated recurrent units along z over pooled features of a frozen trunk; places are the trunk's.

    Args:
        context: Options, data set, seed, and who is told the losses.
        train: Scans to learn from, through the trunk.
        val: Scans to choose on.
        state: File that the training may keep its state in.

    Returns:
        Keras model, see `build_slice_aggregation`.
    """
    from medfake.detectors.sequence.slice_features.learn import learn_from_features
    from medfake.detectors.sequence.slice_features.network import build_slice_aggregation

    parts = learn_from_features(context, train, val, RunState(state, {}))
    return build_slice_aggregation(*parts, context.options.reach)
