"""Modality LUT (0028,3000): stored values looked up in a table (PS3.3 C.11.1)."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

_WORD: Final = 16
"""Bits of an entry; older radiographs tell how many of them are in use, 10 to 15, where 8 or 16 may stand."""


def looked_up(stored: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Values through the table of a data set that has one; arguments and errors as of pydicom's function."""
    descriptor = dataset.ModalityLUTSequence[0].LUTDescriptor
    if 8 < int(descriptor[2]) < _WORD:
        descriptor[2] = _WORD
    values: NDArray[Any] = apply_modality_lut(stored, dataset)
    return values


def rises(dataset: Dataset) -> bool:
    """Whether the table keeps the order of what goes through it."""
    entries, lowest, _ = dataset.ModalityLUTSequence[0].LUTDescriptor
    ends = int(lowest), int(lowest) + (int(entries) or 1 << 16) - 1
    first, last = (looked_up(np.array([[end]]), dataset)[0, 0] for end in ends)
    return bool(first <= last)
