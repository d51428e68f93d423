"""Which layers the forensic detector is built of, by modality: those that know how wide its places are.

Imported inside functions: it loads Keras.
"""

from typing import Any, Final, NamedTuple

from medfake.detectors.forensic import layers, tissue_layers
from medfake.vocabulary import Modality


class Forms(NamedTuple):
    """Classes of layers, see `medfake.detectors.forensic.layers` and `tissue_layers`."""

    against_ring: Any
    share: Any
    strongest: Any
    of_map: Any


_LUNG: Final = Forms(layers.CentreAgainstRing, layers.LungShare, layers.StrongestPlaces, layers.PlacesOfMap)
_TISSUE: Final = Forms(
    tissue_layers.TissueAgainstRing,
    tissue_layers.TissueShare,
    tissue_layers.StrongestTissuePlaces,
    tissue_layers.TissuePlacesOfMap,
)
FORMS: Final = {Modality.CT: _LUNG, Modality.MR: _TISSUE, Modality.XRAY: _TISSUE}
