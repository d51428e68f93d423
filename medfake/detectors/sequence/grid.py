"""Where sequences run: through places 16 px apart, one step a slice."""

from typing import Final

from medfake.package.aggregation import PLACE_STEP_PX

PLANE_STEP: Final = 2
"""Places of the map to one of a sequence, down and across."""
STEP_PX: Final = PLANE_STEP * PLACE_STEP_PX
"""Sequence (i, j) runs through row 16 i, column 16 j."""
PLANE_FEATURES: Final = 3
"""What is known of a place on a slice: log odds after smoothing, its own, and how many neighbours count."""
NOWHERE_MM: Final = 1e6
"""z of a slice that is not there: no window reaches it."""
TOLERANCE_MM: Final = 1e-3
