"""Archives: what may be in one, and what is left out of it or refused."""

import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.services import RunningService, start

WriteScan = Callable[..., Path]
ZIP = {"Content-Type": "application/zip"}


def zip_of(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def skipped(service: RunningService, archive: bytes) -> list[tuple[str, str]]:
    answer = service.post("/v1/scans", data=archive, headers=ZIP)
    assert answer.status_code == 200, answer.text
    return [(one["path"], one["reason"]) for one in answer.json()["skipped"]]


def refused(service: RunningService, archive: bytes) -> tuple[int, str]:
    answer = service.post("/v1/scans", data=archive, headers=ZIP)
    return answer.status_code, answer.json()["error"]["what"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, served_package: Path) -> Iterator[RunningService]:
    """A service that takes little."""
    folder = tmp_path_factory.mktemp("small")
    limits = {"files": 3, "expanded_bytes": 90 << 20}
    running = start(folder, folder, model=str(served_package), limits=limits)
    yield running
    assert running.stop() == 0, running.said()


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../up.dcm", "a/../../up.dcm", "..\\up.dcm", "C:\\windows.dcm", "c:up.dcm", "\\up.dcm"]
)
def test_a_member_whose_name_leads_out_is_left_out(name: str, service: RunningService) -> None:
    found = skipped(service, zip_of({name: b"no image", "fine.txt": b"no image"}))
    assert found == [(name, "its name leads out of the archive"), ("fine.txt", "not a DICOM file")]


def test_a_link_is_left_out(service: RunningService) -> None:
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert skipped(service, buffer.getvalue()) == [("link.dcm", "a symbolic link")]


def test_a_pipe_is_left_out(service: RunningService) -> None:
    pipe = zipfile.ZipInfo("pipe.dcm")
    pipe.external_attr = 0o010666 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(pipe, "")
    assert skipped(service, buffer.getvalue()) == [("pipe.dcm", "not a regular file")]


def test_an_encrypted_member_is_left_out(service: RunningService) -> None:
    archive = bytearray(zip_of({"secret.dcm": b"no image"}))
    archive[6] |= 1
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    assert skipped(service, bytes(archive)) == [("secret.dcm", "it is encrypted")]


def test_an_archive_inside_an_archive_is_left_out(service: RunningService) -> None:
    inner = zip_of({"1.dcm": b"no image"})
    assert skipped(service, zip_of({"inner.zip": inner})) == [("inner.zip", "an archive inside an archive")]


def test_an_unusual_compression_is_left_out(service: RunningService) -> None:
    archive = zip_of({"a.dcm": b"no image" * 100}, zipfile.ZIP_BZIP2)
    assert skipped(service, archive) == [("a.dcm", "it is compressed in an unusual way")]


def test_a_member_that_is_damaged_is_left_out_and_the_others_are_scored(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    file = (write_scan(tmp_path / "chest", [-200]) / "0.dcm").read_bytes()
    archive = bytearray(zip_of({"broken.dcm": b"A" * 5000, "0.dcm": file}, zipfile.ZIP_STORED))
    archive[archive.index(b"AAAA") + 10] = 0
    answer = service.post("/v1/scans", data=bytes(archive), headers=ZIP).json()
    assert answer["skipped"] == [{"path": "broken.dcm", "reason": "it cannot be unpacked (BadZipFile)"}]
    assert answer["scans"][0]["n_slices"] == 1


@pytest.mark.parametrize("body", [
    b"no zip", b"PK\x03\x04", b"PK\x05\x06" + b"\xff" * 18, zip_of({"a": b"x"})[:-10], zip_of({"a": b"x"})[30:],
    b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, 0xFFFFFFFF, 0, 0),
])  # fmt: skip
def test_a_broken_archive_is_refused(body: bytes, service: RunningService) -> None:
    assert refused(service, body)[0] in (400, 413)


def test_an_empty_archive_is_refused(service: RunningService) -> None:
    assert refused(service, zip_of({})) == (400, "there is no file in this request")


def test_a_bomb_is_refused_before_it_fills_the_disk(service: RunningService) -> None:
    archive = zip_of({"bomb.dcm": bytes(100 << 20)})
    assert len(archive) < 200_000
    assert refused(service, archive) == (413, "the zip unpacks to far more than its own size")
    assert [path.name for path in (service.data / "incoming").glob("*/*")] == ["alive.lock"]


def test_what_overlaps_is_counted_by_what_comes_out(small: RunningService) -> None:
    """Members that share their bytes make a bomb without any ratio of a member's own."""
    content = bytes(60 << 20)
    archive = zip_of({"a": content, "b": content})
    assert refused(small, archive)[0] == 413


def test_what_unpacks_to_more_than_is_taken_is_refused(small: RunningService) -> None:
    content = os.urandom(50 << 20)
    assert refused(small, zip_of({"a": content, "b": content}))[0] == 413


def test_members_too_many_are_refused(small: RunningService) -> None:
    def send(count: int) -> int:
        return small.post("/v1/scans", data=zip_of({str(n): b"" for n in range(count)}), headers=ZIP).status_code

    assert (send(3), send(4), send(50_000)) == (200, 413, 413)
