"""Connections that are slow, half-closed, cut or lying, and what becomes of them."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.services import RunningService, StartService, start, until

WriteScan = Callable[..., Path]
POST = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/dicom\r\n"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, served_package: Path) -> Iterator[RunningService]:
    """A service that does not wait long."""
    folder = tmp_path_factory.mktemp("impatient")
    limits = {"header_s": 1.0, "idle_s": 1.0, "upload_s": 3.0, "connections": 20}
    running = start(folder, folder, model=str(served_package), limits=limits)
    yield running
    assert running.stop() == 0, running.said()


@pytest.fixture
def connect(impatient: RunningService) -> Iterator[Callable[[], socket.socket]]:
    opened: list[socket.socket] = []

    def begin() -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", impatient.port), timeout=30))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


Connect = Callable[[], socket.socket]


def _all(connection: socket.socket) -> bytes:
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def _nothing_arrives(service: RunningService) -> bool:
    return [path.name for path in (service.data / "incoming").glob("*/*")] == ["alive.lock"]


@pytest.mark.parametrize("said", [b"", b"GET /healthz HT", b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-"])
def test_who_never_ends_a_header_is_cut_off(said: bytes, connect: Connect) -> None:
    connection = connect()
    connection.sendall(said)
    assert _all(connection) == b""


def test_a_header_that_drips_is_cut_off(connect: Connect) -> None:
    connection = connect()
    connection.settimeout(0.2)
    with pytest.raises((ConnectionError, EOFError)):
        for letter in b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"a" * 200:
            connection.sendall(bytes([letter]))
            try:
                if connection.recv(1) == b"":
                    raise EOFError
            except TimeoutError:
                continue


def test_a_second_request_of_a_connection_has_its_time_too(connect: Connect) -> None:
    connection = connect()
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection.sendall(request)
    answer = b""
    while not answer.endswith(b"}"):
        answer += connection.recv(65536)
    connection.sendall(request[:20])
    assert _all(connection) == b""


def test_a_body_that_stands_still_is_given_up(impatient: RunningService, connect: Connect) -> None:
    connection = connect()
    connection.sendall(POST + b"Content-Length: 1000\r\n\r\nsome")
    answer = _all(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"did not arrive in time" in answer
    until(lambda: _nothing_arrives(impatient))


def test_a_body_that_drips_is_given_up(impatient: RunningService, connect: Connect) -> None:
    connection = connect()
    connection.sendall(POST + b"Content-Length: 1000\r\n\r\n")
    connection.settimeout(0.3)
    answer = b""
    for _ in range(100):
        try:
            connection.sendall(b"x")
            answer += connection.recv(65536)
        except TimeoutError:
            continue
        if answer:
            break
    assert answer.startswith(b"HTTP/1.1 408")
    until(lambda: _nothing_arrives(impatient))


def test_a_body_that_is_shorter_than_it_says_leaves_nothing(impatient: RunningService, connect: Connect) -> None:
    before = impatient.get("/v1/jobs").json()["total"]
    connection = connect()
    connection.sendall(POST + b"Content-Length: 1000\r\n\r\nsome")
    connection.shutdown(socket.SHUT_WR)
    assert not _all(connection).startswith(b"HTTP/1.1 2")
    until(lambda: _nothing_arrives(impatient))
    assert impatient.get("/v1/jobs").json()["total"] == before


def test_what_goes_beyond_the_length_of_a_body_is_no_part_of_it(impatient: RunningService, connect: Connect) -> None:
    connection = connect()
    connection.sendall(POST + b"Content-Length: 4\r\n\r\nsome" + b"\x00more than it says")
    answer = _all(connection)
    assert answer.startswith((b"HTTP/1.1 202", b"HTTP/1.1 400"))
    assert b"HTTP/1.1 400" in answer
    assert impatient.get("/healthz").status_code == 200


@pytest.mark.parametrize("lies", [
    b"Content-Length: -1\r\n", b"Content-Length: x\r\n", b"Content-Length: 4\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"Transfer-Encoding: gzip\r\n",
])  # fmt: skip
def test_a_request_that_contradicts_itself_is_refused(lies: bytes, impatient: RunningService, connect: Connect) -> None:
    connection = connect()
    connection.sendall(POST + lies + b"\r\nzz\r\nsome")
    connection.shutdown(socket.SHUT_WR)
    answer = _all(connection)
    assert b"HTTP/1.1 5" not in answer
    assert b"HTTP/1.1 202" not in answer
    assert impatient.get("/healthz").status_code == 200


def test_a_client_that_only_listens_any_more_gets_its_answer(
    impatient: RunningService, connect: Connect, write_scan: WriteScan, tmp_path: Path
) -> None:
    file = (write_scan(tmp_path / "chest", [-200]) / "0.dcm").read_bytes()
    connection = connect()
    scans = POST.replace(b"/v1/jobs", b"/v1/scans")
    connection.sendall(scans + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(file) + file)
    connection.shutdown(socket.SHUT_WR)
    assert _all(connection).startswith(b"HTTP/1.1 200")


def test_a_client_that_leaves_while_it_waits_leaves_no_trace_for_ever(
    impatient: RunningService, connect: Connect, write_scan: WriteScan, tmp_path: Path
) -> None:
    file = (write_scan(tmp_path / "chest", [-200]) / "0.dcm").read_bytes()
    connection = connect()
    scans = POST.replace(b"/v1/jobs", b"/v1/scans")
    connection.sendall(scans + b"Content-Length: %d\r\n\r\n" % len(file) + file)
    connection.close()
    assert impatient.get("/healthz").status_code == 200
    until(lambda: _nothing_arrives(impatient))


def test_uploads_beyond_their_number_are_told_when_to_come_again(start_service: StartService) -> None:
    service = start_service(limits={"uploads": 2}, wait=False)
    dicom = {"Content-Type": "application/dicom"}
    with (
        socket.create_connection(("127.0.0.1", service.port)) as one,
        socket.create_connection(("127.0.0.1", service.port)) as two,
    ):
        for connection in (one, two):
            connection.sendall(POST + b"Content-Length: 1000\r\n\r\nsome")
        until(lambda: len(list((service.data / "incoming").glob("*/*/files"))) == 2)
        answer = service.post("/v1/jobs", data=b"x", headers=dicom)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    until(lambda: _nothing_arrives(service))
    assert service.post("/v1/jobs", data=b"x", headers=dicom).status_code == 202


def test_jobs_beyond_the_length_of_the_queue_are_told_when_to_come_again(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service(limits={"queue": 2}, model=str(tmp_path), wait=False)
    answers = [service.post("/v1/jobs", files={"file": ("a", b"no image")}) for _ in range(3)]
    assert [one.status_code for one in answers] == [202, 202, 429]
    assert answers[-1].headers["Retry-After"] == "60"


def test_connections_beyond_their_number_are_told_so(impatient: RunningService, connect: Connect) -> None:
    waiting = [connect() for _ in range(20)]
    one = connect()
    one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert one.recv(65536).startswith(b"HTTP/1.1 503")
    for connection in waiting:
        connection.close()
    one.close()
    until(lambda: impatient.get("/healthz").status_code == 200)
