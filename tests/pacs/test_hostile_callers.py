"""Callers that want to fill up, hold up or break the listener: each loses his own line, and nothing of his is left."""

import logging
import random
import socket
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dsutils import encode

from medfake.pacs.guarded_line import LARGEST_PDU
from tests.fixtures import dcmtk
from tests.fixtures.listening import CALLER, CT, Listening, ct_object, listening, wait_until, write_series_of
from tests.fixtures.recorded_callers import record

IDENTIFIERS = ("SECRET", "1.2.3.")
COMMANDS = (
    0x0001, 0x0010, 0x0020, 0x0021, 0x0030, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150, 0x0FFF, 0x8001, 0x8030,
    0x8100, 0x1234,
)  # fmt: skip
"""C-STORE to N-DELETE, C-CANCEL, some answers that nobody asked for, and what is none (PS3.7 E.1)."""
_RUNS = 300
_ANSWER_S, _FIRST_ANSWER_S = 0.2, 2.0


@pytest.fixture(autouse=True)
def _nothing_is_printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a caller does, only the listener's own lines are logged, without an identifier, and none printed."""
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert not any(capfd.readouterr())
    assert {record.name.partition(".")[0] for record in caplog.records} <= {"medfake"}
    assert not any(word in caplog.text for word in IDENTIFIERS)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "data", silence_s=1.0) as one:
        yield one


def line_to(here: Listening) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", here.port), 10)
    line.settimeout(10)
    return line


def is_ended(line: socket.socket) -> bool:
    """Whether the other side hangs up, whatever it says before."""
    try:
        while line.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def is_open(line: socket.socket) -> bool:
    """Whether the other side has not hung up, and says nothing."""
    line.setblocking(False)
    try:
        return bool(line.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def is_well(here: Listening) -> bool:
    """Whether it answers, nothing half sent is left, and no thread of a line that has ended."""
    wait_until(lambda: not here.incoming())
    assert here.answers()
    wait_until(lambda: not [one for one in threading.enumerate() if "Acceptor" in one.name])
    wait_until(lambda: threading.active_count() <= 3)  # this one, that which lets callers in, pytest's watch
    return True


def greeted(here: Listening) -> Association:
    """An association, for its line."""
    entity = AE(ae_title=CALLER)
    entity.add_requested_context(CT, ["1.2.840.10008.1.2.1"])
    association = entity.associate("127.0.0.1", here.port, ae_title=here.aet)
    assert association.is_established
    return association


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What storescu says when it sends two objects."""
    folder = tmp_path_factory.mktemp("recorded")
    with listening(folder / "data") as here:
        return record(here, write_series_of(folder / "scan", 2))


def say(here: Listening, said: bytes, first: int = 0) -> bool:
    """Say something, hang up, and wait for the end.

    Args:
        here: The listener.
        said: All of it.
        first: Bytes of it to which an answer is waited for, as callers do before they send objects.
    """
    with closing(line_to(here)) as line:
        try:
            line.sendall(said[:first])
            if first:
                line.settimeout(_FIRST_ANSWER_S)
                hear(line, 1)
            line.sendall(said[first:])
            if first:
                line.settimeout(_ANSWER_S)
                hear(line, 1 << 30)
            line.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # hung up before
        line.settimeout(10)
        return is_ended(line)


def hear(line: socket.socket, least: int) -> None:
    """Wait for so many bytes, not for long."""
    with suppress(TimeoutError):
        while least > 0 and (came := line.recv(1 << 16)):
            least -= len(came)


@pytest.mark.parametrize("kind", [1, 4, 7])
@pytest.mark.parametrize("announced", [0xFFFFFFFF, LARGEST_PDU + 1])
def test_more_than_is_taken_is_announced(here: Listening, kind: int, announced: int) -> None:
    with closing(line_to(here)) as line:
        line.sendall(struct.pack(">BBL", kind, 0, announced))
        assert is_ended(line)
    assert is_well(here)


@pytest.mark.parametrize("said", [b"", b"\1", b"\1\0\0\0\1\0", b"\1\0\0\0\1\0\0\1"])
def test_what_is_announced_never_comes(here: Listening, said: bytes) -> None:
    with closing(line_to(here)) as line:
        line.sendall(said)
        assert is_ended(line)
    assert is_well(here)


@pytest.mark.parametrize("said", [b"", b"\1", b"\1\0\0\0\1\0\0\1"])
def test_who_does_not_say_who_he_is_has_less_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr("medfake.pacs.guarded_line.INTRODUCTION_S", 0.5)
    with listening(tmp_path / "data", silence_s=60.0) as here, closing(line_to(here)) as line:
        line.sendall(said)
        assert is_ended(line)
        assert is_well(here)


def test_random_bytes(here: Listening) -> None:
    rng = random.Random(1)  # noqa: S311 - the same each time
    for _ in range(50):
        assert say(here, rng.randbytes(rng.randrange(1, 300)))
    assert is_well(here)


def test_http_and_tls_at_a_plain_port(here: Listening) -> None:
    assert say(here, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert say(here, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))
    assert is_well(here)


def begun(line: socket.socket, stream: bytes, share: float) -> None:
    """Greet, be let in, and say a share of what remains."""
    first = first_of(stream)
    line.sendall(stream[:first])
    hear(line, 1)
    line.sendall(stream[first : first + int(share * (len(stream) - first))])


@pytest.mark.parametrize("share", [0.2, 0.4, 0.7, 0.9])
def test_silence_in_the_midst_of_an_object(here: Listening, stream: bytes, share: float) -> None:
    with closing(line_to(here)) as line:
        begun(line, stream, share)
        wait_until(lambda: bool(here.incoming()))
        assert is_ended(line)
    assert is_well(here)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.7, 0.9])
def test_a_line_that_breaks_in_the_midst_of_an_object(here: Listening, stream: bytes, share: float) -> None:
    line = line_to(here)
    begun(line, stream, share)
    wait_until(lambda: bool(here.incoming()))
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    line.close()
    assert is_well(here)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_an_abort_in_the_midst_of_an_object(here: Listening, stream: bytes, share: float) -> None:
    pdus = list(split(stream))
    before = b"".join(pdus[: round(share * len(pdus))])
    assert say(here, before + b"\7\0\0\0\0\4\0\0\0\0", first_of(stream))
    assert is_well(here)


def test_objects_before_an_association_are_none(here: Listening, stream: bytes) -> None:
    assert say(here, stream)
    assert is_well(here)
    assert here.counts.objects == 0


def test_objects_without_waiting_for_answers_are_taken(here: Listening, stream: bytes) -> None:
    *objects, _ = split(stream)  # no release, with which what waits for an answer would be void
    with closing(line_to(here)) as line:
        begun(line, b"".join(objects), 1.0)
        wait_until(lambda: here.counts.objects == 2)
    assert is_well(here)


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


def test_requests_without_waiting_for_an_answer_end_the_line(here: Listening, stream: bytes) -> None:
    pdus = list(split(stream))
    request, *objects = pdus
    assert say(here, request + b"".join(objects[:-1]) * 200, len(request))
    assert is_well(here)


def test_a_request_that_is_no_object_does_not_fill_the_memory(
    here: Listening, stream: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    part = struct.pack(">LBB", 1 << 16, 1, 1) + bytes((1 << 16) - 2)  # of a command that does not end
    said = stream[: first_of(stream)] + (b"\4\0" + struct.pack(">L", len(part)) + part) * 100
    assert say(here, said, first_of(stream))
    assert "larger than any that is answered" in caplog.text
    assert is_well(here)


@pytest.mark.parametrize("has_data", [False, True])
@pytest.mark.parametrize("field", COMMANDS)
def test_requests_of_every_kind(here: Listening, stream: bytes, field: int, has_data: bool) -> None:
    request, first, *_ = split(stream)
    context = first[10]
    command = Dataset()
    command.AffectedSOPClassUID = command.RequestedSOPClassUID = CT
    command.AffectedSOPInstanceUID = command.RequestedSOPInstanceUID = "1.2.3.9"
    command.CommandField, command.MessageID, command.MessageIDBeingRespondedTo = field, 1, 1
    command.Priority, command.Status, command.MoveDestination = 2, 0, "OTHER"
    command.EventTypeID = command.ActionTypeID = 1
    command.CommandDataSetType = 1 if has_data else 0x0101
    said = part_of(context, 3, encode(command, True, True) or b"")
    if has_data:
        said += part_of(context, 2, encode(ct_object(), False, True) or b"")
    assert say(here, request + said * 3, len(request))
    assert is_well(here)


@pytest.mark.slow(minutes=1)
def test_changed_streams_of_a_real_caller(here: Listening, stream: bytes) -> None:
    rng = random.Random(20)  # noqa: S311 - likewise
    before = threading.active_count()
    for _ in range(_RUNS):
        said = changed(stream, rng)
        assert say(here, said, first_of(said))
    assert is_well(here)
    assert here.counts.objects > _RUNS / 10
    assert here.counts.refused > _RUNS / 100
    assert threading.active_count() <= before


def changed(stream: bytes, rng: random.Random) -> bytes:
    """A stream with some bytes, lengths, types or contexts of it changed, or parts twice, elsewhere or missing."""
    pdus = [bytearray(one) for one in split(stream)]
    for _ in range(rng.randrange(1, 4)):
        pdu = rng.choice(pdus)
        match rng.randrange(9):
            case 0:
                pdu[rng.randrange(len(pdu))] = rng.randrange(256)
            case 1:  # its length
                length = rng.choice([0, 1, 4, len(pdu) - 7, len(pdu), 1 << 20, (1 << 32) - 1])
                pdu[2:6] = struct.pack(">L", length)
            case 2:  # its type
                pdu[0] = rng.randrange(9)
            case 3 if len(pdu) > 12 and pdu[0] == 4:  # length, context or control byte of its first part
                place = rng.randrange(6, 12)
                pdu[place] = rng.choice([0, 1, 2, 3, 255, rng.randrange(256)])
            case 4:
                del pdu[rng.randrange(len(pdu)) :]
            case 5:
                pdus.remove(pdu)
                if not pdus:
                    return b""
            case 6:
                pdus.insert(rng.randrange(len(pdus)), bytearray(pdu))
            case 7:
                rng.shuffle(pdus)
            case _:  # a few bytes near the front, where commands, tags and lengths stand
                for _ in range(5):
                    pdu[rng.randrange(min(len(pdu), 200))] = rng.randrange(256)
        pdus = [one for one in pdus if len(one) > 6] or [bytearray(stream[:10])]
    return b"".join(pdus)


def part_of(context: int, control: int, said: bytes) -> bytes:
    """A P-DATA-TF PDU of one value (PS3.8 9.3.5, E.2)."""
    return struct.pack(">BBLLBB", 4, 0, len(said) + 6, len(said) + 2, context, control) + said


def first_of(stream: bytes) -> int:
    """Bytes of its first PDU."""
    return len(next(split(stream), b""))


def split(stream: bytes) -> Iterator[bytes]:
    """Its PDUs."""
    while len(stream) >= 6:
        length = 6 + struct.unpack(">L", stream[2:6])[0]
        yield stream[:length]
        stream = stream[length:]


def test_tls_that_breaks_off(tmp_path: Path) -> None:
    from tests.fixtures.certificates import Authority

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
    from tests.fixtures.certificates import Authority

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
