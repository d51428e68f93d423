"""Alarms reach a real web server and a real mail server, and say nothing that names anybody."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from medfake.pacs.alarm_queue import LEASE_S, AlarmQueue, Channel, add_alarms, remove_alarms
from medfake.pacs.alarms import AlarmSender
from medfake.pacs.queued_series import State
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import Alarms, Email, Limits, PacsSettings
from medfake.serving.scoring.progress import Progress
from tests.fixtures.orthanc import free_port
from tests.pacs.conftest import KEY, MakeQueue, arrival, verdict


@contextmanager
def web_server(status: int = 200, pause_s: float = 0.0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that keeps what is posted to it, and takes its time to answer."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(pause_s)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alarm", posted
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mail_server(recipients: bytes = b"250 well") -> Iterator[tuple[int, list[str]]]:
    """A server that keeps the mails that it is given (RFC 5321, as much of it as a client needs).

    Args:
        recipients: What it says of each.
    """
    mails: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().strip():
                if line.upper() == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                    mails.append("\n".join(lines))
                if line.upper().startswith("RCPT"):
                    self.wfile.write(recipients + b"\r\n")
                    continue
                self.wfile.write(b"221 bye\r\n" if line.upper() == "QUIT" else b"250 well\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], mails
    finally:
        server.shutdown()
        server.server_close()


def alarms_of(queue: SeriesQueue, alarms: Alarms, *kinds: str, tries: int = 700, refused_tries: int = 5) -> AlarmSender:
    """Who tells of a series that was judged with such alarms."""
    came = arrival()
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(), "the built-in detector", Progress(), kinds)
    settings = PacsSettings(alarms=alarms, limits=Limits(silent_tries=tries, tries=refused_tries, first_retry_s=1e-6))
    return AlarmSender(AlarmQueue(queue._engine, queue._url), settings)


def test_a_webhook_is_told_the_verdict_and_no_identifier(queue: SeriesQueue) -> None:
    with web_server() as (address, posted):
        sender = alarms_of(queue, Alarms(webhook=address), "tampered")
        assert sender.tell_due() == 1
        assert sender.tell_due() == 0
    (told,) = posted
    assert (told["alarm"], told["verdict"], told["p_tampered"], told["modality"]) == ("tampered", "tampered", 0.9, "CT")
    assert told["detector"] == "the built-in detector"
    assert "research use only" in told["note"]
    assert KEY not in json.dumps(told)


def test_an_alarm_that_reaches_nobody_is_told_again(queue: SeriesQueue) -> None:
    with web_server(503) as (address, posted):
        sender = alarms_of(queue, Alarms(webhook=address), "tampered")
        sender.tell_due()
        sender.tell_due()
    assert len(posted) == 2
    assert len(sender._alarms.due(10)) == 1


def test_an_alarm_is_given_up_after_its_tries(queue: SeriesQueue) -> None:
    sender = alarms_of(queue, Alarms(webhook=f"http://127.0.0.1:{free_port()}/"), "tampered", tries=2)
    sender.tell_due()
    sender.tell_due()
    assert sender.tell_due() == 0


def test_where_nobody_is_to_be_told_alarms_end(queue: SeriesQueue) -> None:
    sender = alarms_of(queue, Alarms(), "tampered", "other pixels")
    assert len(sender._alarms.due(10)) == 4
    assert sender.tell_due() == 0
    assert sender._alarms.due(10) == []


@pytest.mark.parametrize(("status", "told"), [(404, 2), (302, 2), (429, 4), (500, 4)])
def test_an_alarm_that_is_refused_is_given_up_soon(queue: SeriesQueue, status: int, told: int) -> None:
    """As opposed to one that finds a server out of order, or with too much to do."""
    with web_server(status) as (address, posted):
        sender = alarms_of(queue, Alarms(webhook=address), "tampered", tries=4, refused_tries=2)
        while sender.tell_due():
            pass
    assert len(posted) == told


@pytest.mark.parametrize(("reply", "told"), [(b"550 nobody of this name", 2), (b"450 later", 4)])
def test_a_mail_that_is_refused_is_given_up_soon(
    queue: SeriesQueue, reply: bytes, told: int, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server(reply) as (port, _):
        email = Email(host="127.0.0.1", port=port, sender="a@example.org", to=("b@example.org",), starttls=False)
        sender = alarms_of(queue, Alarms(email=email), "tampered", tries=4, refused_tries=2)
        while sender.tell_due():
            pass
    assert len(caplog.messages) == told
    assert "example.org" not in caplog.text


def test_a_mail_that_cannot_be_sent_makes_no_webhook_hear_twice(queue: SeriesQueue) -> None:
    email = Email(host="127.0.0.1", port=free_port(), sender="a@b", to=("c@d",))
    with web_server() as (address, posted):
        sender = alarms_of(queue, Alarms(webhook=address, email=email), "tampered")
        for _ in range(4):
            sender.tell_due()
    assert len(posted) == 1
    assert [one.channel for one in sender._alarms.due(10)] == [Channel.EMAIL]


@pytest.mark.parametrize("stations", [2, 5])
def test_stations_that_share_a_queue_tell_an_alarm_once(queue_of: MakeQueue, stations: int) -> None:
    with web_server(pause_s=0.3) as (address, posted):
        queue = queue_of()
        alarms_of(queue, Alarms(webhook=address), "tampered")
        settings = PacsSettings(alarms=Alarms(webhook=address))
        others = [queue_of(str(number)) for number in range(stations)]
        senders = [AlarmSender(AlarmQueue(one._engine, one._url), settings) for one in others]
        threads = [threading.Thread(target=sender.tell_due) for sender in senders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(posted) == 1


def test_an_alarm_that_a_killed_station_had_taken_is_told_by_another(
    queue: SeriesQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server() as (address, posted):
        sender = alarms_of(queue, Alarms(webhook=address), "tampered")
        for alarm in sender._alarms.due(10):
            assert sender._alarms.claim(alarm)
        assert sender.tell_due() == 0
        later = time.time() + LEASE_S
        monkeypatch.setattr(time, "time", lambda: later)
        assert sender.tell_due() == 1
    assert len(posted) == 1


def test_what_is_told_late_ends_no_newer_alarm(queue: SeriesQueue) -> None:
    sender = alarms_of(queue, Alarms(), "given up")
    old = sender._alarms.due(1)[0]
    with queue._begin() as connection:
        add_alarms(connection, old.series.id, ["given up"])
    sender._alarms.told(old)
    assert len(sender._alarms.due(10)) == len(Channel)


def test_alarms_of_a_series_go_with_it(queue: SeriesQueue) -> None:
    sender = alarms_of(queue, Alarms(), "tampered")
    (series,) = {one.series.id for one in sender._alarms.due(10)}
    with queue._begin() as connection:
        remove_alarms(connection, series)
    assert sender._alarms.due(10) == []


def test_an_email_says_the_same(queue: SeriesQueue) -> None:
    with mail_server() as (port, mails):
        email = Email(host="127.0.0.1", port=port, sender="a@example.org", to=("b@example.org",), starttls=False)
        assert alarms_of(queue, Alarms(email=email), "other pixels").tell_due() == 1
    (mail,) = mails
    assert "Subject: medfake: other pixels" in mail
    assert '"verdict": "tampered"' in mail
    assert KEY not in mail
