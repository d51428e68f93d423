"""`--dry-run` sends nothing, and takes nothing away from who sends."""

import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

from medfake.phantom import write_patient
from tests.fixtures import dcmtk
from tests.fixtures.orthanc import Orthanc
from tests.fixtures.pacs_station import PacsStation

pytestmark = pytest.mark.slow(minutes=0.5)


def test_a_dry_run_beside_a_station_that_sends_keeps_its_results_to_itself(tmp_path: Path, orthanc: Orthanc) -> None:
    write_patient(tmp_path / "scan", 3, 24, "injection")
    assert dcmtk.store(orthanc.dicom_port, tmp_path / "scan", called=orthanc.ae_title).returncode == 0
    study = pydicom.dcmread(next((tmp_path / "scan").rglob("*.dcm"))).StudyInstanceUID
    with PacsStation(tmp_path / "station", orthanc.dicomweb) as station:
        command = [sys.executable, "-m", "medfake.cli.root", "pacs", "scan", "--config", "pacs.yaml"]
        done = subprocess.run(
            [*command, "--study", study, "--dry-run", str(tmp_path / "dry")], cwd=station.folder, capture_output=True,
            text=True, timeout=180, check=True, env=station._environment(),
        )  # fmt: skip
        assert ": tampered, P 0." in done.stdout
        assert orthanc.count_instances() == 24
        assert station.rows() == []
    made = sorted(one.name for one in (tmp_path / "dry").rglob("*.dcm"))
    assert made == ["0000.dcm", "0001.dcm", "0002.dcm", "0003.dcm", "0004.dcm"]


def test_a_study_that_is_asked_for_again_has_its_results_once(tmp_path: Path, orthanc: Orthanc) -> None:
    write_patient(tmp_path / "scan", 3, 24, "injection")
    dcmtk.store(orthanc.dicom_port, tmp_path / "scan", called=orthanc.ae_title)
    study = pydicom.dcmread(next((tmp_path / "scan").rglob("*.dcm"))).StudyInstanceUID
    station = PacsStation(tmp_path / "station", orthanc.dicomweb, command="watch")
    with station:
        station.wait_until_done(1)
    assert orthanc.count_instances() == 24 + 5
    again = station.ask("scan", "--study", study)
    assert again.returncode == 0, again.stderr
    assert orthanc.count_instances() == 24 + 5  # whoever asks gets an answer, and nothing is there twice


def test_a_dry_run_has_no_queue_of_somebody_elses(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "medfake.cli.root", "pacs", "scan", "--study", "1.2", "--dry-run", "dry"]
    done = subprocess.run([*command, "--data", "data"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "leave --data and --database out" in done.stderr
    assert list(tmp_path.iterdir()) == []
