"""A phantom patient of any modality, as scanned and before anything is written."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medfake.phantom.outlines import Outline
from medfake.tamper.site import Site


@dataclass(frozen=True)
class Patient:
    """A phantom patient as scanned.

    Attributes:
        volume: (slices, size, size) int16: Hounsfield units; of MR what the scanner stores; of X-ray what it shows,
            0..4095, dense is bright.
        positions_mm: (slices, 3) Image Position (Patient).
        spacing_mm: Of slices, rows, columns.
        nodules: Real nodules or lesions, none for a healthy patient.
        outlines: Of each nodule, on every slice that shows it; CT alone has them.
    """

    volume: NDArray[np.int16]
    positions_mm: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]
    nodules: tuple[Site, ...]
    outlines: tuple[tuple[Outline, ...], ...] = ()
