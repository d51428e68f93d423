"""Real places as a Gaussian: after whitening, Mahalanobis' distance is the length of what is left."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.training.keras_setup import load_keras

Floats = NDArray[np.float32]
_SMALL = 0.01
_HIGHEST = 6.0


@dataclass(frozen=True)
class Whitening:
    """A Gaussian with a shrunk covariance, as the matrix that makes it round.

    Attributes:
        mean: (n,) by which features are standardised.
        deviation: (n,) likewise; with 0.01 on top, as in `Standardised`.
        matrix: (n, n).
        centre: (n,) of standardised features.
    """

    mean: Floats
    deviation: Floats
    matrix: Floats
    centre: Floats

    @classmethod
    def of(cls, features: Floats, least_variance: float) -> "Whitening":
        """Fit on real places (Ledoit and Wolf 2004; Defard et al. 2021, section III B).

        Args:
            features: (places, n).
            least_variance: Share of the widest direction's variance that every direction has at least.
        """
        from sklearn.covariance import LedoitWolf

        mean, deviation = features.mean(axis=0), features.std(axis=0)
        standard = _standardised(features, mean, deviation).astype(np.float64)
        fitted = LedoitWolf().fit(standard)
        variances, directions = np.linalg.eigh(fitted.covariance_)
        matrix = directions / np.sqrt(np.maximum(variances, least_variance * variances.max()))
        return cls(mean, deviation, matrix.astype(np.float32), fitted.location_.astype(np.float32))

    def __call__(self, features: Floats) -> Floats:
        """(places, n) -> (places, n) of unit variance, in NumPy."""
        white = (_standardised(features, self.mean, self.deviation) - self.centre) @ self.matrix
        return np.asarray(white, np.float32)

    def layers(self, features: Any) -> Any:
        """The same as layers of Keras; nothing of it is trained."""
        keras = load_keras()

        from medfake.detectors.dense.score_layers import Standardised

        dense = keras.layers.Dense(self.matrix.shape[1], trainable=False, name="whitening")
        white = dense(Standardised(self.mean, self.deviation)(features))
        dense.set_weights([self.matrix, -(self.centre @ self.matrix)])
        return white

    def mahalanobis(self, features: Any) -> Any:
        """(places, n) -> (places, 1) log of Mahalanobis' squared distance, as layers of Keras."""
        load_keras()

        from medfake.detectors.anomaly.layers import LogLength

        return LogLength()(self.layers(features))


def _standardised(features: Floats, mean: Floats, deviation: Floats) -> Floats:
    return np.clip((features - mean) / (deviation + _SMALL), -_HIGHEST, _HIGHEST).astype(np.float32)
