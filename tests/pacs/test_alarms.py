"""Alarms reach a real web server and a real mail server, and say nothing that names anybody."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from medfake.errors import ConfigError
from medfake.pacs.alarm_queue import AlarmQueue
from medfake.pacs.alarms import AlarmSender, require_safe
from medfake.pacs.queued_series import State
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import Alarms, Email, Limits, PacsSettings
from medfake.serving.scoring.progress import Progress
from tests.fixtures.orthanc import free_port
from tests.pacs.conftest import KEY, arrival, verdict


@contextmanager
def web_server(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that keeps what is posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alarm", posted
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """A server that keeps the mails that it is given (RFC 5321, as much of it as a client needs)."""
    mails: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().strip():
                if line.upper() == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                    mails.append("\n".join(lines))
                self.wfile.write(b"221 bye\r\n" if line.upper() == "QUIT" else b"250 well\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], mails
    finally:
        server.shutdown()
        server.server_close()


def alarms_of(queue: SeriesQueue, alarms: Alarms, *kinds: str, tries: int = 700) -> AlarmSender:
    """Who tells of a series that was judged with such alarms."""
    came = arrival()
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(), "the built-in detector", Progress(), kinds)
    settings = PacsSettings(alarms=alarms, limits=Limits(silent_tries=tries, first_retry_s=1e-6))
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
    assert sender.tell_due() == 2
    assert sender.tell_due() == 0


def test_an_email_says_the_same(queue: SeriesQueue) -> None:
    with mail_server() as (port, mails):
        email = Email(host="127.0.0.1", port=port, sender="a@example.org", to=("b@example.org",), starttls=False)
        assert alarms_of(queue, Alarms(email=email), "other pixels").tell_due() == 1
    (mail,) = mails
    assert "Subject: medfake: other pixels" in mail
    assert '"verdict": "tampered"' in mail
    assert KEY not in mail


@pytest.mark.parametrize(
    "webhook",
    [
        "http://example.org/x",
        "ftp://127.0.0.1/x",
        "http://127.0.0.1@example.org/x",
        "http://127.0.0.1\\@example.org/x",
        "https:///x",
    ],
)
def test_a_webhook_beyond_this_machine_is_encrypted(webhook: str) -> None:
    with pytest.raises(ConfigError, match="travel encrypted"):
        require_safe(PacsSettings(alarms=Alarms(webhook=webhook)))


@pytest.mark.parametrize(
    "webhook", [None, "https://example.org/x", "http://localhost:9/x", "http://[::1]/x", "http://[::1]:9/x"]
)
def test_other_webhooks_are_taken(webhook: str | None) -> None:
    require_safe(PacsSettings(alarms=Alarms(webhook=webhook)))
