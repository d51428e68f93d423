"""What a one-class detector is: a front that makes features of places, and a distance from what is real."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.anomaly.options import RealScansOptions
from medfake.detectors.anomaly.real_slices import RealSlice
from medfake.training.keras_setup import load_keras
from medfake.training.run_state import RunState
from medfake.training.trained import OnEpoch

FAMILY = "anomaly"
Floats = NDArray[np.float32]
Options = TypeVar("Options", bound=RealScansOptions)


@dataclass(frozen=True)
class Learning:
    """How something is learnt.

    Attributes:
        seed: Same seed, same detector.
        state: Of the training; one that was cut short goes on.
        on_epoch: Told the epoch and its losses.
    """

    seed: int
    state: RunState
    on_epoch: OnEpoch

    @classmethod
    def alone(cls, seed: int, path: Path) -> "Learning":
        """Outside of a run: nothing is told."""
        return cls(seed, RunState(path, {}), lambda *_: None)


class OneClass(ABC, Generic[Options]):
    """A one-class detector before it has learnt; sees real slices alone.

    Args:
        options: From params.yaml.
    """

    def __init__(self, options: Options) -> None:
        self.options = options

    def front(self, train: Sequence[RealSlice], val: Sequence[RealSlice], learning: Learning) -> Any:
        """From slices to features of places, see `build_front`: the fixed filters, unless it learns one.

        Args:
            train: Learnt from.
            val: Of other patients; chooses.
            learning: How.
        """
        del train, val, learning
        from medfake.detectors.dense.network import build_front

        return build_front()

    @abstractmethod
    def distance(self, features: Floats, rng: np.random.Generator) -> Callable[[Any], Any]:
        """Learn what is real.

        Args:
            features: (places, n) of real places, a centre against its ring.
            rng: All chance comes from here.

        Returns:
            Makes layers: (places, n) -> (places, 1) log of the squared distance.
        """


def build_judge(distance: Callable[[Any], Any], width: int) -> Any:
    """A distance as a judge of places, (places, width) -> (places, 1), which dense detectors take; see `RealLevel`."""
    keras = load_keras()

    from medfake.detectors.anomaly.layers import AgainstRing, RealLevel

    features = keras.layers.Input((width,))
    return keras.Model(features, RealLevel(name="level")(distance(AgainstRing()(features))), name="judge")
