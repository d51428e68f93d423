"""Uploads that are broken, too large or hostile: an error of the client's with what to do, and nothing left of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.services import RunningService, start

WriteScan = Callable[..., Path]
FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.dcm"\r\n\r\n'


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, served_package: Path) -> Iterator[RunningService]:
    """A service that takes little."""
    folder = tmp_path_factory.mktemp("small")
    limits = {"body_bytes": 100_000, "files": 5, "expanded_bytes": 200_000}
    running = start(folder, folder, model=str(served_package), limits=limits)
    yield running
    assert running.stop() == 0, running.said()


@pytest.fixture(autouse=True)
def _nothing_is_left(service: RunningService) -> Iterator[None]:
    yield
    assert [path.name for path in (service.data / "incoming").glob("*/*")] == ["alive.lock"]


def refused(service: RunningService, kind: str, body: bytes) -> tuple[int, str]:
    """Status and first sentence of an error that says what to do next."""
    answer = service.post("/v1/scans", data=body, headers={"Content-Type": kind})
    error = answer.json()["error"]
    assert error["remedy"]
    return answer.status_code, error["what"]


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/json", "application/dicom+json", "image/png", "x" * 500]
)
def test_another_kind_of_body_is_not_taken(kind: str, service: RunningService) -> None:
    assert refused(service, kind, b"{}") == (415, "scans come as DICOM files or a zip of them")


def test_a_form_without_a_boundary_is_refused(service: RunningService) -> None:
    assert refused(service, "multipart/form-data", PART) == (415, "a multipart body needs its boundary")


@pytest.mark.parametrize("body", [
    b"no form at all",
    PART + b"breaks off",
    PART + b"breaks off\r\n--b",
    b"--b\r\nContent-Disposition" + b"x" * 20_000 + b": form-data\r\n\r\n",
    b"--b\r\n" + b"X-Header: 1\r\n" * 100 + b"\r\n\r\n--b--\r\n",
    b'--b\r\nContent-Disposition: form-data; name="field"\r\n\r\n' + b"x" * 10_000 + b"\r\n--b--\r\n",
    b"--b\r\n\x00\xff: \x01\r\n\r\n\r\n--b--\r\n",
])  # fmt: skip
def test_a_broken_form_is_refused(body: bytes, service: RunningService) -> None:
    assert refused(service, FORM, body) == (400, "the multipart body is malformed")


@pytest.mark.parametrize(("kind", "body"), [
    (FORM, b"--b--\r\n"),
    (FORM, b'--b\r\nContent-Disposition: form-data; name="field"\r\n\r\nvalue\r\n--b--\r\n'),
    ("application/dicom", b""),
])  # fmt: skip
def test_a_request_without_a_file_is_refused(kind: str, body: bytes, service: RunningService) -> None:
    assert refused(service, kind, body) == (400, "there is no file in this request")


@pytest.mark.parametrize("kind", [
    'multipart/related; type="application/dicom+json"; boundary=b', "multipart/related; type=image/jpeg; boundary=b",
])  # fmt: skip
def test_stow_rs_takes_instances_alone(kind: str, service: RunningService) -> None:
    status, what = refused(service, kind, b"--b\r\n\r\n\r\n--b--\r\n")
    assert (status, what) == (415, "parts of multipart/related are application/dicom here (PS3.18 10.5)")


def test_a_part_of_stow_rs_that_is_no_instance_is_refused(service: RunningService) -> None:
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    status, _ = refused(service, kind, b"--b\r\nContent-Type: text/html\r\n\r\n<b>\r\n--b--\r\n")
    assert status == 415


def test_a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not(small: RunningService) -> None:
    assert refused(small, "application/dicom", b"x" * 100_001)[0] == 413
    pieces = (b"x" * 1000 for _ in range(101))
    answer = small.post("/v1/scans", data=pieces, headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 413
    assert (
        small.post("/v1/scans", data=b"x" * 100_000, headers={"Content-Type": "application/dicom"}).status_code == 200
    )


def test_a_file_too_many_is_refused(small: RunningService) -> None:
    def send(count: int) -> int:
        return small.post("/v1/scans", files=[("file", (f"{n}", b"no image")) for n in range(count)]).status_code

    assert (send(5), send(6)) == (200, 413)


def test_an_image_that_claims_to_be_huge_is_skipped_and_the_rest_is_scored(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    import pydicom

    folder = write_scan(tmp_path / "chest", [-200] * 3)
    dataset = pydicom.dcmread(folder / "1.dcm")
    dataset.Rows = dataset.Columns = 65_535
    dataset.save_as(folder / "1.dcm")
    report = service.post_folder("/v1/scans", folder).json()
    assert [one["path"] for one in report["skipped"]] == ["chest/1.dcm"]
    assert report["scans"][0]["n_slices"] == 2


def test_a_deflate_bomb_is_skipped_and_the_rest_is_scored(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    import zlib

    import pydicom

    folder = write_scan(tmp_path / "chest", [-200] * 3)
    whole = pydicom.dcmread(folder / "1.dcm")
    whole.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    whole.save_as(folder / "1.dcm")
    content = (folder / "1.dcm").read_bytes()
    meta = 132 + 12 + int.from_bytes(content[140:144], "little")
    inflated = zlib.decompress(content[meta:], -15)
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    pieces = [engine.compress(inflated[:-8000])] + [engine.compress(b"\0" * (1 << 20)) for _ in range(500)]
    (folder / "1.dcm").write_bytes(content[:meta] + b"".join(pieces) + engine.flush())
    report = service.post_folder("/v1/scans", folder).json()
    scored = [one["file"] for scan in report["scans"] for one in scan["slices"]]
    assert {"chest/0.dcm", "chest/2.dcm"} <= set(scored)


def test_uids_that_look_like_paths_name_nothing(service: RunningService, write_scan: WriteScan, tmp_path: Path) -> None:
    import pydicom

    folder = write_scan(tmp_path / "chest", [-200] * 3)
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        with pydicom.config.disable_value_validation():
            dataset.SeriesInstanceUID = "../../../../tmp/medfake-uid"
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"../../{file.stem}"
            dataset.save_as(file)
    report = service.post_folder("/v1/scans", folder).json()
    assert report["scans"][0]["n_slices"] == 3
    assert not list(service.data.rglob("*medfake-uid*"))
    assert not Path("/tmp/medfake-uid").exists()  # noqa: S108
