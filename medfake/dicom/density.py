"""Radiographs turned and straightened so that what stops the beam is bright, whoever stored them and however."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medfake.dicom import fields
from medfake.dicom.modality_lut import looked_up, rises
from medfake.dicom.projection import LINEAR, projection_of


def density(dataset: Dataset, stored: NDArray[Any], slope: float, path: Path) -> NDArray[np.float64]:
    """Values that grow with what stopped the beam (PS3.3 C.8.11.3.1.2).

    What is proportional to the beam (LIN) becomes minus its logarithm; other values keep their scale, through a
    Modality LUT where there is one. The sign speaks of stored values, Photometric Interpretation of what comes out of
    the LUT. No VOI LUT is applied: makers' curves differ, and percentiles do its work.

    Args:
        dataset: The image, pixels not needed.
        stored: (rows, cols) integers.
        slope: Rescale Slope; only its sign matters.
        path: The file, for messages.

    Returns:
        (rows, cols), in no unit.

    Raises:
        HeaderError: As of `projection_of`.
        MedfakeError: What pydicom raises of a broken table passes through, and is the caller's to guard.
    """
    said = projection_of(dataset, path)
    as_shown = fields.text(dataset, "PhotometricInterpretation").upper() == "MONOCHROME1"
    tabled = "ModalityLUTSequence" in dataset
    rising = rises(dataset) if tabled else slope > 0
    dense_is_low = said.sign > 0 if said.sign else as_shown == rising  # among stored values
    if said.relationship == LINEAR and not tabled:
        beam = stored if dense_is_low else _brightest(dataset) - stored.astype(np.int64)
        return -np.log1p(np.maximum(beam, 0).astype(np.float64))
    values = np.asarray(looked_up(stored, dataset) if tabled else stored * np.sign(slope), np.float64)
    return -values if dense_is_low == rising else values


def _brightest(dataset: Dataset) -> int:
    """Highest value of the stored bits."""
    return (1 << int(dataset.BitsStored) - int(dataset.PixelRepresentation)) - 1
