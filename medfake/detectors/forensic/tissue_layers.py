"""Keras layers of the forensic detector for tissue of MR and radiographs, and which layers a modality has.

Imported inside functions: it loads Keras. Places are half as wide as those of lungs.
"""

from typing import Any, Final, NamedTuple

from medfake import regions
from medfake.training.keras_setup import load_keras
from medfake.vocabulary import Modality

keras = load_keras()

from keras import ops  # noqa: E402  # load_keras must come first: it refuses foreign backends

from medfake.detectors.forensic.layers import (  # noqa: E402  # likewise
    CentreAgainstRing,
    LungShare,
    PlacesOfMap,
    RegionShare,
    StrongestPlaces,
)
from medfake.detectors.layers import average_pool_same  # noqa: E402  # likewise


@keras.saving.register_keras_serializable(package="medfake")
class TissueAgainstRing(CentreAgainstRing):
    """A centre of 24 px against the ring between 32 and 48 px, on a grid of 8 px."""

    _CENTRE, _GAP, _RING, _STEP = 6, 8, 12, 2


@keras.saving.register_keras_serializable(package="medfake")
class TissueShare(RegionShare):
    """Of tissue in normalised units, in the 48 px around places 8 px apart; see `medfake.regions.tissue_pixels`."""

    PLACE_PX, STEP_PX = regions.TISSUE_PLACE_PX, regions.TISSUE_STEP_PX

    def inside(self, image: Any) -> Any:
        """Surroundings brighter than air, and not all of one value."""
        average = average_pool_same(image, regions.AVERAGED_PX)
        steps = ops.pad(ops.abs(image[:, :, 1:] - image[:, :, :-1]), ((0, 0), (0, 0), (0, 1), (0, 0)))
        varies = average_pool_same(steps, regions.AVERAGED_PX) > 0.0
        return ops.logical_and(average > float(regions.LEAST_UNITS), varies)


@keras.saving.register_keras_serializable(package="medfake")
class StrongestTissuePlaces(StrongestPlaces):
    """Of places 8 px apart, the first of them 24 px from the border."""

    PLACE_PX, STEP_PX = regions.TISSUE_PLACE_PX, regions.TISSUE_STEP_PX


@keras.saving.register_keras_serializable(package="medfake")
class TissuePlacesOfMap(PlacesOfMap):
    """Places are 8 px apart already, and only filled up to the border."""

    _BEFORE = regions.TISSUE_PLACE_PX // 2 // regions.TISSUE_STEP_PX

    def _gridded(self, values: Any) -> Any:
        return ops.squeeze(values, -1)

    def compute_output_shape(self, logits_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Twice (slices, down, across)."""
        grid = [None if n is None else n + self._BEFORE for n in lung_shape[1:3]]
        return ((logits_shape[0] or lung_shape[0], *grid),) * 2


class Forms(NamedTuple):
    """Classes of the layers that know how wide the places of a modality are."""

    against_ring: Any
    share: Any
    strongest: Any
    of_map: Any


_LUNG: Final = Forms(CentreAgainstRing, LungShare, StrongestPlaces, PlacesOfMap)
_TISSUE: Final = Forms(TissueAgainstRing, TissueShare, StrongestTissuePlaces, TissuePlacesOfMap)
FORMS: Final = {Modality.CT: _LUNG, Modality.MR: _TISSUE, Modality.XRAY: _TISSUE}
