"""One hostile thing beside a good scan: the scan gets its verdict, the thing a reason, and the terminal no orders."""

import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medfake.config import TrackingParams
from medfake.serving.archive import How, scan_archive
from medfake.serving.found import FolderFound, ScanFound
from medfake.serving.model import open_model

WriteScan = Callable[..., Path]
ESCAPES = "\x1b[2J\x1b]0;owned\x07"


@pytest.fixture
def package(make_package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_package()


def scan(package: Path, *arguments: object) -> tuple[dict[str, object], str]:
    """The report, and all that was printed."""
    options = ["--model", str(package), "--jsonl", "out.jsonl", "--json", "out.json", *map(str, arguments)]
    run = [sys.executable, "-m", "medfake.cli.root", "scan", *options]
    done = subprocess.run(run, capture_output=True, timeout=300, env={**os.environ, "COLUMNS": "300"})
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return json.loads(Path("out.json").read_text()), said


def edited(source: Path, place: Path, **fields: object) -> None:
    dataset = pydicom.dcmread(source)
    with pydicom.config.disable_value_validation():
        for keyword, value in fields.items():
            setattr(dataset, keyword, value)
        place.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(place)


def huge(source: Path, place: Path) -> None:
    edited(source, place, Rows=65535, Columns=65535)


def bomb(source: Path, place: Path) -> None:
    """Two gigabytes of pixels that deflate to two megabytes."""
    dataset = pydicom.dcmread(source)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.PixelData = b"\0\0"
    dataset.save_as(place)
    whole = place.read_bytes()
    start = 144 + int.from_bytes(whole[140:144], "little")
    plain = zlib.decompress(whole[start:], -15)
    head = plain[: plain.rindex(b"\xe0\x7f\x10\x00OW")] + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 1 << 31)
    deflater = zlib.compressobj(wbits=-15)
    with place.open("wb") as file:
        file.write(whole[:start] + deflater.compress(head))
        for _ in range(1 << 11):
            file.write(deflater.compress(bytes(1 << 20)))
        file.write(deflater.flush())


def half(source: Path, place: Path) -> None:
    place.write_bytes(source.read_bytes()[:-5000])


def pipe(_: Path, place: Path) -> None:
    os.mkfifo(place)


def circle(_: Path, place: Path) -> None:
    place.symlink_to(place)


def link_out(_: Path, place: Path) -> None:
    place.symlink_to("/etc/passwd")


def ordering(source: Path, place: Path) -> None:
    edited(source, place, Modality=f"US{ESCAPES}")


@pytest.mark.parametrize("make", [huge, bomb, half, pipe, circle, link_out, ordering])
def test_a_hostile_file_is_skipped_and_the_scan_beside_it_is_not(
    package: Path, write_scan: WriteScan, tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    folder = write_scan(tmp_path / "in", [-200] * 9)
    make(folder / "0.dcm", folder / "hostile.dcm")
    report, said = scan(package, folder)
    assert [one["n_slices"] for one in report["scans"]] == [9]  # type: ignore[attr-defined]
    assert [Path(one["path"]).name for one in report["skipped"]] == ["hostile.dcm"]  # type: ignore[attr-defined]
    assert all(character.isprintable() or character == "\n" for character in said), said


@pytest.mark.parametrize(
    "field", ["PatientName", "PatientID", "BodyPartExamined", "ImageType", "SeriesDescription", "Manufacturer",
              "ConvolutionKernel", "SeriesInstanceUID", "StudyInstanceUID"],
)  # fmt: skip
def test_what_a_header_says_gives_the_terminal_no_orders(
    package: Path, write_scan: WriteScan, tmp_path: Path, field: str
) -> None:
    folder = write_scan(tmp_path / "in", [-200] * 9, lung=False)
    value = ["ORIGINAL", "MIP", ESCAPES] if field == "ImageType" else f"A{ESCAPES}"
    for path in folder.iterdir():
        edited(path, path, **{field: value})
    report, said = scan(package, folder)
    assert len(report["scans"]) == 1  # type: ignore[arg-type]
    assert all(character.isprintable() or character == "\n" for character in said), said
    assert "owned" not in Path("out.jsonl").read_text() or field in ("BodyPartExamined", "ImageType")


@pytest.mark.parametrize("uid", ["../../../etc/cron.d/x", "/etc/passwd", "..", "a" * 300, "1.2/../3"])
def test_a_path_in_a_uid_names_no_file(package: Path, write_scan: WriteScan, tmp_path: Path, uid: str) -> None:
    folder = write_scan(tmp_path / "in", [200] * 9)
    for path in folder.iterdir():
        edited(path, path, SeriesInstanceUID=uid, StudyInstanceUID=uid)
    before = sorted(tmp_path.iterdir())
    report, _ = scan(package, folder, "--overlays", "pictures")
    assert len(report["scans"]) == 1  # type: ignore[arg-type]
    made = {path.name for path in tmp_path.iterdir()} - {path.name for path in before}
    assert made == {"out.json", "out.jsonl", ".out.jsonl.lock", "pictures"}
    assert all(path.name.startswith("scan-") for path in Path("pictures").iterdir())


@pytest.mark.parametrize("name", [b"a\x1b[31m", b"a\nerror: b", b"\x9b31m", "a\u202etxt".encode(), b"\xff\xfe", b"%1B"])
def test_names_of_folders_give_the_terminal_no_orders(
    package: Path, write_scan: WriteScan, tmp_path: Path, name: bytes
) -> None:
    folder = tmp_path / "in" / os.fsdecode(name)
    write_scan(tmp_path / "in/plain", [-200] * 9).rename(folder)
    (folder / os.fsdecode(name + b".txt")).write_text("x")
    report, said = scan(package, tmp_path / "in")
    assert len(report["scans"]) == len(report["skipped"]) == 1  # type: ignore[arg-type]
    assert all(character.isprintable() or character == "\n" for character in said), said
    assert not any(line.startswith("error: b") for line in said.splitlines())


def test_a_missing_path_gives_the_terminal_no_orders(package: Path) -> None:
    run = [sys.executable, "-m", "medfake.cli.root", "scan", f"no{ESCAPES}where", "--model", str(package)]
    done = subprocess.run(run, capture_output=True)
    assert done.returncode == 9
    assert all(character.isprintable() or character == "\n" for character in done.stderr.decode())


def test_a_folder_that_vanishes_in_the_midst_of_its_scans_leaves_the_others(
    package: Path, write_scan: WriteScan, tracking: TrackingParams, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "in/a", [-200] * 9)
    for name in ("6.dcm", "7.dcm", "8.dcm"):
        edited(folder / name, folder / name, PixelSpacing=[0.5, 0.5])
    write_scan(tmp_path / "in/b", [-200] * 9)
    found = []
    for one in scan_archive([tmp_path / "in"], How(open_model(str(package), None))):
        found.append(one)
        if isinstance(one, ScanFound) and folder.exists():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
    assert [one.verdict.n_slices for one in found if isinstance(one, ScanFound)] == [6, 9]
    (gone,) = [one for one in found if isinstance(one, FolderFound) and one.skipped]
    assert {(Path(one.path).name, one.reason) for one in gone.skipped} == {
        (f"{number}.dcm", "the file is gone") for number in (6, 7, 8)
    }
