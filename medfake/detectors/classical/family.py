"""Classical models as a family: scikit-learn on pixels or features, ONNX as the only form that is stored."""

from typing import Final

from medfake.detectors.classical.fit import ClassicalContext, train_classical
from medfake.detectors.classical.memory import bytes_for, most_slices
from medfake.detectors.classical.models import FAMILY
from medfake.detectors.classical.options import ClassicalOptions
from medfake.detectors.cost import Cost, Estimate, Memory, SplitSizes
from medfake.detectors.families import Family, family
from medfake.detectors.registry import DetectorSpec
from medfake.training.trained import Trained

_STORED_BYTES: Final = 5e7  # a forest of some hundred trees; others are smaller


@family(FAMILY)
class ClassicalModels(Family[DetectorSpec, ClassicalOptions]):
    """Models on raw pixels, or on what a graph makes of them."""

    network = False

    def fit(self, context: ClassicalContext) -> Trained:
        """Search the grid, then fit."""
        return train_classical(context)

    def estimate(self, spec: DetectorSpec, options: ClassicalOptions) -> Estimate:
        """No time is measured: what a fit takes depends on the pixels, as a support vector machine shows."""
        del spec

        def cost(sizes: SplitSizes) -> Cost:
            columns = options.columns(sizes.rows, sizes.cols)
            slices = min(int(sizes.train), most_slices(options, columns))
            needed = bytes_for(options, sizes.train, columns)
            return Cost(training_bytes=_STORED_BYTES, memory=Memory(needed, options.memory_gb * 1e9, slices))

        return cost
