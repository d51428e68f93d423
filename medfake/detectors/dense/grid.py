"""Where dense detectors look: cells of 4 px, places every 8 px, windows around them; and what counts in a score."""

from typing import Final

CELL_PX: Final = 4
STEP_CELLS: Final = 2
STEP_PX: Final = CELL_PX * STEP_CELLS
"""Place (i, j) is centred on row 8 i, column 8 j."""
CENTRE_CELLS, PLACE_CELLS, HOLE_CELLS, RING_CELLS = 6, 12, 16, 28
"""Windows around a place: its centre of 24 px, 48 px, and a ring between 64 and 112 px."""

QUANTILES: Final = (0.5, 1.5, 4.0)
"""Deviations at which residuals are cut: their means are a soft quantile curve."""
SHIFTS: Final = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
"""Down and across, px, at which residuals are compared with themselves."""
CHANNELS: Final = 12 * len(QUANTILES) + 3 * len(SHIFTS) + 2 + 2
FEATURES: Final = 8 * CHANNELS

LEAST_LUNG_IN_PLACE: Final = 0.3
LEAST_LUNG_IN_CENTRE: Final = 0.2
BRIGHTEST_HU: Final = -400.0
"""Mean of a place above which it is heart or diaphragm and does not count in a score."""

NEIGHBOURS: Final = 3
"""Places down and across over which a score is averaged: 24 px."""
WINDOW_MM: Final = 8.0
"""Reach along z to either side."""
SHRINKAGE: Final = 0.5
UNTOUCHED: Final = -4.0
"""Logit towards which scores fall where few places count."""
USUAL_LEVEL: Final = -1.3
"""Logit of the strongest place of half of the slices of an untouched scan: mean over four patients, each plain and by
five virtual scanners, of nine judges that had not seen them (deviation 0.6). Calibration takes up what it is off by,
but for scans of few slices."""
LEVEL_COUNTS: Final = 0.5
"""Share of a scan's own level that is taken off its scores; of 0, 0.25, 0.5, 0.75 and 1, the middle of a flat top."""
LEVEL_SLICES: Final = 10.0
"""Slices of lung beyond the first by which half of the level is known."""
HIGHEST_LOGIT: Final = 6.0
NOWHERE: Final = -12.0
"""Logit where nothing counts."""

FIELD_TABLE_PX: Final = 5
"""Of 2 px: tissue as thin as that is the shell of a table, and surrounds nothing."""
FIELD_AVERAGED_PX: Final = 9
"""Of 2 px: edge of the square over which open air is told from lung."""
FIELD_THIN_PX: Final = 5
"""Of 2 px: air as thin as that is a bronchus, or the rim of what open air fills."""
FIELD_VESSEL_PX: Final = 7
"""Of 2 px: what is as thin as that inside the lungs is a vessel, a wall or a nodule, and counts as lung."""
FIELD_NODULE_PX: Final = 23
"""Of 2 px: what has lung on all four sides no farther apart than that is a nodule of up to 3 cm, and counts as lung."""
