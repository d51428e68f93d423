"""A sealed scan is intact until anything of it is changed, and then what was changed is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from medfake.seal.keys import KeyPair
from tests.seal.conftest import INTACT, PATIENT, Run, Said, change, change_pixel, write_scan

Seal = Callable[[Path], Said]
Verify = Callable[..., Said]
BROKEN = """error: this is not what was sealed on DAY
  where: scan
  received: {}
  next: fetch the scan again from where it was sealed; medfake scan PATH looks for traces of manipulation
"""
PHOTOMETRIC = "Photometric Interpretation MONOCHROME1, was MONOCHROME2"


def three_frames(dataset: Dataset, third: float = 4.0) -> None:
    """Make an enhanced file of three frames, two of them at 0 and 2 mm."""
    dataset.NumberOfFrames, items = "3", []
    for z in (0.0, 2.0, third):
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = [-10.0, -20.0, z]
        frame.PlanePositionSequence = Sequence([place])
        items.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(items)
    if "ImagePositionPatient" in dataset:
        del dataset.ImagePositionPatient
    dataset.PixelData = np.arange(3 * 256, dtype="<i2").tobytes()


def test_an_untouched_scan_is_intact(scan: Path, seal: Seal, verify: Verify) -> None:
    before = {path: path.read_bytes() for path in scan.iterdir()}
    assert seal(scan).code == 0
    assert verify(scan) == Said(0, INTACT)
    assert {path: path.read_bytes() for path in scan.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "how", "lines", "told"),
    [
        ("2.dcm", change_pixel, "slice 3 (scan/2.dcm): pixels changed", "1 pixels changed"),
        (
            "0.dcm", lambda one: setattr(one, "ImagePositionPatient", [-10, -20, 0.5]),
            r"slice 1 (scan/0.dcm): geometry changed: (0020,0032) Image Position (Patient) -10\-20\0.5, was -10\-20\0",
            "1 geometry changed",
        ),
        (
            "4.dcm", lambda one: setattr(one, "RescaleSlope", "2"),
            "slice 5 (scan/4.dcm): rescale changed: (0028,1053) Rescale Slope 2, was 1", "1 rescale changed",
        ),
        (
            "4.dcm", lambda one: one.add_new("PixelPaddingValue", "SS", -2000),
            "slice 5 (scan/4.dcm): rescale changed: (0028,0120) Pixel Padding Value -2000, was nothing",
            "1 rescale changed",
        ),
        (
            "1.dcm", lambda one: setattr(one, "PhotometricInterpretation", "MONOCHROME1"),
            f"slice 2 (scan/1.dcm): rescale changed: (0028,0004) {PHOTOMETRIC}", "1 rescale changed",
        ),
        (
            "3.dcm", lambda one: setattr(one, "FrameOfReferenceUID", "1.2.3"),
            "slice 4 (scan/3.dcm): geometry changed: (0020,0052) Frame of Reference UID is another",
            "1 geometry changed",
        ),
        (
            "3.dcm", lambda one: setattr(one, "SeriesInstanceUID", "1.2.3"),
            "slice 4 (scan/3.dcm): series changed: (0020,000E) Series Instance UID is another", "1 series changed",
        ),
    ],
)  # fmt: skip
def test_what_was_changed_is_named(
    scan: Path, seal: Seal, verify: Verify, name: str, how: Callable[[Dataset], None], lines: str, told: str
) -> None:
    seal(scan)
    change(scan / name, how)
    assert verify(scan) == Said(17, f"{lines}\n{BROKEN.format(told)}")


def test_a_missing_slice_is_named_by_its_place_and_number(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    (scan / "1.dcm").unlink()
    line = "slice 2: missing: it was (0020,0013) Instance Number 2\n"
    assert verify(scan) == Said(17, line + BROKEN.format("1 missing"))


def test_an_added_slice_is_named_by_its_file(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    write_scan(scan / "more", slices=1, seed="other", edge=8)
    assert verify(scan) == Said(17, "scan/more/0.dcm: added\n" + BROKEN.format("1 added"))


def test_a_slice_under_another_uid_is_recognised(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    change(scan / "1.dcm", lambda one: setattr(one, "SOPInstanceUID", "1.2.3"))
    assert verify(scan) == Said(
        17,
        "slice 2: missing: it was (0020,0013) Instance Number 2\n"
        "scan/1.dcm: added: it shows what slice 2 showed\n" + BROKEN.format("1 missing, 1 added"),
    )


def test_slices_that_change_places_are_both_named(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    first, last = (pydicom.dcmread(scan / f"{number}.dcm").PixelData for number in (0, 4))
    change(scan / "0.dcm", lambda one: setattr(one, "PixelData", last))
    change(scan / "4.dcm", lambda one: setattr(one, "PixelData", first))
    said = verify(scan)
    assert said.text.splitlines()[:2] == [
        "slice 1 (scan/0.dcm): pixels changed", "slice 5 (scan/4.dcm): pixels changed",
    ]  # fmt: skip


def test_a_second_file_of_a_slice_is_named(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    shutil.copy(scan / "1.dcm", scan / "9.dcm")
    assert verify(scan) == Said(17, "scan/9.dcm: added: a second file of slice 2\n" + BROKEN.format("1 added"))


def test_a_second_file_is_named_though_it_lacks_the_first_slice(scan: Path, seal: Seal, verify: Verify) -> None:
    for number in range(1, 5):
        (scan / f"{number}.dcm").unlink()
    change(scan / "0.dcm", lambda one: three_frames(one, third=-2.0))
    seal(scan)

    def two_frames(dataset: Dataset) -> None:
        dataset.NumberOfFrames, dataset.PixelData = 2, dataset.PixelData[:1024]

    shutil.copy(scan / "0.dcm", scan / "a.dcm")  # is read before the other
    change(scan / "a.dcm", two_frames)
    assert "scan/0.dcm: added: a second file of slice 1\n" in verify(scan).text


@pytest.mark.parametrize("start", [132, 128])
def test_a_slice_without_the_beginning_of_a_file_is_named(scan: Path, seal: Seal, verify: Verify, start: int) -> None:
    seal(scan)
    (scan / "9.dcm").write_bytes((scan / "1.dcm").read_bytes()[start:])
    said = verify(scan)
    assert said.code == 17
    assert said.text.startswith("scan/9.dcm: cannot be read: a DICOM data set without the prefix")


def test_a_slice_that_cannot_be_read_is_named(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    (scan / "1.dcm").write_bytes((scan / "1.dcm").read_bytes()[:-100])
    said = verify(scan)
    assert said.code == 17
    assert said.text.splitlines()[0].startswith("slice 2 (scan/1.dcm): cannot be read: ")
    assert "missing" not in said.text


def test_a_header_that_breaks_off_is_named_and_its_slice_missing(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    (scan / "1.dcm").write_bytes((scan / "1.dcm").read_bytes()[:300])
    said = verify(scan)
    assert said.code == 17
    assert said.text.splitlines()[0] == "slice 2: missing: it was (0020,0013) Instance Number 2"
    assert said.text.splitlines()[1].startswith("scan/1.dcm: cannot be read: ")


def test_a_link_and_a_text_are_no_part_of_a_scan(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    (scan / "notes.txt").write_text("to be seen")
    (scan / "link.dcm").symlink_to("1.dcm")
    told = "left out, and not covered by the seal: 1 a symbolic link, 1 not a DICOM file\n"
    assert verify(scan) == Said(0, told + INTACT)


def test_a_slice_behind_a_link_is_missing(scan: Path, seal: Seal, verify: Verify, tmp_path: Path) -> None:
    seal(scan)
    (scan / "1.dcm").rename(tmp_path / "elsewhere.dcm")
    (scan / "1.dcm").symlink_to(tmp_path / "elsewhere.dcm")
    assert "slice 2: missing" in verify(scan).text


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_lossless_compression_breaks_no_seal(scan: Path, seal: Seal, verify: Verify, syntax: str) -> None:
    write_scan(scan, edge=64)  # JPEG 2000 halves an image five times
    seal(scan)
    for path in scan.iterdir():
        change(path, lambda one: one.compress(syntax, generate_instance_uid=False))
    assert verify(scan) == Said(0, INTACT)


def test_a_compressed_scan_is_sealed_and_verified_when_it_is_plain(scan: Path, seal: Seal, verify: Verify) -> None:
    for path in scan.iterdir():
        change(path, lambda one: one.compress(RLELossless, generate_instance_uid=False))
    seal(scan)
    for path in scan.iterdir():
        change(path, lambda one: one.decompress(generate_instance_uid=False))
    assert verify(scan) == Said(0, INTACT)


@pytest.mark.parametrize("implicit", [True, False])
def test_another_encoding_of_the_header_breaks_no_seal(scan: Path, seal: Seal, verify: Verify, implicit: bool) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "SS", [3, -2, 16])
    table.add_new("LUTData", "US", [1, 2, 3])
    for path in scan.iterdir():
        change(path, lambda one: one.add_new("PixelPaddingValue", "SS", -2000))
        change(path, lambda one: setattr(one, "ModalityLUTSequence", Sequence([table])))
    seal(scan)
    for path in scan.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.RescaleSlope, dataset.ImagePositionPatient[0] = "1.000", "-10.0"
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRBigEndian
        if not implicit:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
        pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=implicit, enforce_file_format=True)
    assert verify(scan) == Said(0, INTACT)


def test_frames_of_one_file_are_slices(scan: Path, seal: Seal, verify: Verify) -> None:
    for number in range(1, 5):
        (scan / f"{number}.dcm").unlink()
    change(scan / "0.dcm", three_frames)
    assert seal(scan).text.startswith("sealed: 3 slices of 1 series")
    change(scan / "0.dcm", lambda one: three_frames(one, third=5.0))
    position = "(0020,0032) Image Position (Patient) in per-frame/PlanePositionSequence -10\\-20\\5, was -10\\-20\\4"
    assert verify(scan).text.startswith(f"slice 3 (scan/0.dcm): geometry changed: {position}\n")


def test_several_series_are_told_apart(scan: Path, seal: Seal, verify: Verify) -> None:
    write_scan(scan / "b", slices=3, seed="other", edge=8)
    assert seal(scan).text.startswith("sealed: 8 slices of 2 series")
    change(scan / "b" / "2.dcm", lambda one: setattr(one, "RescaleIntercept", "5"))
    assert verify(scan).text.startswith("series 2, slice 3 (scan/b/2.dcm): rescale changed: ")


def test_one_file_is_sealed_by_itself(scan: Path, seal: Seal, verify: Verify) -> None:
    assert "written: " in seal(scan / "2.dcm").text
    change(scan / "1.dcm", change_pixel)
    assert verify(scan / "2.dcm").code == 0
    change(scan / "2.dcm", change_pixel)
    assert verify(scan / "2.dcm").text.startswith("slice 1 (scan/2.dcm): pixels changed\n")


def test_json_has_every_difference(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    change(scan / "2.dcm", change_pixel)
    (scan / "0.dcm").unlink()
    assert verify(scan, "--json", "found.json").code == 17
    found = json.loads(Path("found.json").read_text())
    assert (found["verdict"], found["series"], found["slices"]) == ("broken", 1, 5)
    assert found["differences"] == [
        {"kind": "missing", "series": 1, "slice": 1, "file": None, "detail": "it was (0020,0013) Instance Number 1"},
        {"kind": "pixels changed", "series": 1, "slice": 3, "file": "scan/2.dcm", "detail": ""},
    ]


def test_json_goes_to_standard_output_alone(scan: Path, seal: Seal, run: Run, keys: KeyPair) -> None:
    seal(scan)
    said = run("verify", scan, "--key", keys.public, "--json")
    assert json.loads(said.text.split("\nintact")[0])["verdict"] == "intact"


def test_more_than_twenty_differences_are_counted(tmp_path: Path, seal: Seal, verify: Verify) -> None:
    scan = Path("scan")
    write_scan(scan, slices=22)
    seal(scan)
    for path in scan.iterdir():
        change(path, change_pixel)
    lines = verify(scan).text.splitlines()
    assert lines[19] == "slice 20 (scan/19.dcm): pixels changed"
    assert lines[20] == "and 2 more; all of them: --json FILE"


def test_nothing_that_identifies_a_patient_is_in_a_seal(scan: Path, seal: Seal) -> None:
    dataset = pydicom.dcmread(scan / "0.dcm")
    uids = {str(dataset[name].value) for name in ("SOPInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")}
    seal(scan)
    text = Path("scan.seal.json").read_text()
    assert not any(word in text for word in (PATIENT, "DOE", "4711", "0.dcm", *uids))


def test_two_seals_of_a_scan_cannot_be_told_to_be_of_one_by_their_uids(scan: Path, run: Run, keys: KeyPair) -> None:
    for name in ("one", "two"):
        run("seal", scan, "--key", keys.private, "--out", f"{name}.seal.json")
    one, two = (json.loads(Path(f"{name}.seal.json").read_text())["sealed"]["series"] for name in ("one", "two"))
    assert one[0]["series"] != two[0]["series"]
    assert one[0]["slices"][0]["instance"] != two[0]["slices"][0]["instance"]


def test_signatures_in_the_files_are_told_of(scan: Path, seal: Seal, verify: Verify) -> None:
    def signed(dataset: Dataset) -> None:
        parameters, signature = Dataset(), Dataset()
        parameters.MACIDNumber, parameters.MACAlgorithm = 1, "SHA256"
        signature.MACIDNumber, signature.DigitalSignatureUID = 1, generate_uid()
        dataset.MACParametersSequence = Sequence([parameters])
        dataset.DigitalSignaturesSequence = Sequence([signature])

    change(scan / "1.dcm", signed)
    seal(scan)
    told = "1 files carry DICOM Digital Signatures of their own, not looked at here: dcmsign of DCMTK checks them\n"
    assert verify(scan) == Said(0, told + INTACT)
