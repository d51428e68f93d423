"""Decoded slices in Hounsfield units."""

import warnings
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array

from medfake.dicom.header import PARSE_ERRORS, SliceHeader, read_dataset
from medfake.errors import PixelDataError

AIR_HU = -1024

Slice = NDArray[np.int16]


def read_slice(header: SliceHeader) -> Slice:
    """Decode one slice.

    Args:
        header: From `read_headers`; says the file and the frame.

    Returns:
        (rows, cols) int16 Hounsfield units: modality LUT or slope and intercept applied (PS3.3 C.11.1), padding set to
        -1024, MONOCHROME1 turned round.

    Raises:
        PixelDataError: The pixels are truncated or cannot be decoded.
    """
    decoded: Slice = read_volume([header])[0]
    return decoded


def read_volume(headers: Sequence[SliceHeader]) -> NDArray[np.int16]:
    """Decode slices in the order given; a multi-frame file is opened once.

    Returns:
        (slices, rows, cols) int16 Hounsfield units.

    Raises:
        PixelDataError: Pixels are truncated or cannot be decoded.
    """
    slices: list[Slice] = []
    for path, group in groupby(headers, key=lambda header: header.path):
        dataset = read_dataset(path, pixels=True)
        slices += [_hounsfield(dataset, header) for header in group]
    return np.stack(slices)


def _hounsfield(dataset: FileDataset, header: SliceHeader) -> Slice:
    stored = _decode(dataset, header)
    padded = None if header.padding is None else (stored >= header.padding[0]) & (stored <= header.padding[1])
    if header.monochrome1:
        low = -(1 << (header.bits_stored - 1)) if header.signed else 0
        stored = (2 * low + (1 << header.bits_stored) - 1) - stored.astype(np.int32)
    values: NDArray[Any]
    if "ModalityLUTSequence" in dataset:
        values = _guarded(header.path, lambda: apply_modality_lut(stored, dataset)).astype(np.float32)
    elif header.slope == 1.0 and header.intercept == int(header.intercept):
        values = stored.astype(np.int32) + int(header.intercept)
    else:
        values = np.rint(stored * header.slope + header.intercept)
    if padded is not None:
        values[padded] = AIR_HU
    limits = np.iinfo(np.int16)
    return np.clip(values, limits.min, limits.max).astype(np.int16)


def _decode(dataset: FileDataset, header: SliceHeader) -> NDArray[Any]:
    index = header.frame if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else None
    stored = _guarded(header.path, lambda: pixel_array(dataset, index=index))
    if stored.shape != (header.rows, header.cols):
        raise PixelDataError(
            "the decoded image has another size than its header says",
            where=header.path,
            received=f"{stored.shape} for ({header.rows}, {header.cols})",
            remedy="export the file again",
        )
    return stored


def _guarded(path: Path, work: Any) -> NDArray[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings quote values of the file
            decoded: NDArray[Any] = work()
            return decoded
    except PARSE_ERRORS as error:
        raise PixelDataError(
            "the pixels cannot be decoded", where=path, received=type(error).__name__, remedy="export the file again"
        ) from None
