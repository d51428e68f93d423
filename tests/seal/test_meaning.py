"""What pixels mean is sealed with them: bits, sign, colours, and what a viewer reads them by."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage, JPEG2000Lossless, RLELossless

from medfake.dicom.fields import element
from tests.seal.conftest import INTACT, Said, change, change_pixel, write_scan

Seal = Callable[[Path], Said]
Verify = Callable[..., Said]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("SOPClassUID", EnhancedCTImageStorage), ("HighBit", 14)],
)
def test_what_a_viewer_reads_pixels_by_is_sealed(
    scan: Path, seal: Seal, verify: Verify, keyword: str, value: object
) -> None:
    seal(scan)
    change(scan / "1.dcm", lambda one: setattr(one, keyword, value))
    said = verify(scan)
    assert said.code == 17
    assert said.text.startswith(f"slice 2 (scan/1.dcm): rescale changed: {element(keyword)} ")


def test_a_palette_that_was_changed_is_named(scan: Path, seal: Seal, verify: Verify) -> None:
    def palette(dataset: Dataset, red: int = 0) -> None:
        dataset.PhotometricInterpretation = "PALETTE COLOR"
        dataset.RedPaletteColorLookupTableData = bytes([red]) * 512

    change(scan / "1.dcm", palette)
    seal(scan)
    assert verify(scan).code == 0
    change(scan / "1.dcm", lambda one: palette(one, red=9))
    assert verify(scan).text.startswith("slice 2 (scan/1.dcm): rescale changed: (0028,1201) Red Palette")


def test_a_compressed_image_that_claims_another_size_is_not_decoded(scan: Path, seal: Seal) -> None:
    def claim(dataset: Dataset) -> None:
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        pixels = bytearray(dataset.PixelData)
        at = pixels.index(b"\xff\x4f\xff\x51") + 8
        pixels[at : at + 8] = struct.pack(">2I", 60_000, 60_000)
        dataset.PixelData = bytes(pixels)

    write_scan(scan, edge=64)  # the encoder takes no smaller ones
    change(scan / "1.dcm", claim)
    assert "1.dcm: the pixels cannot be decoded" in seal(scan).text


def test_pixels_wider_than_images_have_them_are_not_sealed(scan: Path, seal: Seal) -> None:
    def wide(dataset: Dataset) -> None:
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 64, 64, 63
        dataset.PixelData = np.arange(256, dtype="<u8").tobytes()

    change(scan / "1.dcm", wide)
    assert "the header says of no image how large it is" in seal(scan).text


@pytest.mark.parametrize("high", [0x0000, 0xF000])
def test_bits_that_hold_no_pixel_do_not_count(scan: Path, seal: Seal, verify: Verify, high: int) -> None:
    def twelve_bits(dataset: Dataset, above: int = 0) -> None:
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
        values = np.arange(256, dtype="<u2").reshape(16, 16) | above
        dataset.PixelData = values.astype("<u2").tobytes()

    change(scan / "1.dcm", twelve_bits)
    seal(scan)
    change(scan / "1.dcm", lambda one: twelve_bits(one, high))
    assert verify(scan).code == 0


@pytest.mark.parametrize("signed", [0, 1])
def test_the_same_bits_with_another_sign_are_other_pixels(scan: Path, seal: Seal, verify: Verify, signed: int) -> None:
    change(scan / "1.dcm", lambda one: setattr(one, "PixelRepresentation", 1 - signed))
    seal(scan)
    change(scan / "1.dcm", lambda one: setattr(one, "PixelRepresentation", signed))
    assert verify(scan).text.startswith("slice 2 (scan/1.dcm): pixels changed\n")


@pytest.mark.parametrize("modality", ["MR", "CR", "DX", "US"])
def test_any_image_is_sealed(scan: Path, seal: Seal, verify: Verify, modality: str) -> None:
    def other(dataset: Dataset) -> None:
        dataset.Modality = modality
        for keyword in ("RescaleSlope", "RescaleIntercept", "ImagePositionPatient", "ImageOrientationPatient"):
            delattr(dataset, keyword)

    for path in scan.iterdir():
        change(path, other)
    seal(scan)
    assert verify(scan) == Said(0, INTACT)
    change(scan / "4.dcm", change_pixel)
    assert verify(scan).text.startswith("slice 5 (scan/4.dcm): pixels changed\n")  # by Instance Number


def test_colours_are_sealed(scan: Path, seal: Seal, verify: Verify) -> None:
    def colour(dataset: Dataset) -> None:
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
        dataset.PixelData = np.arange(768, dtype=np.uint16).astype(np.uint8).tobytes()

    change(scan / "2.dcm", colour)
    seal(scan)
    change(scan / "2.dcm", lambda one: one.compress(RLELossless, generate_instance_uid=False))
    assert verify(scan) == Said(0, INTACT)
    change(scan / "2.dcm", lambda one: setattr(one, "PhotometricInterpretation", "YBR_FULL"))
    model = "(0028,0004) Photometric Interpretation YBR_FULL, was RGB"
    assert verify(scan).text.startswith(f"slice 3 (scan/2.dcm): rescale changed: {model}\n")
