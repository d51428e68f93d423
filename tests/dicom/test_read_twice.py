"""Elements that stand twice: what is scored must be what any viewer shows."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice
from medfake.errors import HeaderError, PixelDataError
from tests.dicom.conftest import changes

Edited = Callable[..., Path]
INTERCEPT = struct.pack("<HH2sH", 0x0028, 0x1052, b"DS", 4)
END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
PIXELS = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 384) + bytes(384)


def item(value: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


def _retold(file: bytes, own: bytes, other: bytes) -> bytes:
    """Another transfer syntax in the meta information, whose length follows."""
    at = file.index(struct.pack("<HH2sH", 0x0002, 0x0010, b"UI", len(own)) + own)
    length_at = file.index(struct.pack("<HH2sH", 0x0002, 0x0000, b"UL", 4)) + 8
    length = struct.unpack_from("<I", file, length_at)[0] + len(other) - len(own)
    told = struct.pack("<HH2sH", 0x0002, 0x0010, b"UI", len(other)) + other
    file = file[:at] + told + file[at + 8 + len(own) :]
    return file[:length_at] + struct.pack("<I", length) + file[length_at + 4 :]


def test_a_slope_or_intercept_that_stands_twice_is_refused(edited: Edited) -> None:
    path = edited(changes(RescaleIntercept="-100"))
    file = path.read_bytes()
    assert file.count(INTERCEPT) == 1
    path.write_bytes(file.replace(INTERCEPT, INTERCEPT + b"-500" + INTERCEPT))
    with pytest.raises(HeaderError, match=r"readers may see something else in this file: \(0028,1052\) stands twice"):
        read_headers(path)


PADDING = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 8) + bytes(8)


@pytest.mark.parametrize(
    ("tail", "tag"),
    [
        (PIXELS, "7FE0,0010"),
        (INTERCEPT + b"-500", "0028,1052"),
        (PADDING + PIXELS, "7FE0,0010"),
        (bytes(4) + PIXELS, "0000,0000"),
    ],
)
def test_what_follows_the_pixels_once_more_is_refused(edited: Edited, tail: bytes, tag: str) -> None:
    path = edited(lambda _: None)
    with path.open("ab") as file:
        file.write(tail)
    with pytest.raises(PixelDataError, match=rf"\({tag}\) stands behind the pixels"):
        read_slice(read_headers(path)[0])


@pytest.mark.parametrize("tail", [INTERCEPT + b"-500", PIXELS[:8] + b"\xff" * 4 + item(b"") + item(bytes(64)) + END])
def test_what_follows_compressed_pixels_once_more_is_refused(edited: Edited, tail: bytes) -> None:
    path = edited(lambda one: one.compress(RLELossless, generate_instance_uid=False))
    read_slice(read_headers(path)[0])
    with path.open("ab") as file:
        file.write(tail)
    with pytest.raises(PixelDataError, match="stands behind the pixels"):
        read_slice(read_headers(path)[0])


@pytest.mark.parametrize(("syntax", "implicit"), [(ImplicitVRLittleEndian, False), (ExplicitVRLittleEndian, True)])
def test_a_file_that_is_not_encoded_as_it_says_has_nothing_twice(
    edited: Edited, syntax: UID, implicit: bool, tmp_path: Path
) -> None:
    dataset = dcmread(edited(lambda _: None))
    own = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta.TransferSyntaxUID = own
    dataset.save_as(tmp_path / "own.dcm", implicit_vr=implicit, little_endian=True)
    file = (tmp_path / "own.dcm").read_bytes()
    said = [str(one).encode() + bytes(len(one) % 2) for one in (own, syntax)]
    (tmp_path / "other.dcm").write_bytes(_retold(file, *said))
    assert read_slice(read_headers(tmp_path / "other.dcm")[0]).shape == (16, 12)


@pytest.mark.parametrize(
    "tail",
    [b" " * 16, b"\x1a" * 4, b"", bytes(2), bytes(64), struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 8) + bytes(8)],
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
