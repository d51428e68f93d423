"""Deflated files are inflated as far as their header justifies, and no file decides alone what is allocated."""

import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from medfake.dicom import bounded, parse
from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice
from medfake.errors import DicomError, HeaderError, PixelDataError

Edited = Callable[..., Path]
MIB = 1 << 20
BOMB_MIB = 160
READ = """
import resource, sys
from pathlib import Path
from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice
from medfake.errors import DicomError
read_slice(read_headers(Path(sys.argv[1]))[0])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for header in read_headers(Path(sys.argv[2])):
        read_slice(header)
    outcome = "read"
except DicomError as error:
    outcome = type(error).__name__
print(outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def head_of(path: Path) -> tuple[bytes, bytes]:
    """The file up to its data set, and the data set up to the value of Pixel Data."""
    whole = path.read_bytes()
    start = 144 + int.from_bytes(whole[140:144], "little")
    return whole[:start], whole[start : whole.rindex(b"\xe0\x7f\x10\x00OW")]


def pixels_of(length: int) -> bytes:
    return struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, length)


def deflate(path: Path, parts: Iterator[bytes] | list[bytes]) -> Path:
    meta = pydicom.dcmread(path).file_meta
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    file = pydicom.filebase.DicomBytesIO()
    file.write(bytes(128) + b"DICM")
    pydicom.filewriter.write_file_meta_info(file, meta, enforce_standard=True)
    squeezer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = b"".join(squeezer.compress(part) for part in parts)
    path.write_bytes(file.getvalue() + body + squeezer.flush())
    return path


def zeros(mib: int) -> Iterator[bytes]:
    yield from (bytes(MIB) for _ in range(mib))


def memory_of_reading(good: Path, path: Path) -> tuple[str, float]:
    """How reading ends, and MiB by which it raises the peak of a process that has read another file before."""
    run = [sys.executable, "-c", READ, str(good), str(path)]
    outcome, kib = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    return outcome, int(kib) / 1024


def bombs(edited: Edited) -> dict[str, Path]:
    _, data_set = head_of(edited(lambda _: None))
    small, large = pixels_of(16 * 12 * 2), pixels_of(BOMB_MIB * MIB)
    private = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, BOMB_MIB * MIB)
    before, after = data_set[: data_set.index(b"\x10\x00\x10\x00PN")], data_set[data_set.index(b"\x10\x00\x10\x00PN") :]
    return {
        "pixels longer than the image": deflate(
            edited(lambda _: None, "long.dcm"), [data_set, large, *zeros(BOMB_MIB)]
        ),
        "more behind the image": deflate(
            edited(lambda _: None, "tail.dcm"), [data_set, small, bytes(16 * 12 * 2), *zeros(BOMB_MIB)]
        ),
        "a private element": deflate(
            edited(lambda _: None, "private.dcm"), [before, private, *zeros(BOMB_MIB), after, small, bytes(16 * 12 * 2)]
        ),
    }


def test_a_deflated_file_takes_what_its_image_takes(edited: Edited) -> None:
    good = edited(lambda _: None, "good.dcm")
    endings = {}
    for name, path in bombs(edited).items():
        assert path.stat().st_size < MIB
        endings[name], mib = memory_of_reading(good, path)
        assert mib < (BOMB_MIB if name == "a private element" else BOMB_MIB / 4), (name, mib)
    assert endings == {
        "pixels longer than the image": "PixelDataError",
        "more behind the image": "read",
        "a private element": "HeaderError",
    }


def test_what_lies_behind_the_pixels_is_not_inflated(edited: Edited, monkeypatch: pytest.MonkeyPatch) -> None:
    inflated = 0
    original = bounded.Inflating._inflate

    def counted(self: bounded.Inflating, most: int) -> bytes:
        nonlocal inflated
        found = original(self, most)
        inflated += len(found)
        return found

    monkeypatch.setattr(bounded.Inflating, "_inflate", counted)
    _, data_set = head_of(edited(lambda _: None))
    pixels = np.arange(16 * 12, dtype="<i2")
    path = deflate(edited(lambda _: None, "tail.dcm"), [data_set, pixels_of(384), pixels.tobytes(), *zeros(2)])
    header = read_headers(path)[0]
    assert inflated <= len(data_set) + 12  # pixels are not even begun
    inflated = 0
    np.testing.assert_array_equal(read_slice(header), pixels.reshape(16, 12))
    assert inflated == len(data_set) + 12 + 384 + 4 + 1024  # and the beginning of what follows


@pytest.mark.parametrize(("cap", "refused"), [(384, False), (383, True)])
def test_deflated_pixels_have_a_cap_of_their_own(
    edited: Edited, monkeypatch: pytest.MonkeyPatch, cap: int, refused: bool
) -> None:
    _, data_set = head_of(edited(lambda _: None))
    path = deflate(edited(lambda _: None, "whole.dcm"), [data_set, pixels_of(384), bytes(384)])
    monkeypatch.setattr(parse, "LARGEST_INFLATED", cap)
    header = read_headers(path)[0]
    if refused:
        with pytest.raises(PixelDataError, match="deflated"):
            read_slice(header)
        return
    assert read_slice(header).shape == (16, 12)


@pytest.mark.parametrize("over", [0, 1])
def test_a_header_has_a_cap_deflated_or_not(edited: Edited, monkeypatch: pytest.MonkeyPatch, over: int) -> None:
    path = edited(lambda dataset: dataset.add_new(0x00091001, "OB", bytes(4000)))
    whole = path.read_bytes()
    monkeypatch.setattr(parse, "LARGEST_HEADER", whole.rindex(b"\xe0\x7f\x10\x00OW") + 12 - over)
    if over:
        with pytest.raises(HeaderError, match="header of more than"):
            read_headers(path)
        return
    assert len(read_headers(path)) == 1


def test_a_length_beyond_the_file_allocates_nothing(edited: Edited) -> None:
    path = edited(lambda dataset: dataset.add_new(0x00091001, "OB", bytes(4000)))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(struct.pack("<2sHI", b"OB", 0, 4000), struct.pack("<2sHI", b"OB", 0, 0xFFFFFFF0)))
    limit = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 512 * MIB, limit[1]))
    try:
        with pytest.raises(DicomError) as caught:
            read_headers(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    assert "MemoryError" not in str(caught.value)


def test_encapsulated_pixels_beyond_twice_the_image_are_refused(edited: Edited) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.compress(RLELossless)
        dataset.PixelData = encapsulate([bytes(dataset.PixelData[16:-8]), bytes(1 << 16)])
        dataset["PixelData"].is_undefined_length = True

    with pytest.raises(PixelDataError, match="too long for the image"):
        read_slice(read_headers(edited(edit))[0])


def test_items_without_end_stop_a_header(edited: Edited, monkeypatch: pytest.MonkeyPatch) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.ReferencedImageSequence = Sequence([Dataset() for _ in range(3000)])
        dataset["ReferencedImageSequence"].is_undefined_length = True

    path = edited(edit)
    assert len(read_headers(path)) == 1
    monkeypatch.setattr(bounded, "MOST_READS", 2000)
    with pytest.raises(HeaderError, match="header of more than"):
        read_headers(path)
