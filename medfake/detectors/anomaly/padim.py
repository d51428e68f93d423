"""PaDiM: how far is the texture of a place, against its ring, from the Gaussian of real ones?

After Defard et al. 2021, with fixed residual statistics in place of a network's, and one Gaussian for all places: lungs
are not aligned as parts on a belt are. Plain, on all 440 features, the ranking of places is a few hundredths worse.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from medfake.detectors.anomaly.one_class import FAMILY, Floats, OneClass
from medfake.detectors.anomaly.options import RealScansOptions
from medfake.detectors.anomaly.whitening import Whitening
from medfake.detectors.registry import detector


@detector("PaDiM", family=FAMILY, options=RealScansOptions, localises=True)
class PaDiM(OneClass[RealScansOptions]):
    """Mahalanobis' distance, directions of little variance held down."""

    def distance(self, features: Floats, rng: np.random.Generator) -> Callable[[Any], Any]:
        """Fit a Gaussian."""
        del rng
        return Whitening.of(features, self.options.least_variance).mahalanobis
