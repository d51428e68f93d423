"""Whether a file can hold the pixels that its header promises, judged before one is decoded."""

from pathlib import Path

from pydicom.dataset import Dataset

from medfake.dicom.parse import UNDEFINED_LENGTH, PixelElement
from medfake.errors import HeaderError, PixelDataError

LARGEST_EDGE = 4096  # rows or columns; CT detectors end at 2048
_AGAIN = "copy or export the file again"


def require_plausible_size(dataset: Dataset, pixels: PixelElement | None, path: Path, frames: int) -> None:
    """Compare Pixel Data (7FE0,0010) with Rows x Columns x Frames x Bits Allocated (PS3.5 section 8).

    Uncompressed pixels must have exactly this length (one more byte where it is odd) and lie within the file; of
    compressed ones only the beginning must be there, decoding tells the rest.

    Raises:
        HeaderError: Rows, columns or bits are impossible.
        PixelDataError: Pixel Data are missing, too short, too long or cut off.
    """
    needed = _bytes_needed(dataset, path, frames)
    if pixels is None:
        raise PixelDataError("holds no pixels", where=f"{path} (7FE0,0010) Pixel Data", remedy=_AGAIN)
    compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    if not compressed and pixels.length != needed + needed % 2:
        short = pixels.length < needed
        raise PixelDataError(
            f"the pixel data are too {'short' if short else 'long'} for the image",
            where=f"{path} (7FE0,0010) Pixel Data",
            received=f"{pixels.length} bytes for {frames} frames of {dataset.Rows} x {dataset.Columns} pixels",
            remedy=_AGAIN,
        )
    end = pixels.offset + (1 if pixels.length == UNDEFINED_LENGTH else pixels.length)
    if end > pixels.size:
        raise PixelDataError(
            "the file ends within its pixels (truncated?)",
            where=path,
            received=f"{pixels.size} of {end} bytes",
            remedy=_AGAIN,
        )


def _bytes_needed(dataset: Dataset, path: Path, frames: int) -> int:
    rows, cols = int(dataset.Rows), int(dataset.Columns)
    if not (1 <= rows <= LARGEST_EDGE and 1 <= cols <= LARGEST_EDGE):
        raise HeaderError(
            f"expected 1 to {LARGEST_EDGE} rows and columns",
            where=f"{path} (0028,0010) Rows, (0028,0011) Columns",
            received=f"{rows} x {cols}",
        )
    allocated = int(dataset.get("BitsAllocated", 0))
    if allocated not in (8, 16, 32):
        raise HeaderError("expected 8, 16 or 32 bits", where=f"{path} (0028,0100) Bits Allocated", received=allocated)
    return rows * cols * frames * allocated // 8
