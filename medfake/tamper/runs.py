"""The parts of a series in which slices follow each other without a gap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.series import GAP_FACTOR, SAME_PLACE_MM, Series


@dataclass(frozen=True)
class Run:
    """Slices of a series without a gap between them.

    Attributes:
        indices: In the series, ascending along z; a slice that repeats a position is left out.
        z_mm: From the series' first slice.
        step_mm: Between them; of a single slice its thickness.
    """

    indices: tuple[int, ...]
    z_mm: tuple[float, ...]
    step_mm: float


def runs(series: Series) -> list[Run]:
    """Cut a series where slices are missing; a single slice is a run of its own."""
    z = series.z_mm - series.z_mm[0]
    kept = np.concatenate([[0], np.nonzero(np.diff(z) > SAME_PLACE_MM)[0] + 1]).astype(int)
    step = series.spacing_zyx_mm[0]
    breaks = np.nonzero(np.diff(z[kept]) > GAP_FACTOR * step)[0] + 1
    return [_run(part, z, step) for part in np.split(kept, breaks)]


def _run(indices: NDArray[np.int64], z: NDArray[np.float64], step_mm: float) -> Run:
    return Run(tuple(int(one) for one in indices), tuple(float(z[one]) for one in indices), step_mm)
