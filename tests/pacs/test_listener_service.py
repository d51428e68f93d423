"""The listener as a service: whom it lets in, how much it takes, and that it loses nothing."""

import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from pynetdicom import AE
from pynetdicom.association import Association

from medfake.errors import ConfigError, StorageError
from medfake.pacs.listener import OUT_OF_RESOURCES, SUCCESS
from medfake.pacs.settings import Complete
from tests.fixtures import dcmtk
from tests.fixtures.certificates import Authority
from tests.fixtures.listening import (
    AT_ONCE,
    CALLER,
    CT,
    LATER,
    SERIES,
    SYNTAXES,
    Listening,
    call,
    ct_object,
    listening,
    sent,
    wait_until,
    write_object,
    write_series_of,
)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Listening]:
    with listening(tmp_path / "data") as here:
        yield here


@pytest.mark.parametrize(
    ("calling", "called", "is_let_in"),
    [
        (CALLER, "MEDFAKE", True),
        ("STRANGER", "MEDFAKE", False),
        (CALLER, "OTHER", False),
        (CALLER.lower(), "MEDFAKE", False),
        (CALLER[:-1], "MEDFAKE", False),
    ],
)
def test_who_is_let_in(one: Listening, calling: str, called: str, is_let_in: bool) -> None:
    assert (dcmtk.echo(one.port, calling=calling, called=called).returncode == 0) == is_let_in


def test_nobody_is_let_in_where_nobody_is_named(tmp_path: Path) -> None:
    with listening(tmp_path / "data", callers=()) as here:
        assert not here.answers()


def test_a_series_is_whole_once_as_many_came_as_were_told(tmp_path: Path) -> None:
    with listening(tmp_path / "data", LATER) as here:
        here.store(write_series_of(tmp_path / "scan", 3, NumberOfSeriesRelatedInstances=3))
        (series,) = here.whole()
        assert (series.files, series.expected) == (3, 3)


def begin_to_send(here: Listening) -> Association:
    """Send two objects of a series, and stay."""
    association = call(here)
    for number in (1, 2):
        dataset = ct_object(number)
        dataset.file_meta.TransferSyntaxUID = SYNTAXES[1]
        association.send_c_store(dataset)
    return association


def test_a_series_is_whole_soon_after_its_sender_has_released(tmp_path: Path) -> None:
    with listening(tmp_path / "data", Complete(idle_s=3600, released_s=0.01, give_up_s=3600)) as here:
        association = begin_to_send(here)
        assert not list(here.arrivals.whole())
        association.release()
        assert here.whole()[0].files == 2


def test_a_series_of_a_sender_that_was_cut_off_waits_for_the_rest(tmp_path: Path) -> None:
    with listening(tmp_path / "data", Complete(idle_s=3600, released_s=0.01, give_up_s=3600)) as here:
        association = begin_to_send(here)
        association.abort()
        wait_until(lambda: not here.listener._server.active_associations)  # type: ignore[union-attr]
        assert not list(here.arrivals.whole())


def test_a_full_series_is_refused_and_others_go_on(tmp_path: Path) -> None:
    with listening(tmp_path / "data", most_files=2) as here:
        objects = [ct_object(number) for number in (1, 2, 3)]
        assert sent(here, *objects, ct_object(4, SeriesInstanceUID="1.2.9")) == [
            SUCCESS, SUCCESS, OUT_OF_RESOURCES, SUCCESS,
        ]  # fmt: skip
        assert len(here.arrived()) == 3
        wait_until(lambda: not here.incoming())


def test_objects_beyond_what_a_series_may_have_begin_no_series(tmp_path: Path) -> None:
    with listening(tmp_path / "data", AT_ONCE, most_bytes=100) as here:
        assert sent(here, ct_object()) == [OUT_OF_RESOURCES]
        assert here.arrivals.count == 0


def test_a_full_disk_refuses(tmp_path: Path) -> None:
    with listening(tmp_path / "data", spare_mb=1 << 40) as here:
        assert sent(here, ct_object()) == [OUT_OF_RESOURCES]
        wait_until(lambda: not here.incoming())
        assert here.answers()


def test_callers_come_later_where_enough_waits_and_what_has_begun_is_taken(tmp_path: Path) -> None:
    busy: list[bool] = []
    with listening(tmp_path / "data", busy=lambda: bool(busy)) as here:
        assert sent(here, ct_object(1)) == [SUCCESS]
        busy.append(True)
        assert sent(here, ct_object(2), ct_object(3, SeriesInstanceUID="1.2.9")) == [SUCCESS, OUT_OF_RESOURCES]


def test_callers_come_later_where_the_queue_is_out_of_reach(tmp_path: Path) -> None:
    def broken() -> bool:
        raise StorageError("the database does not answer")

    with listening(tmp_path / "data", busy=broken) as here:
        assert sent(here, ct_object()) == [OUT_OF_RESOURCES]


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_it_listens_where_it_is_told(tmp_path: Path, host: str) -> None:
    entity = AE(ae_title=CALLER)
    entity.add_requested_context("1.2.840.10008.1.1")
    with listening(tmp_path / "data", host=host) as here:
        association = entity.associate(host if host != "::1" else ("::1", 0, 0), here.port, ae_title=here.aet)
        assert association.is_established
        association.release()


def test_four_senders_at_once_lose_nothing(one: Listening, tmp_path: Path) -> None:
    scans = [tmp_path / f"scan-{number}" for number in range(4)]
    for number, scan in enumerate(scans):
        for index in range(20):  # of one series that all send, and of one of their own
            name = f"1.2.3.3.{number}.{index}"
            series = SERIES if index % 2 else f"{SERIES}.{number}"
            write_object(scan / f"{index}.dcm", ct_object(index, SOPInstanceUID=name, SeriesInstanceUID=series))
    with ThreadPoolExecutor(4) as senders:
        assert [done.returncode for done in senders.map(one.store, scans)] == [0] * 4
    assert one.counts.objects == len(one.arrived()) == 80
    assert sorted(files for _, files, _ in one.arrivals.under_way()) == [10, 10, 10, 10, 40]


def test_nothing_half_sent_is_left_where_it_ends(tmp_path: Path) -> None:
    with listening(tmp_path / "data", silence_s=60) as here:
        path = write_object(tmp_path / "large.dcm", ct_object(edge=4000))
        sender = dcmtk.begin_to_store(here.port, path, calling=CALLER, called=here.aet)
        wait_until(lambda: bool(here.incoming()) or sender.poll() is not None)
    assert not here.incoming()
    dcmtk.acknowledged(sender)


@pytest.mark.slow(minutes=0.5)
def test_memory_does_not_grow_with_objects(one: Listening, tmp_path: Path) -> None:
    scan = write_series_of(tmp_path / "scan", 500, edge=128)
    one.store(scan)
    before = psutil.Process().memory_info().rss
    for _ in range(4):
        for arrived in one.arrived():
            arrived.unlink()
            arrived.write_bytes(b"other")  # so that each comes as a new one
        assert one.store(scan).returncode == 0
    assert one.counts.objects == 2500
    assert psutil.Process().memory_info().rss - before < 16 << 20


def test_it_says_where_it_cannot_listen(one: Listening, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot listen"), listening(tmp_path / "other", port=one.port):
        pass


def test_it_ends_at_once_while_callers_are_silent(tmp_path: Path) -> None:
    with listening(tmp_path / "data", silence_s=60) as here:
        lines = [socket.create_connection(("127.0.0.1", here.port)) for _ in range(3)]
        lines[0].sendall(b"\1\0\0\0\1\0")
        association = call(here)
        began = time.monotonic()
    assert time.monotonic() - began < 30
    association.abort()
    for line in lines:
        line.close()


def test_what_is_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    program = """
        import os, sys, threading
        from pathlib import Path
        from medfake.pacs.arrivals import Arrivals
        from medfake.pacs.listener import Listener
        from medfake.pacs.settings import Complete, Listen
        arrivals = Arrivals(Path(sys.argv[1]), Complete(), 100, 1 << 30)
        listener = Listener(Listen(port=0, callers=("STORESCU",), spare_mb=0), arrivals, b"k" * 32, lambda: False)
        print(listener.start(), flush=True)
        threading.Event().wait()
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout:
        port = int(process.stdout.readline())
        entity = AE(ae_title=CALLER)
        entity.add_requested_context(CT, SYNTAXES)
        association = entity.associate("127.0.0.1", port, ae_title="MEDFAKE")
        for number in (1, 2):
            dataset = ct_object(number)
            dataset.file_meta.TransferSyntaxUID = SYNTAXES[1]
            assert association.send_c_store(dataset).Status == SUCCESS
        process.kill()
        process.wait(30)
    association.abort()
    with listening(tmp_path / "data") as here:
        assert len(here.arrived()) == 2
        assert [files for _, files, _ in here.arrivals.under_way()] == [2]


def test_with_tls_callers_show_a_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    server, client = authority.issue("server"), authority.issue("client")
    stranger = Authority(tmp_path / "strange", "strange").issue("stranger")
    tls = {"certificate": server.certificate, "key": server.key, "callers_ca": authority.file}
    with listening(tmp_path / "data", tls=tls) as here:
        path = write_object(tmp_path / "1.dcm", ct_object())
        done = dcmtk.store(here.port, path, calling=CALLER, called=here.aet, tls=client)
        assert done.returncode == 0, done.stderr
        assert len(here.arrived()) == 1
        odd = replace(stranger, authority=authority.file)
        assert dcmtk.echo(here.port, calling=CALLER, called=here.aet, tls=odd).returncode != 0
        nameless = ["echoscu", "-tla", "+cf", str(authority.file), "-aet", CALLER, "-aec", here.aet]
        assert dcmtk.run(*nameless, "127.0.0.1", str(here.port)).returncode != 0
        assert dcmtk.echo(here.port, calling=CALLER, called=here.aet).returncode != 0
        assert dcmtk.echo(here.port, calling=CALLER, called=here.aet, tls=client).returncode == 0


def test_who_stalls_in_the_handshake_holds_nobody_up(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    server, client = authority.issue("server"), authority.issue("client")
    tls = {"certificate": server.certificate, "key": server.key, "callers_ca": authority.file}
    with listening(tmp_path / "data", tls=tls, silence_s=60) as here:
        lines = [socket.create_connection(("127.0.0.1", here.port)) for _ in range(5)]
        lines[0].sendall(b"\x16\x03\x01")
        assert dcmtk.echo(here.port, calling=CALLER, called=here.aet, tls=client).returncode == 0
        for line in lines:
            line.close()


def test_files_that_are_no_certificates_are_said_so(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    tls = dict.fromkeys(("certificate", "key", "callers_ca"), tmp_path / "x.pem")
    with pytest.raises(ConfigError, match="TLS cannot begin"), listening(tmp_path / "data", tls=tls):
        pass
