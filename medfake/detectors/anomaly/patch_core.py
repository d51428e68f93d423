"""PatchCore: how far is a place from the nearest real ones that are remembered?

After Roth et al. 2022: a coreset of real places by greedy choice of the farthest (section 3.2), on random projections.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.anomaly.one_class import FAMILY, Floats, OneClass
from medfake.detectors.anomaly.options import PatchCoreOptions
from medfake.detectors.anomaly.whitening import Whitening
from medfake.detectors.registry import detector


@detector("PatchCore", family=FAMILY, options=PatchCoreOptions, localises=True)
class PatchCore(OneClass[PatchCoreOptions]):
    """Distance to the k-th nearest of some thousand real places, after the whitening of PaDiM."""

    def distance(self, features: Floats, rng: np.random.Generator) -> Callable[[Any], Any]:
        """Remember what is real."""
        whitening = Whitening.of(features, self.options.least_variance)
        white = whitening(features)
        memory = white[farthest(white, min(self.options.memory, len(white)), self.options.projected, rng)]
        neighbour = min(self.options.neighbour, len(memory))

        def layers(given: Any) -> Any:
            from medfake.detectors.anomaly.layers import NearestRemembered

            nearest = NearestRemembered(len(memory), neighbour)
            distances = nearest(whitening.layers(given))
            nearest.set_weights([memory])
            return distances

        return layers


def farthest(places: Floats, count: int, projected: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Which places to remember: one by chance, then always the one farthest from all that are (Gonzalez 1985).

    Args:
        places: (places, n).
        count: How many to remember, 1 to `places`.
        projected: Numbers that distances are measured on (Johnson and Lindenstrauss 1984); n where that is fewer.
        rng: All chance comes from here.
    """
    width = places.shape[1]
    seen = places if projected >= width else places @ rng.normal(size=(width, projected)).astype(np.float32)
    chosen = np.empty(count, np.intp)
    chosen[0] = rng.integers(len(places))
    away = np.full(len(places), np.inf, np.float32)
    for at in range(1, count):
        away = np.minimum(away, np.square(seen - seen[chosen[at - 1]]).sum(axis=1))
        chosen[at] = away.argmax()
    return chosen
