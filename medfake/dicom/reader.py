"""Decoded slices in Hounsfield units.

Photometric Interpretation MONOCHROME1 tells a display to show low values white (PS3.3 C.7.6.3.1.2). It stands behind
the modality LUT in the pipeline (PS3.4 N.2), so stored values mean the same Hounsfield units with and without it, and
nothing is turned round here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array

from medfake.dicom.codestream import frame_shape
from medfake.dicom.header import SliceHeader
from medfake.dicom.parse import PARSE_ERRORS, read_dataset
from medfake.dicom.pixel_size import frame_count, justified_size
from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import PixelDataError

AIR_HU = -1024
_INT16 = np.iinfo(np.int16)

Slice = NDArray[np.int16]


@dataclass(frozen=True)
class KnownSlice:
    """What must be known of a slice to decode it, when its header was read before.

    Attributes:
        frame: Index in a multi-frame file, 0 in others.
        padding: Lowest and highest stored value that means "no data".
    """

    path: Path
    frame: int
    rows: int
    cols: int
    slope: float
    intercept: float
    padding: tuple[int, int] | None


Decodable = SliceHeader | KnownSlice


def read_slice(header: Decodable) -> Slice:
    """Decode one slice.

    Args:
        header: From `read_headers`; says the file and the frame.

    Returns:
        (rows, cols) int16 Hounsfield units: modality LUT or slope and intercept applied (PS3.3 C.11.1), padding set to
        -1024.

    Raises:
        PixelDataError: The pixels are truncated or cannot be decoded.
    """
    return _hounsfield(read_dataset(header.path, justified_size), header)


def read_volume(headers: Sequence[Decodable], at_file: Callable[[Path], object] | None = None) -> NDArray[np.int16]:
    """Decode slices in the order given; a multi-frame file is opened once.

    Args:
        headers: At least one, all of the same rows and columns.
        at_file: Is told of each file before it is opened, so that others know which one a process died of.

    Returns:
        (slices, rows, cols) int16 Hounsfield units.

    Raises:
        PixelDataError: There is no slice, slices differ in size, or pixels are truncated or cannot be decoded.
    """
    shapes = sorted({(header.rows, header.cols) for header in headers})
    if len(shapes) != 1:
        raise PixelDataError(
            "slices of one size are needed to make a volume",
            where=headers[0].path.parent if headers else None,
            received=f"{len(headers)} slices of {', '.join(f'{rows} x {cols}' for rows, cols in shapes) or 'no size'}",
        )
    volume = np.empty((len(headers), *shapes[0]), np.int16)
    index = 0
    with quiet_pydicom():
        for path, group in groupby(headers, key=lambda header: header.path):
            if at_file:
                at_file(path)
            dataset = read_dataset(path, justified_size)
            for header in group:
                volume[index] = _hounsfield(dataset, header)
                index += 1
    return volume


def _hounsfield(dataset: Dataset, header: Decodable) -> Slice:
    stored = _decode(dataset, header)
    if "ModalityLUTSequence" in dataset:
        hu = _clipped(_guarded(header.path, lambda: apply_modality_lut(stored, dataset)))
    elif header.slope == 1.0 and header.intercept == int(header.intercept):
        hu = _shifted(stored, int(header.intercept))
    else:
        hu = _clipped(np.rint(stored * header.slope + header.intercept))
    if header.padding is not None:
        hu[(stored >= header.padding[0]) & (stored <= header.padding[1])] = AIR_HU
    return hu


def _shifted(stored: NDArray[Any], intercept: int) -> Slice:
    low, high = int(stored.min()) + intercept, int(stored.max()) + intercept
    if _INT16.min <= low and high <= _INT16.max:
        shifted: Slice = stored.astype(np.int16) + np.int64(intercept).astype(np.int16)  # modulo 2**16
        return shifted
    return _clipped(stored.astype(np.int64) + intercept)


def _clipped(values: NDArray[Any]) -> Slice:
    clipped: Slice = np.clip(values, _INT16.min, _INT16.max).astype(np.int16)
    return clipped


def _decode(dataset: Dataset, header: Decodable) -> NDArray[Any]:
    frames = frame_count(dataset, header.path)
    index = header.frame if frames > 1 else None
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        claimed = _guarded(header.path, lambda: _claimed_shape(dataset, header.frame, frames))
        if claimed is not None:
            _require_shape(claimed, (header.rows, header.cols, 1), header.path)  # a decoder would allocate it
    stored: NDArray[Any] = _guarded(header.path, lambda: pixel_array(dataset, index=index))
    _require_shape(stored.shape, (header.rows, header.cols), header.path)
    return stored


def _claimed_shape(dataset: Dataset, frame: int, frames: int) -> tuple[int, int, int] | None:
    offsets = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    extended = offsets if all(offsets) else None
    return frame_shape(get_frame(dataset.PixelData, frame, extended_offsets=extended, number_of_frames=frames))


def _require_shape(found: tuple[int, ...], expected: tuple[int, ...], path: Path) -> None:
    if found != expected:
        raise PixelDataError(
            "the image has another size than its header says",
            where=path,
            received=f"{found} for {expected}",
            remedy="export the file again",
        )


def _guarded(path: Path, work: Callable[[], Any]) -> Any:
    try:
        with quiet_pydicom():
            return work()
    except PARSE_ERRORS as error:
        raise PixelDataError(
            "the pixels cannot be decoded", where=path, received=type(error).__name__, remedy="export the file again"
        ) from None
