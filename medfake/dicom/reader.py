"""Decoded slices: CT in Hounsfield units, MR and X-ray in units of each slice's own range (`normalised`).

Photometric Interpretation MONOCHROME1 tells a display to show low values white (PS3.3 C.7.6.3.1.2). It stands behind
the modality LUT in the pipeline (PS3.4 N.2), so stored values mean the same Hounsfield units with and without it, and
nothing is turned round in CT and MR. Radiographs are turned so that what stops the beam is bright: by Pixel Intensity
Relationship Sign (0028,1041) where it says how stored values follow the beam (C.8.11.3.1.2), else by Photometric
Interpretation, as eyes are to see them. What is proportional to the beam, (0028,1040) LIN, goes through a logarithm, as
the other images went through one in their scanner.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from medfake.dicom.codestream import claimed_shape
from medfake.dicom.density import density
from medfake.dicom.header import SliceHeader
from medfake.dicom.modality_lut import looked_up
from medfake.dicom.normalised import normalise
from medfake.dicom.parse import PARSE_ERRORS, read_dataset
from medfake.dicom.pixel_size import frame_count, justified_size
from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import PixelDataError
from medfake.vocabulary import Modality

AIR_HU = -1024
_INT16 = np.iinfo(np.int16)

Slice = NDArray[np.int16]


@dataclass(frozen=True)
class KnownSlice:
    """What must be known of a slice to decode it, when its header was read before.

    Attributes:
        frame: Index in a multi-frame file, 0 in others.
        padding: Lowest and highest stored value that means "no data".
        modality: What made it.
    """

    path: Path
    frame: int
    rows: int
    cols: int
    slope: float
    intercept: float
    padding: tuple[int, int] | None
    modality: Modality = Modality.CT


Decodable = SliceHeader | KnownSlice


def read_slice(header: Decodable) -> Slice:
    """Decode one slice.

    Args:
        header: From `read_headers`; says the file and the frame.

    Returns:
        (rows, cols) int16. CT: Hounsfield units, modality LUT or slope and intercept applied (PS3.3 C.11.1), padding
        set to -1024. MR and X-ray: as `normalise` scales the slice.

    Raises:
        PixelDataError: The pixels are truncated or cannot be decoded; an image of MR or X-ray shows nothing.
    """
    return _values(read_dataset(header.path, justified_size), header)


def read_stored(headers: Sequence[Decodable]) -> NDArray[Any]:
    """Decode slices as they are stored: no rescaling, no table, padding as it is, nothing normalised.

    Args:
        headers: At least one, all of the same rows and columns.

    Returns:
        (slices, rows, cols) integers of the stored type, which `write_series` takes back for MR and X-ray.

    Raises:
        PixelDataError: As of `read_volume`; or a Modality LUT (0028,3000) says what values mean, which files of our own
            have none of.
    """
    _require_one_size(headers)
    with quiet_pydicom():
        return np.stack([_stored(read_dataset(one.path, justified_size), one) for one in headers])


def read_volume(headers: Sequence[Decodable], at_file: Callable[[Path], object] | None = None) -> NDArray[np.int16]:
    """Decode slices in the order given; a multi-frame file is opened once.

    Args:
        headers: At least one, all of the same rows and columns.
        at_file: Is told of each file before it is opened, so that others know which one a process died of.

    Returns:
        (slices, rows, cols) int16, as of `read_slice`.

    Raises:
        PixelDataError: There is no slice, slices differ in size, or pixels are as of `read_slice`.
    """
    volume = np.empty((len(headers), *_require_one_size(headers)), np.int16)
    index = 0
    with quiet_pydicom():
        for path, group in groupby(headers, key=lambda header: header.path):
            if at_file:
                at_file(path)
            dataset = read_dataset(path, justified_size)
            for header in group:
                volume[index] = _values(dataset, header)
                index += 1
    return volume


def _require_one_size(headers: Sequence[Decodable]) -> tuple[int, int]:
    shapes = sorted({(header.rows, header.cols) for header in headers})
    if len(shapes) != 1:
        raise PixelDataError(
            "slices of one size are needed to make a volume",
            where=headers[0].path.parent if headers else None,
            received=f"{len(headers)} slices of {', '.join(f'{rows} x {cols}' for rows, cols in shapes) or 'no size'}",
        )
    return shapes[0]


def _stored(dataset: Dataset, header: Decodable) -> NDArray[Any]:
    if "ModalityLUTSequence" in dataset:
        raise PixelDataError(
            "stored values go through a table, and what is written of them would have none", where=header.path,
            received="a Modality LUT (0028,3000)", remedy="leave this scan out",
        )  # fmt: skip
    return _decode(dataset, header)


def _values(dataset: Dataset, header: Decodable) -> Slice:
    return _OF_MODALITY[header.modality](dataset, header, _decode(dataset, header))


def _hounsfield(dataset: Dataset, header: Decodable, stored: NDArray[Any]) -> Slice:
    if "ModalityLUTSequence" in dataset:
        hu = _clipped(_looked_up(dataset, header, stored))
    elif header.slope == 1.0 and header.intercept == int(header.intercept):
        hu = _shifted(stored, int(header.intercept))
    else:
        hu = _clipped(np.rint(stored * header.slope + header.intercept))
    padded = _padded(header, stored)
    if padded is not None:
        hu[padded] = AIR_HU
    return hu


def _resonance(dataset: Dataset, header: Decodable, stored: NDArray[Any]) -> Slice:
    values = _looked_up(dataset, header, stored) if "ModalityLUTSequence" in dataset else stored * np.sign(header.slope)
    return normalise(values, _padded(header, stored), header.path)


def _radiograph(dataset: Dataset, header: Decodable, stored: NDArray[Any]) -> Slice:
    dense: NDArray[np.float64] = _guarded(header.path, lambda: density(dataset, stored, header.slope, header.path))
    return normalise(dense, _padded(header, stored), header.path)


_OF_MODALITY: Final[dict[Modality, Callable[[Dataset, Decodable, NDArray[Any]], Slice]]] = {
    Modality.CT: _hounsfield,
    Modality.MR: _resonance,
    Modality.XRAY: _radiograph,
}


def _looked_up(dataset: Dataset, header: Decodable, stored: NDArray[Any]) -> NDArray[Any]:
    values: NDArray[Any] = _guarded(header.path, lambda: looked_up(stored, dataset))
    return values


def _padded(header: Decodable, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    if header.padding is None:
        return None
    padded: NDArray[np.bool_] = (stored >= header.padding[0]) & (stored <= header.padding[1])
    return padded


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
        claimed = _guarded(header.path, lambda: claimed_shape(dataset, header.frame, frames))
        if claimed is not None:
            _require_shape(claimed, (header.rows, header.cols, 1), header.path)  # a decoder would allocate it
    stored: NDArray[Any] = _guarded(header.path, lambda: pixel_array(dataset, index=index))
    _require_shape(stored.shape, (header.rows, header.cols), header.path)
    return stored


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
