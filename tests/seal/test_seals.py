"""Seals as files: made whole, never replaced, and of no use once they were changed."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medfake.seal.keys import KeyPair
from tests.seal.conftest import Run, Said, write_scan

Seal = Callable[[Path], Said]
Verify = Callable[..., Said]
FILE = Path("scan.seal.json")
ROOT = Path(__file__).parents[2]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "medfake.cli.root", *map(str, arguments)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_seal_is_beside_the_scan(scan: Path, run: Run, keys: KeyPair, tmp_path: Path) -> None:
    said = run("seal", scan, "--key", keys.private)
    assert said.text == (
        f"sealed: 5 slices of 1 series with key {keys.fingerprint}\n"
        f"written: {tmp_path / FILE}\n"
        "next: medfake verify scan --key PUBLIC-KEY\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan", "scan.seal.json"]


def test_options_may_come_before_the_path(scan: Path, run: Run, keys: KeyPair) -> None:
    assert run("seal", "--key", keys.private, "--out", "a.seal.json", scan).code == 0
    assert run("verify", "--key", keys.public, "--seal", "a.seal.json", scan).code == 0


def test_a_seal_in_the_scan_is_no_part_of_it(scan: Path, run: Run, keys: KeyPair) -> None:
    place = scan / "own.seal.json"
    run("seal", scan, "--key", keys.private, "--out", place)
    assert run("verify", scan, "--key", keys.public, "--seal", place).text.startswith("intact: ")


def test_a_seal_takes_no_other_file_s_place(scan: Path, seal: Seal) -> None:
    seal(scan)
    before = FILE.read_bytes()
    said = seal(scan)
    assert said.code == 10
    assert "there is a file already, and it is not a seal that may be replaced of medfake" in said.text
    assert FILE.read_bytes() == before


@pytest.mark.parametrize("kept", [0, 1, 100, -2])
def test_a_seal_that_was_cut_off_says_nothing(scan: Path, seal: Seal, verify: Verify, kept: int) -> None:
    seal(scan)
    FILE.write_bytes(FILE.read_bytes()[:kept])
    said = verify(scan)
    assert said.code == 16
    assert said.text.startswith("error: no seal of medfake, or one that was cut off or changed\n")


def _other_pixels(document: dict[str, Any]) -> None:
    document["sealed"]["series"][0]["slices"][2]["pixels"] = "0" * 64


def _one_slice_less(document: dict[str, Any]) -> None:
    del document["sealed"]["series"][0]["slices"][2]


def _another_day(document: dict[str, Any]) -> None:
    document["sealed"]["sealed_at"] = "2001-01-01T00:00:00Z"


def _no_signature(document: dict[str, Any]) -> None:
    document["signature"] = ""


def _noise(document: dict[str, Any]) -> None:
    document["signature"] = "ä" * 20


@pytest.mark.parametrize("how", [_other_pixels, _one_slice_less, _another_day, _no_signature, _noise])
def test_a_seal_that_was_changed_is_proven_to_be(
    scan: Path, seal: Seal, verify: Verify, how: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    seal(scan)
    document = json.loads(FILE.read_text())
    how(document)
    FILE.write_text(json.dumps(document))
    assert verify(scan) == Said(
        17,
        "error: seal file changed: its signature does not fit what it says\n"
        f"  where: {tmp_path / FILE}\n"
        "  next: fetch the seal again from where it is kept; nothing can be said of the scan by this one\n",
    )


def test_a_seal_laid_out_otherwise_is_the_same(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    FILE.write_text(json.dumps(json.loads(FILE.read_text()), sort_keys=True))
    assert verify(scan).code == 0


def test_a_seal_with_more_in_it_is_none(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    document = json.loads(FILE.read_text())
    FILE.write_text(json.dumps(document | {"note": "trust me"}))
    assert verify(scan).code == 16


def test_a_seal_of_another_key_is_not_believed(
    scan: Path, run: Run, keys: KeyPair, other_keys: KeyPair, tmp_path: Path
) -> None:
    run("seal", scan, "--key", other_keys.private)
    assert run("verify", scan, "--key", keys.public) == Said(
        16,
        "error: seal of another key\n"
        f"  where: {tmp_path / FILE}\n"
        f"  received: {other_keys.fingerprint}, not {keys.fingerprint}\n"
        "  next: --key the public key that belongs to it, if you trust it\n",
    )


def test_a_seal_that_names_a_trusted_key_without_having_it_is_changed(
    scan: Path, run: Run, keys: KeyPair, other_keys: KeyPair
) -> None:
    run("seal", scan, "--key", other_keys.private)
    FILE.write_text(FILE.read_text().replace(other_keys.fingerprint, keys.fingerprint))
    assert run("verify", scan, "--key", keys.public).code == 17


def test_old_keys_stay_valid_beside_new_ones(scan: Path, run: Run, keys: KeyPair, other_keys: KeyPair) -> None:
    run("seal", scan, "--key", other_keys.private)
    assert run("verify", scan, "--key", keys.public, "--key", other_keys.public).code == 0


def test_a_scan_without_a_seal_is_told(scan: Path, verify: Verify) -> None:
    said = verify(scan)
    assert said.code == 16
    assert said.text.startswith("error: there is no seal\n")


def test_a_scan_that_is_gone_is_told(scan: Path, seal: Seal, verify: Verify) -> None:
    seal(scan)
    shutil.rmtree(scan)
    assert verify(scan) == Said(16, "error: there is no such file or folder\n  where: scan\n  next: check the path\n")


@pytest.mark.parametrize("texts", [0, 2])
def test_a_folder_without_images_has_no_seal(run: Run, keys: KeyPair, texts: int) -> None:
    Path("empty").mkdir()
    for number in range(texts):
        Path(f"empty/{number}.txt").write_text("no image")
    said = run("seal", "empty", "--key", keys.private)
    assert said == Said(
        16,
        "error: there is no DICOM image to seal\n  where: empty\n"
        f"  received: {'2 other files' if texts else 'an empty folder'}\n  next: give the folder of the scan\n",
    )
    assert not Path("empty.seal.json").exists()


def test_a_scan_with_an_instance_twice_has_no_seal(scan: Path, seal: Seal) -> None:
    shutil.copy(scan / "1.dcm", scan / "9.dcm")
    said = seal(scan)
    assert said.code == 16
    assert "two files hold the same instance" in said.text
    assert "where: scan/9.dcm\n  received: the SOP Instance UID of scan/1.dcm\n" in said.text


@pytest.mark.parametrize("kept", [300, -100])
def test_a_scan_with_a_file_that_cannot_be_read_has_no_seal(scan: Path, seal: Seal, kept: int) -> None:
    (scan / "1.dcm").write_bytes((scan / "1.dcm").read_bytes()[:kept])
    said = seal(scan)
    assert said.code == 16
    assert "a file cannot be read, and a seal that leaves it out would say nothing of it" in said.text
    assert "scan/1.dcm: " in said.text
    assert not FILE.exists()


def test_links_are_left_out_and_told(scan: Path, seal: Seal) -> None:
    (scan / "link.dcm").symlink_to("1.dcm")
    assert "left out, and not covered by the seal: 1 a symbolic link\n" in seal(scan).text


def test_a_pipe_is_left_out(scan: Path, seal: Seal) -> None:
    os.mkfifo(scan / "pipe")
    assert "left out, and not covered by the seal: 1 not a regular file\n" in seal(scan).text


def test_a_disk_that_is_full_has_no_half_seal(scan: Path, keys: KeyPair) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run(
        command("seal", scan, "--key", keys.private), capture_output=True, text=True, env=ENVIRONMENT,
        preexec_fn=small_files,
    )  # fmt: skip
    assert done.returncode == 10
    assert done.stderr.startswith("error: the file would become larger than is allowed here\n")
    assert sorted(path.name for path in Path().iterdir()) == ["scan"]


def test_a_kill_leaves_no_half_seal_and_the_same_command_works_again(tmp_path: Path, keys: KeyPair, run: Run) -> None:
    scan = write_scan(Path("scan"), slices=300)
    process = subprocess.Popen(command("seal", scan, "--key", keys.private), env=ENVIRONMENT)
    time.sleep(0.7)
    process.kill()
    process.wait()
    whole = FILE.exists()  # where the machine was that fast
    said = run("seal", scan, "--key", keys.private)
    assert said.code == (10 if whole else 0)
    assert run("verify", scan, "--key", keys.public).code == 0
