"""Detectors that put the slices of a scan together: by recurrent units, or by the window rule they are set beside."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from medfake.detectors.context import TrainingContext
from medfake.detectors.registry import DetectorSpec, detector
from medfake.detectors.sequence.maps import MappedScan
from medfake.detectors.sequence.options import SliceGRUOptions, SliceWindowOptions
from medfake.training.run_state import RunState

FAMILY: Final = "sequence"
WINDOW_RULE: Final = "SliceWindow"


@detector("SliceGRU", family=FAMILY, options=SliceGRUOptions, localises=True)
def build_slice_gru(
    context: TrainingContext[DetectorSpec, SliceGRUOptions],
    train: Iterable[MappedScan],
    val: Sequence[MappedScan],
    state: Path,
) -> Any:
    """Learn gated recurrent units along z (Cho et al. 2014), shared by all places of the map.

    Args:
        context: Options, data set, seed, and who is told the losses.
        train: Scans to learn from, through the trunk.
        val: Scans to choose on.
        state: File that the training may keep its state in.

    Returns:
        Keras model, see `build_aggregation`.
    """
    from medfake.detectors.sequence.along_z import learn_along_z
    from medfake.detectors.sequence.network import build_aggregation

    return build_aggregation(learn_along_z(context, train, val, RunState(state, {})), context.options.reach)


@detector(WINDOW_RULE, family=FAMILY, options=SliceWindowOptions, localises=True)
def build_slice_window(*_: Any) -> Any:
    """The mean of the places within 8 mm, half and half with the slice alone: what recurrent units have to beat."""
    from medfake.detectors.sequence.network import build_aggregation

    return build_aggregation(None)
