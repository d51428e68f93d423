"""Dense detectors as a family: what they look at is stored with their bank, once for all data sets and seeds."""

from typing import Final

from medfake.detectors.cost import START_S, Cost, Estimate, SplitSizes
from medfake.detectors.dense.fit import DenseContext, train_dense
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.dense.residual_statistics import FAMILY
from medfake.detectors.families import Family, family
from medfake.detectors.registry import DetectorSpec
from medfake.training.trained import Trained

_STORED_BYTES: Final = 3e6
_SLICES_PER_S: Final = 8.0


@family(FAMILY)
class Dense(Family[DetectorSpec, ResidualStatisticsOptions]):
    """Texture of every place against its slice."""

    network = True

    def fit(self, context: DenseContext) -> Trained:
        """Train judges on places, calibrate on scans."""
        return train_dense(context)

    def estimate(self, spec: DetectorSpec, options: ResidualStatisticsOptions) -> Estimate:
        """Nothing is measured: training takes as long whatever the data set is."""
        del spec, options

        def cost(sizes: SplitSizes) -> Cost:
            scoring_s = (2 * sizes.val + sizes.test) / _SLICES_PER_S
            return Cost(
                training_bytes=_STORED_BYTES, training_s=scoring_s + START_S, slices_per_s=_SLICES_PER_S,
            )  # fmt: skip

        return cost
