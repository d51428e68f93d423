"""Elements that stand twice: what is scored must be what any viewer shows."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice
from medfake.errors import HeaderError, PixelDataError
from tests.dicom.conftest import changes

Edited = Callable[..., Path]
INTERCEPT = struct.pack("<HH2sH", 0x0028, 0x1052, b"DS", 4)
PIXELS = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 384) + bytes(384)


def test_a_slope_or_intercept_that_stands_twice_is_refused(edited: Edited) -> None:
    path = edited(changes(RescaleIntercept="-100"))
    file = path.read_bytes()
    assert file.count(INTERCEPT) == 1
    path.write_bytes(file.replace(INTERCEPT, INTERCEPT + b"-500" + INTERCEPT))
    with pytest.raises(HeaderError, match=r"readers may see something else in this file: \(0028,1052\) stands twice"):
        read_headers(path)


@pytest.mark.parametrize(("tail", "tag"), [(PIXELS, "7FE0,0010"), (INTERCEPT + b"-500", "0028,1052")])
def test_what_follows_the_pixels_once_more_is_refused(edited: Edited, tail: bytes, tag: str) -> None:
    path = edited(lambda _: None)
    with path.open("ab") as file:
        file.write(tail)
    with pytest.raises(PixelDataError, match=rf"\({tag}\) stands behind the pixels"):
        read_slice(read_headers(path)[0])


@pytest.mark.parametrize(
    "tail", [b"", bytes(2), bytes(64), struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 8) + bytes(8)]
)
@pytest.mark.parametrize("deflated", [False, True])
def test_what_may_follow_the_pixels_does_no_harm(edited: Edited, tail: bytes, deflated: bool) -> None:
    path = edited(lambda _: None)
    before = read_slice(read_headers(path)[0])
    if deflated:
        path = edited(lambda one: setattr(one.file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian))
    else:
        with path.open("ab") as file:
            file.write(tail)
    np.testing.assert_array_equal(read_slice(read_headers(path)[0]), before)
