"""DenoiserResidual: is what a denoiser cannot guess of a place unlike what it cannot guess around it?

A blind-spot network (Krull et al. 2019; Laine et al. 2019) learns on real lungs to guess each pixel from those around
it, with nothing but noisy slices to learn from. Texture that was synthesised, smoothed or resampled is guessed too well
or too badly. Residuals are described as those of the fixed filters are, and judged as by PaDiM.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medfake.detectors.anomaly.denoiser import train_denoiser
from medfake.detectors.anomaly.one_class import FAMILY, Floats, Learning, OneClass
from medfake.detectors.anomaly.options import DenoiserOptions
from medfake.detectors.anomaly.real_slices import RealSlice
from medfake.detectors.anomaly.whitening import Whitening
from medfake.detectors.registry import detector


@detector("DenoiserResidual", family=FAMILY, options=DenoiserOptions, localises=True)
class DenoiserResidual(OneClass[DenoiserOptions]):
    """A front that is learnt from real lungs, and a Gaussian of what it gives."""

    def front(self, train: Sequence[RealSlice], val: Sequence[RealSlice], learning: Learning) -> Any:
        """Train the denoiser."""
        denoiser = train_denoiser(train, val, self.options, learning)

        from medfake.detectors.anomaly.layers import UnguessedTexture
        from medfake.detectors.dense.network import build_front

        return build_front(UnguessedTexture(denoiser, len(self.options.holes)))

    def distance(self, features: Floats, rng: np.random.Generator) -> Callable[[Any], Any]:
        """Fit a Gaussian."""
        del rng
        return Whitening.of(features, self.options.least_variance).mahalanobis
