"""The pointing game (Zhang et al. 2018): does the peak of a map lie where the slice was manipulated?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.explain.heat_map import HeatMap
from medfake.metrics.bootstrap import Bootstrap, cluster
from medfake.metrics.localisation import HIT_MM
from medfake.metrics.place_controls import Control, chance_of_a_hit, judged_by
from medfake.metrics.within_slice import Figure, JudgedSlice, PlaceMap, mean_figure
from medfake.regions import region_of
from medfake.vocabulary import Modality

_STEP_PX: Final = 8
"""Between lung places that the controls may name."""


@dataclass(frozen=True)
class Pointing:
    """How often the peak of a map lies within `HIT_MM` of the site, in the slice's plane.

    Attributes:
        hit_rate: A map without a peak is a miss.
        random: Exact chance that a place drawn from the slice's lung would hit.
        centre: Hit rate of always naming the lung place in the middle of all of them.
        without_peak: Slices whose map names no place.
        slices: With a known site.
        patients: Of those.
        unit: What was resampled: "patients", or "scans" where there is only one patient.
    """

    hit_rate: Figure
    random: Figure
    centre: Figure
    without_peak: int
    slices: int
    patients: int
    unit: str


def pointed(said: JudgedSlice, hu: NDArray[np.int16], heat: HeatMap, modality: Modality = Modality.CT) -> JudgedSlice:
    """A labelled slice with the peak of its map as the place that is named.

    Args:
        said: Who it is of, and its sites; what else it says is replaced.
        hu: (rows, cols) int16 Hounsfield units, or those of the modality.
        heat: Its map.
        modality: What made the slice.
    """
    region = region_of(modality).in_slice(hu, said.spacing_mm[0])[::_STEP_PX, ::_STEP_PX]
    if not region.any():  # a small cut of a slice may show no body around its lung
        region = np.ones_like(region)
    places = PlaceMap(heat.values[::_STEP_PX, ::_STEP_PX], region, _STEP_PX)
    return JudgedSlice(
        said.patient_id, said.scan_id, said.manipulation, said.spacing_mm, said.sites, places, heat.peak
    )  # fmt: skip


def measure_pointing(
    slices: Sequence[JudgedSlice], pixels: Sequence[NDArray[np.int16]], bootstrap: Bootstrap
) -> Pointing:
    """Hit rates of maps and of controls that know nothing, on the same slices.

    Args:
        slices: From `pointed`, at least one.
        pixels: Of them, in the same order.
        bootstrap: Over patients.
    """
    of = cluster([one.patient_id for one in slices], [one.scan_id for one in slices])
    nothing = np.random.default_rng(0)  # the centre draws nothing
    centres = [judged_by(Control.CENTRE, hu, one, nothing) for one, hu in zip(slices, pixels, strict=True)]

    def rate(some: Sequence[JudgedSlice]) -> Figure:
        return mean_figure(np.array([one.hits_within(HIT_MM) for one in some], np.float64), of, bootstrap)

    return Pointing(
        hit_rate=rate(slices),
        random=mean_figure(chance_of_a_hit(slices, HIT_MM), of, bootstrap),
        centre=rate(centres),
        without_peak=sum(one.strongest is None for one in slices),
        slices=len(slices),
        patients=len({one.patient_id for one in slices}),
        unit=of.unit,
    )
