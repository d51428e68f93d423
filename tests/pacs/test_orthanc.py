"""That the servers which other tests stand on are what these take them for."""

import io
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
import requests

from tests.fixtures import dcmtk
from tests.fixtures.certificates import Authority
from tests.fixtures.orthanc import Orthanc, StartOrthanc, free_port

pytestmark = pytest.mark.slow(minutes=0.3)
WriteScan = Callable[..., Path]


@pytest.fixture
def scan(write_scan: WriteScan, tmp_path: Path) -> Path:
    return write_scan(tmp_path / "scan", [-200, -100, 0])


def _first(scan: Path) -> pydicom.Dataset:
    return pydicom.dcmread(min(scan.iterdir()))


def test_what_is_sent_to_it_is_there_byte_for_byte(orthanc: Orthanc, scan: Path) -> None:
    sent = dcmtk.store(orthanc.dicom_port, scan)
    assert sent.returncode == 0, sent.stderr
    assert orthanc.count_instances() == 3
    first = _first(scan)
    (series,) = orthanc.series_of(first.StudyInstanceUID).values()
    assert len(series["Instances"]) == 3
    stored = pydicom.dcmread(io.BytesIO(orthanc.instance_bytes(first.SOPInstanceUID)))
    assert stored.PixelData == first.PixelData


def test_it_keeps_what_it_stored_when_it_is_killed(orthanc: Orthanc, scan: Path) -> None:
    orthanc.upload(scan)
    orthanc.kill()
    assert orthanc.start().count_instances() == 3
    assert orthanc.restart().count_instances() == 3


def test_it_sends_to_a_listener_that_it_knows(start_orthanc: StartOrthanc, scan: Path, tmp_path: Path) -> None:
    received = tmp_path / "received"
    with dcmtk.storescp(received) as port:
        orthanc = start_orthanc(modalities={"STORESCP": port})
        orthanc.upload(scan)
        orthanc.send("STORESCP", *orthanc.find("Study"))
    assert len(list(received.iterdir())) == 3


def test_it_answers_dicomweb_to_whom_it_knows(start_orthanc: StartOrthanc, scan: Path) -> None:
    orthanc = start_orthanc(user=("reader", "secret"))
    orthanc.upload(scan)
    path = "/dicom-web/studies"
    assert requests.get(orthanc.address + path, timeout=60).status_code == 401
    (study,) = orthanc.ask("GET", path, headers={"Accept": "application/dicom+json"}).json()
    assert study["0020000D"]["Value"] == [_first(scan).StudyInstanceUID]


def test_it_encrypts_dicom(start_orthanc: StartOrthanc, scan: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "certificates")
    orthanc = start_orthanc(dicom_tls=authority.issue("orthanc"))
    stranger = Authority(tmp_path / "others").issue("stranger")
    assert dcmtk.store(orthanc.dicom_port, scan, tls=authority.issue("client")).returncode == 0
    assert orthanc.count_instances() == 3
    assert dcmtk.echo(orthanc.dicom_port, tls=stranger).returncode != 0
    assert dcmtk.echo(orthanc.dicom_port).returncode != 0


def test_https_wants_certificates_of_clients_where_it_is_told_to(start_orthanc: StartOrthanc, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "certificates")
    orthanc = start_orthanc(https=authority.issue("orthanc"), clients_show_theirs=True)
    client, stranger = authority.issue("client"), Authority(tmp_path / "others").issue("stranger")

    def ask(**given: object) -> int:
        return requests.get(f"{orthanc.dicomweb}/studies", verify=str(authority.file), timeout=60, **given).status_code

    assert ask(cert=(str(client.certificate), str(client.key))) == 200
    with pytest.raises(requests.ConnectionError):
        ask(cert=(str(stranger.certificate), str(stranger.key)))
    with pytest.raises(requests.ConnectionError):
        ask()


def test_dcmtk_echoes_and_dumps(orthanc: Orthanc, scan: Path) -> None:
    assert dcmtk.echo(orthanc.dicom_port).returncode == 0
    assert dcmtk.echo(free_port()).returncode != 0
    assert "=CTImageStorage" in dcmtk.dump(min(scan.iterdir()))
