"""Whether a file can hold the pixels that its header promises, judged before one is read or decoded."""

from pathlib import Path

from pydicom.dataset import Dataset

from medfake.dicom import fields
from medfake.dicom.parse import UNDEFINED_LENGTH, PixelElement
from medfake.errors import HeaderError, PixelDataError, UnsupportedImageError
from medfake.vocabulary import Modality

LARGEST_EDGE = 4096  # rows or columns; CT detectors end at 2048
LARGEST_RADIOGRAPH_EDGE = 5120  # 43 cm at 0.1 mm are 4300
MOST_FRAMES = 5000
_FRAME_OVERHEAD = 1 << 14  # bytes of a compressed frame that are no pixels; the parser reads 8 KiB ahead
_AGAIN = "copy or export the file again"
_PIXEL_DATA = "(7FE0,0010) Pixel Data"


def frame_count(dataset: Dataset, path: Path) -> int:
    """Number of Frames (0028,0008), 1 where it is absent.

    Raises:
        HeaderError: Not within 1 to 5000.
        UnsupportedImageError: Several frames without positions of their own.
    """
    frames = fields.whole(dataset.get("NumberOfFrames", 1) or 1)
    if frames is None or not 1 <= frames <= MOST_FRAMES:
        raise HeaderError(
            f"expected 1 to {MOST_FRAMES} frames", where=path, element="(0028,0008) Number of Frames",
            received=fields.shown(dataset.get("NumberOfFrames")),
        )  # fmt: skip
    if frames > 1 and "PerFrameFunctionalGroupsSequence" not in dataset:
        raise UnsupportedImageError(
            "a multi-frame image without positions of its frames", where=path,
            element="(5200,9230) Per-Frame Functional Groups Sequence", received="nothing",
        )  # fmt: skip
    return frames


def justified_size(dataset: Dataset, pixels: PixelElement | None, path: Path) -> int:
    """Compare Pixel Data (7FE0,0010) with Rows x Columns x Frames x Bits Allocated (PS3.5 section 8).

    Uncompressed pixels must have exactly this length (one more byte where it is odd) and lie within the file; of
    compressed ones only the beginning must be there, decoding tells the rest. A deflated file is not inflated for this.

    Returns:
        Bytes that Pixel Data may have: these, or twice as many where they are compressed.

    Raises:
        HeaderError: Rows, columns, bits or frames are impossible.
        UnsupportedImageError: Several frames without positions of their own.
        PixelDataError: Pixel Data are missing, too short, too long or cut off.
    """
    frames = frame_count(dataset, path)
    needed = _bytes_needed(dataset, path, frames)
    if pixels is None:
        raise PixelDataError("holds no pixels", where=path, element=_PIXEL_DATA, remedy=_AGAIN)
    compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    if not compressed and pixels.length != needed + needed % 2:
        short = pixels.length < needed
        raise PixelDataError(
            f"the pixel data are too {'short' if short else 'long'} for the image",
            where=path,
            element=_PIXEL_DATA,
            received=f"{pixels.length} bytes for {frames} frames of {dataset.Rows} x {dataset.Columns} pixels",
            remedy=_AGAIN,
        )
    end = pixels.offset + (1 if pixels.length == UNDEFINED_LENGTH else pixels.length)
    if pixels.size is not None and end > pixels.size:
        raise PixelDataError(
            "the file ends within its pixels (truncated?)",
            where=path,
            element=_PIXEL_DATA,
            received=f"{pixels.size} of {end} bytes",
            remedy=_AGAIN,
        )
    return 2 * needed + frames * _FRAME_OVERHEAD if compressed else needed + needed % 2


def _bytes_needed(dataset: Dataset, path: Path, frames: int) -> int:
    projected = Modality.named(fields.text(dataset, "Modality")) is Modality.XRAY
    edges = range(1, (LARGEST_RADIOGRAPH_EDGE if projected else LARGEST_EDGE) + 1)
    rows, cols = (fields.unsigned(dataset, keyword, edges, path) for keyword in ("Rows", "Columns"))
    return rows * cols * frames * fields.unsigned(dataset, "BitsAllocated", (8, 16, 32), path) // 8
