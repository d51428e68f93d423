"""Files that readers take differently, or that print what they should not: a forger shows each reader what suits."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from medfake.dicom.fields import element
from medfake.dicom.unambiguous import require_unambiguous
from medfake.errors import DicomError
from tests.seal.conftest import INTACT, Said, change

Seal = Callable[[Path], Said]
Verify = Callable[..., Said]
Forge = Callable[[bytes], bytes]
INTERCEPT = struct.pack("<HH2s", 0x0028, 0x1052, b"DS")


def explicit(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    long = vr in (b"OW", b"SQ", b"OV")
    return struct.pack("<HH2s", group, number, vr) + (
        struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))
    ) + value  # fmt: skip


def second_pixels(file: bytes) -> bytes:
    return file + explicit(0x7FE0, 0x0010, b"OW", bytes(512))


def intercept_behind_pixels(file: bytes) -> bytes:
    return file + explicit(0x0028, 0x1052, b"DS", b"-500")


def two_intercepts(file: bytes) -> bytes:
    return file.replace(INTERCEPT, explicit(0x0028, 0x1052, b"DS", b"-500") + INTERCEPT)


def element_of_no_kind(file: bytes) -> bytes:
    return file.replace(INTERCEPT, INTERCEPT[:4] + b"??")


def meta_of_another_length(file: bytes) -> bytes:
    at = file.index(struct.pack("<HH2s", 0x0002, 0x0000, b"UL")) + 8
    return file[:at] + struct.pack("<I", struct.unpack("<I", file[at : at + 4])[0] + 2) + file[at + 4 :]


@pytest.mark.parametrize("forge", [second_pixels, intercept_behind_pixels, two_intercepts])
def test_what_only_some_readers_see_breaks_a_seal(scan: Path, seal: Seal, verify: Verify, forge: Forge) -> None:
    seal(scan)
    (scan / "1.dcm").write_bytes(forge((scan / "1.dcm").read_bytes()))
    said = verify(scan)
    assert said.code == 17
    assert "scan/1.dcm): cannot be read: readers may see" in said.text or "scan/1.dcm: cannot be read: r" in said.text
    assert "stands twice" in said.text or "stands behind the pixels" in said.text
    Path("scan.seal.json").unlink()
    assert "scan/1.dcm: readers may see something else" in seal(scan).text


@pytest.mark.parametrize("forge", [element_of_no_kind, meta_of_another_length])
def test_a_file_that_readers_take_apart_differently_is_refused(scan: Path, forge: Forge) -> None:
    path = scan / "1.dcm"
    path.write_bytes(forge(path.read_bytes()))
    with pytest.raises(DicomError, match="readers may see something else"):
        require_unambiguous(path, 1)


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", ["explicit", "implicit", "deflated"])
def test_an_element_twice_in_an_item_is_refused(scan: Path, syntax: str, undefined: bool) -> None:
    def nested(dataset: Dataset) -> None:
        item = Dataset()
        item.RescaleIntercept, item.RescaleSlope = -1024, 1
        dataset.PixelValueTransformationSequence = [item]
        dataset["PixelValueTransformationSequence"].is_undefined_length = undefined
        item.is_undefined_length_sequence_item = undefined
        known = {"implicit": ImplicitVRLittleEndian, "deflated": DeflatedExplicitVRLittleEndian}
        dataset.file_meta.TransferSyntaxUID = known.get(syntax, dataset.file_meta.TransferSyntaxUID)

    path = scan / "1.dcm"
    change(path, lambda dataset: delattr(dataset, "RescaleSlope"))
    dataset = pydicom.dcmread(path)
    nested(dataset)
    dataset.save_as(path, implicit_vr=syntax == "implicit", little_endian=True)
    require_unambiguous(path, 1)
    if syntax == "deflated":
        return
    file = path.read_bytes()
    slope = struct.pack("<HH", 0x0028, 0x1053) + (b"" if syntax == "implicit" else b"DS")
    assert file.count(slope) == 1  # it is the item's
    path.write_bytes(file.replace(slope, struct.pack("<HH", 0x0028, 0x1052) + slope[4:]))
    with pytest.raises(DicomError, match=r"\(0028,1052\) stands twice"):
        require_unambiguous(path, 1)


def test_sequences_within_sequences_are_not_followed_for_ever(scan: Path) -> None:
    inner = b""
    for _ in range(40):
        inner = explicit(0x0008, 0x1140, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner)
    path = scan / "1.dcm"
    file = path.read_bytes()
    at = file.index(struct.pack("<HH2s", 0x0010, 0x0010, b"PN"))
    path.write_bytes(file[:at] + inner + file[at:])
    with pytest.raises(DicomError, match="stand within one another"):
        require_unambiguous(path, 1)


def test_zeros_behind_a_file_are_nothing(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    with (scan / "1.dcm").open("ab") as file:
        file.write(bytes(300))
    assert verify(scan) == Said(0, INTACT)


def item(value: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


@pytest.fixture
def frames(scan: Path) -> tuple[Path, list[bytes], list[bytes]]:
    """A scan of one file of two compressed frames, the fragments of both, and two others."""
    for path in sorted(scan.iterdir())[1:]:
        path.unlink()
    path = scan / "0.dcm"
    dataset = pydicom.dcmread(path)
    values = np.arange(512, dtype="<i2").reshape(2, 16, 16)

    def fragment(frame: np.ndarray) -> bytes:
        made = RLELosslessEncoder.encode(
            frame.tobytes(), rows=16, columns=16, samples_per_pixel=1, bits_allocated=16, bits_stored=16,
            pixel_representation=1, photometric_interpretation="MONOCHROME2", number_of_frames=1,
        )  # fmt: skip
        return made + bytes(len(made) % 2)

    dataset.NumberOfFrames = 2
    dataset.PixelData = values.tobytes()
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    return path, [fragment(one) for one in values], [fragment(one) for one in values + 700]


def store(path: Path, table: list[int], fragments: list[bytes], **extended: bytes) -> None:
    dataset = pydicom.dcmread(path)
    for keyword, value in extended.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = item(struct.pack(f"<{len(table)}I", *table)) + b"".join(map(item, fragments))
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


def starts(fragments: list[bytes], first: int = 0) -> list[int]:
    return [first + sum(len(one) + 8 for one in fragments[:number]) for number in range(len(fragments))]


def test_fragments_that_no_table_leads_to_break_a_seal(
    frames: tuple[Path, list[bytes], list[bytes]], seal: Seal, verify: Verify
) -> None:
    path, own, others = frames
    store(path, starts(own), own)
    seal(path.parent)
    assert verify(path.parent).code == 0
    store(path, [], own)
    assert verify(path.parent).code == 0
    behind = starts(own, first=sum(len(one) + 8 for one in others))
    between = [own[0], others[1], own[1]]
    for table, fragments in (
        (behind, [*others, *own]), ([], [*others, *own]), ([0, starts(between)[2]], between), (starts(own)[::-1], own),
    ):  # fmt: skip
        store(path, table, fragments)
        said = verify(path.parent)
        assert said.code == 17
        assert "readers may see other pixels in this file" in said.text


def test_an_extended_table_leads_to_all_fragments_too(frames: tuple[Path, list[bytes], list[bytes]]) -> None:
    path, own, others = frames
    lengths = struct.pack("<2Q", *map(len, own))
    for fragments, offsets, sound in (
        (own, starts(own), True),
        ([*others, *own], starts(own, first=sum(len(one) + 8 for one in others)), False),
        (own, [0, 0], False),
    ):
        store(path, [], fragments, ExtendedOffsetTable=struct.pack("<2Q", *offsets), ExtendedOffsetTableLengths=lengths)
        if sound:
            require_unambiguous(path, 2)
            continue
        with pytest.raises(DicomError, match="readers may see other pixels in this file"):
            require_unambiguous(path, 2)


def test_a_value_is_sealed_wherever_it_stands(scan: Path, seal: Seal, verify: Verify) -> None:
    def enhanced(dataset: Dataset, intercept: int, beside: int | None = None) -> None:
        values, group = Dataset(), Dataset()
        values.RescaleIntercept = intercept
        group.PixelValueTransformationSequence = [values]
        dataset.SharedFunctionalGroupsSequence = [group]
        del dataset.RescaleIntercept
        if beside is not None:
            dataset.RescaleIntercept = beside

    change(scan / "1.dcm", lambda one: enhanced(one, -1024))
    seal(scan)
    assert verify(scan) == Said(0, INTACT)
    dataset = pydicom.dcmread(scan / "1.dcm")
    dataset.RescaleIntercept = 0
    enhanced(dataset, -500, beside=-1024)
    dataset.save_as(scan / "1.dcm")
    place = f"{element('RescaleIntercept')} in shared/PixelValueTransformationSequence"
    assert f"{place} -500, was -1024" in verify(scan).text


@pytest.mark.parametrize("keyword", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
def test_a_group_that_is_itself_what_is_looked_for_is_sealed(
    scan: Path, seal: Seal, verify: Verify, keyword: str
) -> None:
    def mapped(dataset: Dataset, slope: float = 1.0) -> None:
        values, group = Dataset(), Dataset()
        values.RealWorldValueSlope = slope
        group.RealWorldValueMappingSequence = [values]
        setattr(dataset, keyword, [group])

    change(scan / "1.dcm", mapped)
    seal(scan)
    assert verify(scan) == Said(0, INTACT)
    change(scan / "1.dcm", lambda one: mapped(one, slope=2.0))
    assert f"{element('RealWorldValueMappingSequence')} in " in verify(scan).text


@pytest.mark.parametrize("value", ["\x1b[2Jintact: 5 slices", "DOE^JANE-4711"])
def test_what_a_forger_writes_reaches_no_terminal(scan: Path, seal: Seal, verify: Verify, value: str) -> None:
    seal(scan)
    change(scan / "1.dcm", lambda one: one.add_new(0x20500020, "LO", value))
    said = verify(scan)
    assert said.code == 17
    assert value not in said.text


def test_numbers_that_are_none_and_headers_that_break_off_end_with_a_reason(scan: Path, seal: Seal) -> None:
    change(scan / "1.dcm", lambda one: one.add_new(0x00200013, "LO", "²"))
    assert seal(scan).code == 0
    dataset = pydicom.dcmread(scan / "2.dcm")
    dataset.add_new(0x4FFE0001, "OB", b"\x01\x02\x03\x04" * 4)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(scan / "2.dcm", implicit_vr=True, little_endian=True)
    Path("scan.seal.json").unlink()
    assert "scan/2.dcm: " in seal(scan).text


def test_a_slice_whose_name_is_a_dash_is_looked_at(scan: Path, seal: Seal, verify: Verify, monkeypatch) -> None:
    seal(scan)
    file = (scan / "1.dcm").read_bytes()
    monkeypatch.chdir(scan)
    Path("-").write_bytes(file)
    said = verify(Path(), "--seal", "../scan.seal.json", "--json", "-")
    assert said.code == 17
    assert '"verdict": "broken"' in said.text


def test_pixels_of_one_bit_are_sealed(scan: Path, seal: Seal, verify: Verify) -> None:
    def mask(dataset: Dataset, first: int = 0) -> None:
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 1, 1, 0, 0
        dataset.PixelData = bytes([first]) + bytes(31)

    change(scan / "1.dcm", mask)
    seal(scan)
    assert verify(scan) == Said(0, INTACT)
    change(scan / "1.dcm", lambda one: mask(one, first=1))
    assert verify(scan).text.startswith("slice 2 (scan/1.dcm): pixels changed\n")
