"""A real Orthanc, asked and answered over DICOMweb; what it must not be able to do to whoever asks."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pydicom
import pytest

from medfake.errors import ConfigError, PacsError, PacsSilentError
from medfake.pacs.dicomweb import DicomWeb
from medfake.pacs.fetch_limits import FetchLimits
from medfake.pacs.found_series import FoundSeries
from medfake.pacs.queued_series import Address
from medfake.pacs.settings import Archive, ClientTLS
from tests.fixtures import dcmtk
from tests.fixtures.certificates import Authority
from tests.fixtures.odd_pacs import MULTIPART, OddPacs, Said, odd_pacs
from tests.fixtures.orthanc import Orthanc, free_port

MIB = 1 << 20
TAKEN = FetchLimits(MIB, 10, MIB)
WriteScan = Callable[..., Path]
Yes: Callable[[], bool] = lambda: True  # noqa: E731 - one word


@pytest.fixture
def full(orthanc: Orthanc, write_scan: WriteScan, tmp_path: Path) -> Orthanc:
    """An Orthanc with one scan of four slices."""
    folder = write_scan(tmp_path / "scan", [-800, -700, -600, -500])
    for file in folder.rglob("*.dcm"):
        dataset = pydicom.dcmread(file)
        dataset.StudyDate = "20261129"
        dataset.save_as(file)
    assert dcmtk.store(orthanc.dicom_port, folder, called=orthanc.ae_title).returncode == 0
    return orthanc


def only(web: DicomWeb) -> FoundSeries:
    (found,) = web.series("CT", None)
    return found


@pytest.mark.slow(minutes=0.1)
def test_series_are_found_by_modality_and_by_the_day_of_their_study(full: Orthanc) -> None:
    web = DicomWeb(Archive(dicomweb=full.dicomweb))
    found = only(web)
    assert (found.modality, found.instances) == ("CT", 4)
    assert [list(web.series("CT", day)) for day in (date(2026, 11, 29), date(2026, 11, 30))] == [[found], []]
    assert list(web.series("MR", None)) == []
    assert web.series_of_study(found.address.study_uid) == [found]


@pytest.mark.slow(minutes=0.1)
def test_a_series_is_fetched_as_it_is_stored(full: Orthanc, tmp_path: Path) -> None:
    web = DicomWeb(Archive(dicomweb=full.dicomweb))
    (tmp_path / "out").mkdir()
    assert web.fetch(only(web).address, tmp_path / "out", TAKEN, Yes) == 4
    sent = {bytes(pydicom.dcmread(one).PixelData) for one in (tmp_path / "scan").rglob("*.dcm")}
    came = [pydicom.dcmread(one) for one in sorted((tmp_path / "out").iterdir())]
    assert {bytes(one.PixelData) for one in came} == sent
    assert {one.file_meta.TransferSyntaxUID for one in came} == {"1.2.840.10008.1.2.1"}


@pytest.mark.slow(minutes=0.1)
def test_no_more_is_fetched_than_is_taken(full: Orthanc, tmp_path: Path) -> None:
    web = DicomWeb(Archive(dicomweb=full.dicomweb))
    address = only(web).address
    for name in "abcd":
        (tmp_path / name).mkdir()
    with pytest.raises(PacsError, match="more objects than are taken"):
        web.fetch(address, tmp_path / "a", replace(TAKEN, files=3), Yes)
    with pytest.raises(PacsError, match="larger than is taken"):
        web.fetch(address, tmp_path / "b", replace(TAKEN, series_bytes=20_000), Yes)
    with pytest.raises(PacsError, match="somebody else"):
        web.fetch(address, tmp_path / "c", TAKEN, lambda: False)
    assert web.fetch(address, tmp_path / "d", TAKEN, Yes) == 4


@pytest.mark.slow(minutes=0.1)
def test_an_object_is_stored_once_and_is_found_by_its_uid(full: Orthanc, tmp_path: Path) -> None:
    web = DicomWeb(Archive(dicomweb=full.dicomweb))
    address = only(web).address
    dataset = pydicom.dcmread(next((tmp_path / "scan").rglob("*.dcm")))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.7"
    dataset.save_as(tmp_path / "new.dcm")
    assert not web.has(address, "2.25.7")
    for _ in range(2):
        web.store(tmp_path / "new.dcm", address, "2.25.7")
        assert web.has(address, "2.25.7")
    assert only(web).instances == 5


@pytest.mark.slow(minutes=0.1)
def test_a_wrong_password_is_a_refusal_that_names_the_variables(
    start_orthanc: Callable[..., Orthanc], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_orthanc(user=("medfake", "right"))
    monkeypatch.setenv("MEDFAKE_PACS_USER", "medfake")
    monkeypatch.setenv("MEDFAKE_PACS_PASSWORD", "wrong")
    with pytest.raises(PacsError, match="refuses to search") as caught:
        list(DicomWeb(Archive(dicomweb=server.dicomweb)).series("CT", None))
    assert "MEDFAKE_PACS_PASSWORD" in str(caught.value.remedy)
    assert "wrong" not in str(caught.value)
    monkeypatch.setenv("MEDFAKE_PACS_PASSWORD", "right")
    assert list(DicomWeb(Archive(dicomweb=server.dicomweb)).series("CT", None)) == []


@pytest.mark.slow(minutes=0.1)
def test_a_pacs_that_asks_for_a_certificate_gets_it(start_orthanc: Callable[..., Orthanc], tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    server = start_orthanc(https=authority.issue("pacs"), clients_show_theirs=True)
    ours = authority.issue("medfake")
    archive = Archive(dicomweb=server.dicomweb, tls=ClientTLS(ca=ours.authority))
    with pytest.raises(PacsError):
        list(DicomWeb(archive).series("CT", None))
    known = ClientTLS(ca=ours.authority, certificate=ours.certificate, key=ours.key)
    assert list(DicomWeb(archive.model_copy(update={"tls": known})).series("CT", None)) == []


def test_nobody_there_is_silence_of_which_no_library_speaks(caplog: pytest.LogCaptureFixture) -> None:
    web = DicomWeb(Archive(dicomweb=f"http://127.0.0.1:{free_port()}/dicom-web"))
    with pytest.raises(PacsSilentError, match="does not answer"):
        web.has(Address("1.2", "1.2.3"), "1.2.3.4")
    assert caplog.text == ""


def server_that_says(status: int, kind: str, body: bytes) -> AbstractContextManager[OddPacs]:
    return odd_pacs(Said(status, kind, body))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/dicom+json", b"{"),
        ("application/dicom+json", b"[1, 2]"),
        ("application/dicom+json", b'["x", null]'),
        ("text/html", b"<html>sign in here</html>"),
        ("application/dicom+json", b"\xff\xfe"),
        ("application/dicom+json", b"[" * 100_000),
    ],
)
def test_an_answer_that_is_none_is_an_error_that_says_so(kind: str, body: bytes) -> None:
    with server_that_says(200, kind, body) as pacs, pytest.raises(PacsError, match="is no answer"):
        list(DicomWeb(Archive(dicomweb=pacs.dicomweb)).series("CT", None))


@pytest.mark.parametrize(
    "body",
    [
        b'[{"0020000D": {"Value": [{"a": 1}]}, "0020000E": {"Value": ["1.2"]}}]',
        b'[{"0020000D": [], "0020000E": {"Value": ["1.2"]}}]',
        b'[{"0020000D": {"Value": "1.2"}, "0020000E": {"Value": null}}]',
        b'[{"0020000D": {"vr": "UI"}, "0020000E": {"Value": []}}]',
        b'[{"0020000D": {"Value": ["../../x"]}, "0020000E": {"Value": ["1.2"]}}]',
        b"[{}]",
        b'{"a": 1}',
        b"[]",
    ],
)
def test_a_series_that_makes_no_sense_is_passed_over(body: bytes) -> None:
    with server_that_says(200, "application/dicom+json", body) as pacs:
        assert list(DicomWeb(Archive(dicomweb=pacs.dicomweb)).series("CT", None)) == []


@pytest.mark.parametrize(
    ("status", "silent"), [(503, True), (429, True), (404, False), (500, True), (401, True), (403, True)]
)
def test_a_service_that_is_not_at_its_best_is_asked_again_longer(status: int, silent: bool) -> None:
    with server_that_says(status, "text/plain", b"") as pacs, pytest.raises(PacsError) as caught:
        list(DicomWeb(Archive(dicomweb=pacs.dicomweb)).series("CT", None))
    assert isinstance(caught.value, PacsSilentError) is silent
    assert pacs.dicomweb not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"--x", b"\r\n--b\r\nno header end", b"--b\r\n\r\n"])
def test_a_series_that_is_none_is_an_error_or_no_bytes(body: bytes, tmp_path: Path) -> None:
    with server_that_says(200, 'multipart/related; type="application/dicom"; boundary=b', body) as pacs:
        web = DicomWeb(Archive(dicomweb=pacs.dicomweb))
        with suppress(PacsError):
            web.fetch(Address("1.2", "1.2.3"), tmp_path, TAKEN, Yes)
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) == 0


PART = b"--b\r\nContent-Type: application/dicom\r\n\r\nan object\r\n"


@pytest.mark.parametrize("cut_off", [2 * PART, 2 * PART + b"--b", PART[:-6]])
def test_a_series_that_is_cut_off_without_a_word_is_not_taken_for_a_shorter_one(cut_off: bytes, tmp_path: Path) -> None:
    with (
        odd_pacs(Said(200, MULTIPART, cut_off)) as pacs,
        pytest.raises(PacsSilentError, match="broke off in the midst"),
    ):
        DicomWeb(Archive(dicomweb=pacs.dicomweb)).fetch(Address("1.2", "1.2.3"), tmp_path, TAKEN, Yes)


def test_a_series_that_came_to_its_closing_delimiter_is_whole(tmp_path: Path) -> None:
    with odd_pacs(Said(200, MULTIPART, 2 * PART + b"--b--\r\n")) as pacs:
        assert DicomWeb(Archive(dicomweb=pacs.dicomweb)).fetch(Address("1.2", "1.2.3"), tmp_path, TAKEN, Yes) == 2
    assert [one.read_bytes() for one in sorted(tmp_path.iterdir())] == [b"an object"] * 2


def test_there_has_to_be_an_address() -> None:
    with pytest.raises(ConfigError, match="no PACS to ask"):
        DicomWeb(Archive())


def test_two_kinds_of_credentials_are_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "PASSWORD", "TOKEN"):
        monkeypatch.setenv(f"MEDFAKE_PACS_{name}", "x")
    with pytest.raises(ConfigError, match="with a user and a password, or with a token"):
        DicomWeb(Archive(dicomweb="http://127.0.0.1:1/dicom-web"))
