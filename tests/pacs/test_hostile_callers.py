"""Callers that want to fill up, hold up or break the listener: each loses his own line, and nothing of his is left."""

import random
import socket
import struct
import threading
from contextlib import closing
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.association import Association

from medfake.pacs.guarded_line import LARGEST_PDU
from tests.fixtures import dcmtk
from tests.fixtures.certificates import Authority
from tests.fixtures.hostile_callers import begun, first_of, is_ended, is_well, line_to, say, split
from tests.fixtures.listening import CALLER, CT, Listening, ct_object, listening, wait_until

pytestmark = pytest.mark.usefixtures("nothing_is_printed")


def is_open(line: socket.socket) -> bool:
    """Whether the other side has not hung up, and says nothing."""
    line.setblocking(False)
    try:
        return bool(line.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def greeted(here: Listening) -> Association:
    """An association, for its line."""
    entity = AE(ae_title=CALLER)
    entity.add_requested_context(CT, ["1.2.840.10008.1.2.1"])
    association = entity.associate("127.0.0.1", here.port, ae_title=here.aet)
    assert association.is_established
    return association


@pytest.mark.parametrize("kind", [1, 4, 7])
@pytest.mark.parametrize("announced", [0xFFFFFFFF, LARGEST_PDU + 1])
def test_more_than_is_taken_is_announced(impatient_listener: Listening, kind: int, announced: int) -> None:
    with closing(line_to(impatient_listener)) as line:
        line.sendall(struct.pack(">BBL", kind, 0, announced))
        assert is_ended(line)
    assert is_well(impatient_listener)


@pytest.mark.parametrize("said", [b"", b"\1", b"\1\0\0\0\1\0", b"\1\0\0\0\1\0\0\1"])
def test_what_is_announced_never_comes(impatient_listener: Listening, said: bytes) -> None:
    with closing(line_to(impatient_listener)) as line:
        line.sendall(said)
        assert is_ended(line)
    assert is_well(impatient_listener)


@pytest.mark.parametrize("said", [b"", b"\1", b"\1\0\0\0\1\0\0\1"])
def test_who_does_not_say_who_he_is_has_less_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr("medfake.pacs.guarded_line.INTRODUCTION_S", 0.5)
    with listening(tmp_path / "data", silence_s=60.0) as here, closing(line_to(here)) as line:
        line.sendall(said)
        assert is_ended(line)
        assert is_well(here)


def test_random_bytes(impatient_listener: Listening) -> None:
    rng = random.Random(1)  # noqa: S311 - the same each time
    for _ in range(50):
        assert say(impatient_listener, rng.randbytes(rng.randrange(1, 300)))
    assert is_well(impatient_listener)


def test_http_and_tls_at_a_plain_port(impatient_listener: Listening) -> None:
    assert say(impatient_listener, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert say(impatient_listener, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))
    assert is_well(impatient_listener)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.7, 0.9])
def test_silence_in_the_midst_of_an_object(tmp_path: Path, caller_stream: bytes, share: float) -> None:
    with listening(tmp_path / "data", silence_s=4.0) as here:  # time to see the part before it is removed
        with closing(line_to(here)) as line:
            begun(line, caller_stream, share)
            wait_until(lambda: bool(here.incoming()))
            assert is_ended(line)
        assert is_well(here)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.7, 0.9])
def test_a_line_that_breaks_in_the_midst_of_an_object(tmp_path: Path, caller_stream: bytes, share: float) -> None:
    with listening(tmp_path / "data", silence_s=60.0) as here:
        line = line_to(here)
        begun(line, caller_stream, share)
        wait_until(lambda: bool(here.incoming()))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        line.close()
        assert is_well(here)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_an_abort_in_the_midst_of_an_object(impatient_listener: Listening, caller_stream: bytes, share: float) -> None:
    pdus = list(split(caller_stream))
    before = b"".join(pdus[: round(share * len(pdus))])
    assert say(impatient_listener, before + b"\7\0\0\0\0\4\0\0\0\0", first_of(caller_stream))
    assert is_well(impatient_listener)


def test_objects_before_an_association_are_none(impatient_listener: Listening, caller_stream: bytes) -> None:
    assert say(impatient_listener, caller_stream)
    assert is_well(impatient_listener)
    assert impatient_listener.counts.objects == 0


def test_objects_without_waiting_for_answers_are_taken(impatient_listener: Listening, caller_stream: bytes) -> None:
    *objects, _ = split(caller_stream)  # no release, with which what waits for an answer would be void
    with closing(line_to(impatient_listener)) as line:
        begun(line, b"".join(objects), 1.0)
        wait_until(lambda: impatient_listener.counts.objects == 2)
    assert is_well(impatient_listener)


def test_strangers_lock_nobody_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with listening(tmp_path / "data", silence_s=60.0, associations=10) as here:
        lines = [line_to(here) for _ in range(50)]
        assert here.answers()
        assert sum(is_open(line) for line in lines) == 9
        assert here.answers()
        assert caplog.text.count("did not say who they are") == 1
        for line in lines:
            line.close()
        assert is_well(here)


def test_callers_who_are_let_in_are_hung_up_on_by_no_stranger(tmp_path: Path) -> None:
    with listening(tmp_path / "data", silence_s=60.0, associations=5) as here:
        associations = [greeted(here) for _ in range(5)]
        lines = [line_to(here) for _ in range(30)]
        wait_until(lambda: sum(is_open(line) for line in lines) == 5)
        for number, association in enumerate(associations, 1):
            dataset = ct_object(number)
            dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
            assert association.send_c_store(dataset).Status == 0
            association.release()
        for line in lines:
            line.close()
        assert is_well(here)


def test_who_hangs_up_at_once_leaves_his_line_at_once(tmp_path: Path) -> None:
    with listening(tmp_path / "data", silence_s=60.0, associations=3) as here:
        for _ in range(20):
            line_to(here).close()
        wait_until(here.answers)
        assert is_well(here)


def test_silent_lines_take_no_association_away(tmp_path: Path) -> None:
    with listening(tmp_path / "data", silence_s=60.0, associations=3) as here:
        lines = [line_to(here) for _ in range(4)]
        assert here.answers()
        for line in lines:
            line.close()


def test_more_associations_than_are_allowed_are_told_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with listening(tmp_path / "data", associations=1) as here:
        association = greeted(here)
        assert not here.answers()
        assert "as many associations as" in caplog.text
        association.release()
        assert is_well(here)


def test_an_object_that_is_too_large_ends_its_line(tmp_path: Path) -> None:
    with listening(tmp_path / "data", largest_instance_mb=1) as here:
        entity = AE(ae_title=CALLER)
        entity.add_requested_context(CT, ["1.2.840.10008.1.2.1"])
        association = entity.associate("127.0.0.1", here.port, ae_title=here.aet)
        line = association.dul.socket.socket  # which pynetdicom leaves open where the other side hangs up
        large, small = ct_object(1, edge=800), ct_object(2, edge=600)
        for dataset in (large, small):
            dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        assert [association.send_c_store(small).get("Status") for _ in range(3)] == [0, 0, 0]
        assert association.send_c_store(large).get("Status") is None
        wait_until(lambda: not association.is_established)
        line.close()
        assert is_well(here)


def test_requests_without_waiting_for_an_answer_end_the_line(
    impatient_listener: Listening, caller_stream: bytes
) -> None:
    pdus = list(split(caller_stream))
    request, *objects = pdus
    assert say(impatient_listener, request + b"".join(objects[:-1]) * 200, len(request))
    assert is_well(impatient_listener)


def test_a_request_that_is_no_object_does_not_fill_the_memory(
    impatient_listener: Listening, caller_stream: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    part = struct.pack(">LBB", 1 << 16, 1, 1) + bytes((1 << 16) - 2)  # of a command that does not end
    said = caller_stream[: first_of(caller_stream)] + (b"\4\0" + struct.pack(">L", len(part)) + part) * 100
    assert say(impatient_listener, said, first_of(caller_stream))
    assert "larger than any that is answered" in caplog.text
    assert is_well(impatient_listener)


def test_tls_that_breaks_off(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    server, client = authority.issue("server"), authority.issue("client")
    tls = {"certificate": server.certificate, "key": server.key, "callers_ca": authority.file}
    with listening(tmp_path / "data", tls=tls, silence_s=1.0) as here:
        for said in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), b"\1\0\0\0"):
            assert say(here, said)
        with closing(line_to(here)) as line:
            assert is_ended(line)
        assert dcmtk.echo(here.port, calling=CALLER, called=here.aet, tls=client).returncode == 0


def test_stalled_handshakes_take_lines_no_further_than_the_bound(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    server = authority.issue("server")
    tls = {"certificate": server.certificate, "key": server.key, "callers_ca": authority.file}
    with listening(tmp_path / "data", tls=tls, silence_s=60.0, associations=3) as here:
        before = threading.active_count()
        lines = [line_to(here) for _ in range(30)]
        assert all(is_ended(line) for line in lines[:-4])
        wait_until(lambda: threading.active_count() <= before + 4)
        assert all(is_open(line) for line in lines[-4:])
        for line in lines:
            line.close()
