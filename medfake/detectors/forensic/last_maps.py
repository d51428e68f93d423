"""A stored ResidualCNN, cut behind the maps from which places are judged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.last_maps import LastMaps

_CELL_PX = 4.0
_FIRST_PX = 1.5  # the middle of a cell of 4 px


def cut_residual_cnn(model: Any) -> LastMaps:
    """Cut the slice model of `build_residual_cnn`, loaded from detector.keras."""
    from medfake.detectors.forensic.layers import RegionShare
    from medfake.detectors.layers import Hounsfield

    hounsfield, region_share = (
        next(one for one in model.layers if isinstance(one, kind)) for kind in (Hounsfield, RegionShare)
    )
    trunk, judge, places, calibration = (model.get_layer(name) for name in ("trunk", "judge", "places", "calibration"))

    def front(hu: NDArray[np.int16]) -> Any:
        return trunk(hounsfield(hu), training=False)

    def logit(maps: Any, hu: NDArray[np.int16]) -> Any:
        strongest = places(judge(maps, training=False), region_share(hounsfield(hu)))[0]
        return calibration.a * strongest + calibration.b

    return LastMaps(front, logit, (_FIRST_PX, _FIRST_PX), (_CELL_PX, _CELL_PX))
