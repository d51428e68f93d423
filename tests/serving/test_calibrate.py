"""`medfake calibrate` as it is typed, and `medfake scan` with what it wrote."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click import BadParameter, MissingParameter
from click.testing import CliRunner, Result

from medfake.cli.root import cli
from medfake.errors import INTERRUPTED, OutputRefusedError, ScanError
from medfake.metrics.authentic_threshold import threshold_at_rate
from medfake.serving.model import open_model
from medfake.serving.scan import scan_paths

WriteScan = Callable[..., Path]
PATIENTS = 19


@pytest.fixture
def package(make_package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder holds it; from P 0.4 on scans are uncertain, from 0.6 on tampered."""
    monkeypatch.chdir(tmp_path)
    return make_package()


@pytest.fixture
def site(write_scan: WriteScan, tmp_path: Path) -> Path:
    """A scan each of nineteen patients, the later the brighter."""
    for number in range(PATIENTS):
        write_scan(tmp_path / "site" / f"{number:02}", [-300 + 5 * number] * 3, patient=f"DOE^{number}")
    return tmp_path / "site"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


def calibrate(package: Path, *arguments: object) -> Result:
    return run("calibrate", "--model", package, "--jobs", 1, *arguments)


def test_the_threshold_stands_just_above_the_strongest_of_nineteen_patients(package: Path, site: Path) -> None:
    said = calibrate(package, site).stdout
    written = json.loads(Path("calibration.json").read_text())
    scores = np.array([scan.p_tampered for scan in scan_paths([site], open_model(str(package), None)).scans])
    assert written["after"]["high"] == threshold_at_rate(scores, 0.05).value > scores.max()
    assert written["after"]["low"] == written["after"]["high"]  # it is below the card's 0.4
    assert (written["patients"], written["scans"], written["reached"]) == (PATIENTS, PATIENTS, 0)
    assert written["rate"] == {
        "wanted": 0.05, "expected": 0.05, "low": pytest.approx(0.00133, abs=1e-5),
        "high": pytest.approx(0.17647, abs=1e-5), "confidence": 0.95,
    }  # fmt: skip
    assert "of such patients 5% are expected to be called tampered, 95% interval [0.133%, 17.6%]" in said
    assert f"next: medfake scan PATH --model {package} --calibration calibration.json" in said


def test_the_same_scans_give_the_same_bytes_in_one_process_or_several(package: Path, site: Path) -> None:
    calibrate(package, site)
    calibrate(package, site, "--jobs", 2, "--out", "again.json")
    assert Path("again.json").read_bytes() == Path("calibration.json").read_bytes()


def test_no_identifier_is_written_or_said(package: Path, site: Path) -> None:
    result = calibrate(package, site)
    assert "DOE" not in Path("calibration.json").read_text() + result.stdout + result.stderr


def test_one_patient_too_few_is_refused_with_how_many_are_needed_and_what_these_give(package: Path, site: Path) -> None:
    shutil.rmtree(site / "00")
    with pytest.raises(ScanError, match=r"5%: it takes 19; 18 give 5\.26% at best") as caught:
        calibrate(package, site)
    assert caught.value.remedy == "add folders of other patients, 1 more, or --rate 0.0527"
    assert not Path("calibration.json").exists()
    calibrate(package, site, "--rate", 0.0527)


def test_a_patient_counts_once_by_the_strongest_scan(package: Path, site: Path, write_scan: WriteScan) -> None:
    write_scan(site / "00-again", [-10] * 3, patient="DOE^0")
    said = calibrate(package, site).stdout
    written = json.loads(Path("calibration.json").read_text())
    (strong,) = scan_paths([site / "00-again"], open_model(str(package), None)).scans
    assert (written["patients"], written["scans"]) == (PATIENTS, PATIENTS + 1)
    assert written["after"]["high"] == np.nextafter(strong.p_tampered, 1)
    assert "not tampered below 0.4 (the detector's own: 0.4)" in said


def test_the_same_pixels_under_another_name_are_no_other_patient(
    package: Path, site: Path, write_scan: WriteScan
) -> None:
    shutil.rmtree(site / "00")
    write_scan(site / "copy", [-300 + 5] * 3, patient="ROE^RICHARD")
    with pytest.raises(ScanError, match="it takes 19") as caught:
        calibrate(package, site)
    assert caught.value.received == "18 patients in 18 scans; left out: 1 scans whose pixels came before"


def test_scans_without_lung_are_counted_and_not_calibrated_on(package: Path, site: Path, write_scan: WriteScan) -> None:
    write_scan(site / "no-lung", [300] * 3, patient="ROE^1", lung=False)
    (site / "notes.txt").write_text("x")
    said = calibrate(package, site).stdout
    written = json.loads(Path("calibration.json").read_text())
    assert written["patients"] == PATIENTS
    assert written["left_out"] == {"without_verdict": 1, "marked": 0, "repeated": 0, "files": 1}
    assert "left out: 1 scans with too little lung in view for a verdict; 1 files without a score" in said


def test_what_medfake_made_is_no_authentic_scan(package: Path, site: Path) -> None:
    run("phantom", "phantom", "--seed", 1, "--slices", 24)
    assert "1 scans that medfake itself made or forged" in calibrate(package, site, "phantom").stdout
    assert json.loads(Path("calibration.json").read_text())["left_out"]["marked"] == 1
    with pytest.raises(ScanError, match="too few untampered patients") as caught:
        calibrate(package, "phantom", "--out", "other.json")
    assert str(caught.value.received).startswith("0 patients in 0 scans; left out: 1 scans that medfake itself")


def test_scans_that_name_no_patient_count_by_folder_and_it_is_said(
    package: Path, site: Path, write_scan: WriteScan
) -> None:
    write_scan(site / "x", [-280] * 4, patient="ANONYMOUS")
    write_scan(site / "y", [-280] * 5, patient="")
    assert "warning: the headers of 2 scans name no patient" in calibrate(package, site).stdout
    assert json.loads(Path("calibration.json").read_text())["patients"] == PATIENTS + 2


def test_few_slices_among_scans_of_many_are_warned_of(package: Path, site: Path, write_scan: WriteScan) -> None:
    assert "warning" not in calibrate(package, site).stdout.split("tampered from P")[1]
    write_scan(site / "long", [-280] * 20, patient="ROE^1")
    assert "warning: scans of few slices and of many are among them" in calibrate(package, site).stdout
    assert json.loads(Path("calibration.json").read_text())["mix"]["slices"] == {"20 and more": 1, "under 20": 19}


def test_what_the_detector_learnt_from_is_said(make_package: Callable[..., Path], site: Path, tmp_path: Path) -> None:
    package = make_package("told", sources=("LIDC-IDRI",))
    assert "it has learnt from LIDC-IDRI" in calibrate(package, site, "--out", tmp_path / "out.json").stdout


@pytest.mark.parametrize("rate", ["0", "1", "nan", "-0.1", "inf", "x"])
def test_a_rate_that_is_none_is_a_usage_error(package: Path, site: Path, rate: str) -> None:
    with pytest.raises(BadParameter):
        calibrate(package, site, "--rate", rate)


def test_a_folder_has_to_be_named(package: Path) -> None:
    with pytest.raises(MissingParameter):
        calibrate(package)


def test_folders_without_scans_say_what_was_in_them(package: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x")
    with pytest.raises(ScanError, match="nothing to score") as caught:
        calibrate(package, "in")
    assert caught.value.received == "1 x not a DICOM file"


def test_a_detector_of_another_modality_finds_nothing_to_score(make_package: Callable[..., Path], site: Path) -> None:
    with pytest.raises(ScanError, match="nothing to score"):
        calibrate(make_package("mr", modality="MR"), site)


def test_an_out_file_that_is_something_else_is_refused_before_a_slice_is_scored(package: Path, site: Path) -> None:
    scan = site / "00" / "0.dcm"
    with pytest.raises(OutputRefusedError, match="not a calibration of medfake") as caught:
        calibrate(package, site, "--out", scan)
    assert caught.value.remedy == "--out 0.json"


def test_an_out_file_among_the_scans_is_none_of_them(package: Path, site: Path) -> None:
    for _ in range(2):
        calibrate(package, site, "--out", site / "calibration.json")
    assert json.loads((site / "calibration.json").read_text())["left_out"]["files"] == 0


def test_standard_output_is_the_file_alone(package: Path, site: Path) -> None:
    result = calibrate(package, site, "--out", "-")
    assert json.loads(result.stdout)["patients"] == PATIENTS
    assert "tampered from P" in result.stderr


def test_an_interrupt_leaves_no_file(package: Path, site: Path, tmp_path: Path) -> None:
    for number in range(20):
        shutil.copytree(site, tmp_path / "many" / str(number), copy_function=os.link)
    command = [sys.executable, "-m", "medfake.cli.root", "calibrate", "--model", package, tmp_path / "many"]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "user")}
    started = subprocess.Popen([*command, "--jobs", "1"], stderr=subprocess.PIPE, env=environment)
    while not (tmp_path / "user").exists() and started.poll() is None:
        time.sleep(0.01)  # the key of pseudonyms is made when the first folder is at hand
    started.send_signal(signal.SIGINT)
    _, error = started.communicate()
    assert started.returncode == INTERRUPTED, error
    assert b"interrupted" in error
    assert not Path("calibration.json").exists()


def test_a_scan_between_the_old_and_a_higher_threshold_becomes_uncertain_and_no_more_trusted(
    package: Path, site: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    write_scan(site / "bright", [120] * 3, patient="ROE^1")
    calibrate(package, site)
    seen = write_scan(tmp_path / "seen", [60] * 3)
    verdicts = []
    for more in ([], ["--calibration", "calibration.json"]):
        run("scan", seen, "--model", package, "--json", "out.json", *more)
        verdicts.append(json.loads(Path("out.json").read_text())["scans"][0]["verdict"])
    assert verdicts == ["tampered", "uncertain"]


def test_a_scan_says_where_its_thresholds_come_from(package: Path, site: Path) -> None:
    calibrate(package, site)
    result = run("scan", site, "--model", package, "--calibration", "calibration.json", "--json", "out.json")
    model = json.loads(Path("out.json").read_text())["model"]
    written = json.loads(Path("calibration.json").read_text())
    assert model["calibration"] == written
    assert model["scan_threshold_high"] == written["after"]["high"]
    assert model["false_alarms"] is None
    said = " ".join(result.stdout.split())
    assert "thresholds calibrated on 19 untampered patients of this site (19 scans)" in said
    assert {scan["verdict"] for scan in json.loads(Path("out.json").read_text())["scans"]} == {"not tampered"}


def test_a_calibration_of_another_detector_is_refused(
    package: Path, site: Path, make_package: Callable[..., Path]
) -> None:
    calibrate(package, site)
    with pytest.raises(ScanError, match="calibration is of another detector") as caught:
        run("scan", site, "--model", make_package("b"), "--calibration", "calibration.json")
    assert caught.value.where == "package a (ResidualCNN) was calibrated"
    assert caught.value.received == "package b (ResidualCNN)"


def test_a_package_whose_folder_has_a_name_that_is_no_text_is_calibrated_and_scans(package: Path, site: Path) -> None:
    odd = package.rename(Path(os.fsdecode(os.fsencode(package.parent) + b"/p\xff")))
    calibrate(odd, site)
    result = run("scan", site, "--model", odd, "--calibration", "calibration.json")
    assert "thresholds calibrated on 19" in " ".join(result.stdout.split())


def test_lines_of_scans_never_mix_thresholds(package: Path, site: Path) -> None:
    calibrate(package, site)
    run("scan", site, "--model", package, "--jsonl", "out.jsonl")
    with pytest.raises(OutputRefusedError, match="judged by other thresholds") as caught:
        run("scan", site, "--model", package, "--jsonl", "out.jsonl", "--calibration", "calibration.json")
    assert caught.value.remedy == "--jsonl out-2.jsonl or --calibration, the same as then"
