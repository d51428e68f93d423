"""Tells people of verdicts, by webhook and by e-mail, without any identifier: who wants to know more asks the PACS."""

import json
import logging
import os
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from typing import Any, Final

from medfake import __version__
from medfake.errors import MedfakeError
from medfake.files import in_a_word
from medfake.pacs.alarm_queue import Alarm, AlarmQueue, Channel
from medfake.pacs.retries import retry_after_s
from medfake.pacs.settings import SMTP_PASSWORD_VARIABLE, Alarms, Email, PacsSettings

_log = logging.getLogger(__name__)
_TIMEOUT_S: Final = 15.0
_AT_ONCE: Final = 50
_LOOK_AGAIN_S: Final = 2.0
_SUCCESS, _REDIRECTION, _SERVER_ERROR = 200, 300, 500
_COME_LATER: Final = (408, 425, 429)
"""Statuses of HTTP (RFC 9110 15, RFC 8470 5.2, RFC 6585 4)."""
_PERMANENT: Final = 500
"""From which on replies of a mail server are the same next time (RFC 5321 4.2.1)."""
_NOTE: Final = "research use only, not a diagnostic device; a verdict is a reason to look, not proof"


class AlarmSender:
    """A thread that tells of alarms, from `start` to `stop`.

    Args:
        alarms: That wait.
        settings: Who is told.
    """

    def __init__(self, alarms: AlarmQueue, settings: PacsSettings) -> None:
        self._alarms, self._settings = alarms, settings
        self._channels = _channels_of(settings.alarms)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more."""
        self._stopping.set()

    def tell_due(self) -> int:
        """Tell of alarms whose time has come; how many there were that no other station tells of."""
        self._alarms.leave_out([channel for channel in Channel if channel not in self._channels])
        told = 0
        for alarm in self._alarms.due(_AT_ONCE):
            if self._stopping.is_set() or not self._alarms.claim(alarm):
                continue
            told += 1
            try:
                self._channels[alarm.channel](document_of(alarm))
            except (OSError, smtplib.SMTPException, ValueError) as error:  # those of requests and ssl are OSErrors
                self._failed(alarm, error)
            else:
                self._alarms.told(alarm)
        return told

    def _failed(self, alarm: Alarm, error: Exception) -> None:
        """Tell of it again later: a few times where somebody says no, for long where nobody answers."""
        limits, said = self._settings.limits, f"{alarm.channel}, {_why(error)}"
        if alarm.tries + 1 >= (limits.tries if _is_refused(error) else limits.silent_tries):
            _log.error("an alarm reached nobody and is given up: %s", said)
            self._alarms.told(alarm)
            return
        wait_s = retry_after_s(alarm.tries, self._settings)
        self._alarms.again(alarm, wait_s)
        _log.warning("an alarm reached nobody, tried again in %.0f s: %s", wait_s, said)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.tell_due():
                    continue
            except Exception as error:  # noqa: BLE001 - the database may come back
                _log.error("%s", error.what if isinstance(error, MedfakeError) else in_a_word(error))
            self._stopping.wait(_LOOK_AGAIN_S)


class _RefusedError(ValueError):
    """Raised where a web server answers with another status than success."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _channels_of(told: Alarms) -> dict[Channel, Callable[[dict[str, Any]], object]]:
    """What sends a document, by channels that there are."""
    channels: dict[Channel, Callable[[dict[str, Any]], object]] = {}
    if told.webhook:
        channels[Channel.WEBHOOK] = partial(_post, told.webhook)
    if told.email:
        channels[Channel.EMAIL] = partial(_send_mail, told.email)
    return channels


def _is_refused(error: Exception) -> bool:
    """Whether somebody has answered, and would answer the same next time."""
    if isinstance(error, _RefusedError):
        return error.status < _SERVER_ERROR and error.status not in _COME_LATER
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= _PERMANENT


def _why(error: Exception) -> str:
    if isinstance(error, _RefusedError):
        return f"status {error.status}"
    return f"status {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else in_a_word(error)


def document_of(alarm: Alarm) -> dict[str, Any]:
    """What is told: nothing that names a patient, a study or an image; `series` is a random number of the queue."""
    series = alarm.series
    return {
        "alarm": alarm.kind,
        "series": series.id,
        "modality": series.modality,
        "verdict": series.verdict,
        "p_tampered": series.p_tampered,
        "detector": series.model,
        "reason": series.reason if alarm.kind == "given up" else None,
        "medfake": __version__,
        "note": _NOTE,
    }


def _post(webhook: str, document: dict[str, Any]) -> None:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(webhook, json=document, timeout=_TIMEOUT_S, allow_redirects=False, stream=True)
        if not _SUCCESS <= answer.status_code < _REDIRECTION:  # who sends an alarm elsewhere has not taken it
            raise _RefusedError(answer.status_code)


def _send_mail(email: Email, document: dict[str, Any]) -> None:
    message = EmailMessage()
    message["From"], message["To"] = email.sender, ", ".join(email.to)
    message["Subject"] = f"medfake: {document['alarm']}"
    message.set_content(json.dumps(document, indent=2) + "\n")
    with smtplib.SMTP(email.host, email.port, timeout=_TIMEOUT_S) as line:
        if email.starttls:
            line.starttls(context=ssl.create_default_context())
        if email.user:
            line.login(email.user, os.environ.get(SMTP_PASSWORD_VARIABLE, ""))
        line.send_message(message)
