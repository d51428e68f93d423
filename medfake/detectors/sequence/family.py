"""Sequence detectors as a family: a trunk that sees slices, and what is made of neighbouring ones."""

from typing import Final

from medfake.detectors.cost import Cost, Estimate, SplitSizes
from medfake.detectors.families import Family, family, family_of
from medfake.detectors.registry import DetectorSpec, detector_spec
from medfake.detectors.sequence.fit import train_sequence
from medfake.detectors.sequence.options import NEIGHBOURS_MM, SliceGRUOptions, SliceWindowOptions
from medfake.detectors.sequence.slice_gru import FAMILY
from medfake.detectors.sequence.trunk import OWN, SequenceContext, package_sha256
from medfake.training.trained import Trained

_WINDOW_S: Final = 2e-4
"""Of a sequence of 17 slices in training, on a slow core."""
_SLICES_PER_S: Final = 8.0
"""Of a package that is taken as it is."""
_STORED_BYTES: Final = 1e6


@family(FAMILY)
class Sequences(Family[DetectorSpec, SliceWindowOptions]):
    """Maps of places of every slice, put together along z."""

    network = True
    around_mm = NEIGHBOURS_MM

    def fit(self, context: SequenceContext) -> Trained:
        """Train the trunk, then what puts slices together; calibrate on scans."""
        return train_sequence(context)

    def weights_sha256(self, spec: DetectorSpec, options: SliceWindowOptions) -> str | None:
        """Of the package that is taken as a trunk."""
        del spec
        return package_sha256(options)

    def estimate(self, spec: DetectorSpec, options: SliceWindowOptions) -> Estimate:
        """Its trunk is measured; sequences take as long whatever the data set is."""
        del spec
        along_s = options.sequences * options.epochs * _WINDOW_S if isinstance(options, SliceGRUOptions) else 0.0
        trunk = None if options.package else family_of(detector_spec(OWN)).estimate(detector_spec(OWN), options.trunk)

        def cost(sizes: SplitSizes) -> Cost:
            of_trunk = trunk(sizes) if trunk else Cost(training_bytes=_STORED_BYTES, slices_per_s=_SLICES_PER_S)
            rate = of_trunk.slices_per_s or _SLICES_PER_S
            mapped_s = (sizes.train + 2 * sizes.val + sizes.test) / rate
            return Cost(
                training_bytes=of_trunk.training_bytes + _STORED_BYTES,
                training_s=(of_trunk.training_s or 0.0) + mapped_s + along_s,
                slices_per_s=rate,
            )

        return cost
