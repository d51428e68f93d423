"""The size that a compressed frame claims for itself, read off its first bytes: decoders allocate by it."""

import struct

from pydicom.dataset import Dataset
from pydicom.encaps import get_frame

_STANDALONE = frozenset({0x01, *range(0xD0, 0xDA)})  # JPEG markers without a length
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # SOF of JPEG (T.81) and JPEG-LS (T.87)
_SEARCHED = 512  # bytes in which a JP2 box must give way to its codestream


def frame_shape(frame: bytes) -> tuple[int, int, int] | None:
    """Rows, columns and components of a JPEG, JPEG-LS or JPEG 2000 frame.

    Args:
        frame: One compressed frame.

    Returns:
        What the SOF marker (ITU-T T.81 B.2.2, T.87 C.2.2) or the SIZ marker (T.800 A.5.1) says; None for a stream
        without one, such as RLE, whose segments the decoder measures by the header's rows and columns.
    """
    if frame[:2] == b"\xff\xd8":
        return _jpeg_shape(frame)
    start = frame.find(b"\xff\x4f\xff\x51", 0, _SEARCHED)
    if start >= 0:
        width, height, left, top = struct.unpack_from(">4I", frame, start + 8)
        (components,) = struct.unpack_from(">H", frame, start + 40)
        return height - top, width - left, components
    return None


def claimed_shape(dataset: Dataset, frame: int, frames: int) -> tuple[int, int, int] | None:
    """What `frame_shape` says of one frame of a file whose pixels are compressed.

    Args:
        dataset: With its pixels, as they are stored.
        frame: Index of the frame.
        frames: How many the file has.

    Raises:
        ValueError: There is no such frame.
    """
    offsets = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    extended = offsets if all(offsets) else None
    return frame_shape(get_frame(dataset.PixelData, frame, extended_offsets=extended, number_of_frames=frames))


def _jpeg_shape(frame: bytes) -> tuple[int, int, int] | None:
    place = 2
    while place + 4 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker in _FRAME_HEADERS:
            height, width, components = struct.unpack_from(">HHB", frame, place + 5)
            return height, width, components
        if marker == 0xFF:
            place += 1  # a fill byte
        elif marker in _STANDALONE:
            place += 2
        else:
            place += 2 + struct.unpack_from(">H", frame, place + 2)[0]
    return None
