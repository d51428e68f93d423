"""One-class detectors as a family: each learns what is real within a training."""

from typing import Final

from medfake.detectors.anomaly.fit import AnomalyContext, train_anomaly
from medfake.detectors.anomaly.one_class import FAMILY
from medfake.detectors.anomaly.options import RealScansOptions
from medfake.detectors.cost import START_S, Cost, Estimate, SplitSizes
from medfake.detectors.families import Family, family
from medfake.detectors.registry import DetectorSpec
from medfake.training.trained import Trained

_STORED_BYTES: Final = 2e6
_SLICES_PER_S: Final = 6.0


@family(FAMILY)
class Anomaly(Family[DetectorSpec, RealScansOptions]):
    """What is unlike real scans."""

    network = True

    def fit(self, context: AnomalyContext) -> Trained:
        """Learn from real slices of the train split, set levels on real ones of the val split."""
        return train_anomaly(context)

    def estimate(self, spec: DetectorSpec, options: RealScansOptions) -> Estimate:
        """Nothing is measured: what takes time is the front, once a slice."""
        del spec

        def cost(sizes: SplitSizes) -> Cost:
            looked_at = min(options.slices, sizes.train) + 3 * sizes.val + sizes.test
            seconds = looked_at / _SLICES_PER_S + START_S
            return Cost(training_bytes=_STORED_BYTES, training_s=seconds, slices_per_s=_SLICES_PER_S)

        return cost
