"""The map that a forensic detector gives by itself: what it says of each place is what its verdict is made of."""

from typing import Final

import numpy as np

from medfake.explain.heat_map import HeatMap, spread
from medfake.explain.registry import Explain, ExplainedPackage, ShownSlice, explanation
from medfake.metrics.judged_slices import judge_slice
from medfake.metrics.within_slice import PlaceMap

NAME: Final = "own-map"


def _lacks_map(package: ExplainedPackage) -> str | None:
    return None if package.scorer.scorer.gives_places else "its graph gives no map of places"


@explanation(NAME, says="what it says of each place", rank=10, lacks=_lacks_map)
def own_map(package: ExplainedPackage) -> Explain:
    """Probabilities at places, interpolated; 0 where a place does not count."""

    def explain(shown: ShownSlice) -> HeatMap:
        places = shown.places or judge_slice(package.scorer, shown.hu, shown.spacing_mm)[0]
        if places is None:
            return HeatMap(np.zeros(shown.hu.shape))
        return heat_of(places, (shown.hu.shape[0], shown.hu.shape[1]))

    return explain


def heat_of(places: PlaceMap, shape: tuple[int, int]) -> HeatMap:
    """Probabilities of places as a map of pixels."""
    first, step = (places.first_px, places.first_px), (places.step_px, places.step_px)
    return HeatMap(spread(np.where(places.counts, places.scores, 0.0), shape, first, step))
