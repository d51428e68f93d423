"""Which layers the forensic detector is built of, by modality: those that know how wide its places are.

Imported inside functions: it loads Keras.
"""

from typing import Any, Final, NamedTuple

from medfake.detectors.forensic import layers
from medfake.vocabulary import Modality


class Forms(NamedTuple):
    """Classes of layers, see `medfake.detectors.forensic.layers`."""

    against_ring: Any
    share: Any
    strongest: Any
    of_map: Any


_LUNG: Final = Forms(layers.CentreAgainstRing, layers.LungShare, layers.StrongestPlaces, layers.PlacesOfMap)
_TISSUE: Final = Forms(
    layers.TissueAgainstRing,
    layers.TissueShare,
    layers.StrongestTissuePlaces,
    layers.TissuePlacesOfMap,
)
FORMS: Final = {Modality.CT: _LUNG, Modality.MR: _TISSUE, Modality.XRAY: _TISSUE}
