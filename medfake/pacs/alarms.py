"""Tells people of verdicts, by webhook and by e-mail, without any identifier: who wants to know more asks the PACS."""

import json
import logging
import os
import smtplib
import ssl
import threading
from email.message import EmailMessage
from typing import Any, Final

from medfake import __version__
from medfake.errors import ConfigError, MedfakeError
from medfake.files import in_a_word
from medfake.loopback import is_loopback
from medfake.pacs.alarm_queue import Alarm, AlarmQueue
from medfake.pacs.network_settings import scheme_and_host
from medfake.pacs.retries import retry_after_s
from medfake.pacs.settings import SMTP_PASSWORD_VARIABLE, Email, PacsSettings

_log = logging.getLogger(__name__)
_TIMEOUT_S: Final = 15.0
_AT_ONCE: Final = 50
_LOOK_AGAIN_S: Final = 2.0
_NOTE: Final = "research use only, not a diagnostic device; a verdict is a reason to look, not proof"


class AlarmSender:
    """A thread that tells of alarms, from `start` to `stop`.

    Args:
        alarms: That wait.
        settings: Who is told.
    """

    def __init__(self, alarms: AlarmQueue, settings: PacsSettings) -> None:
        self._alarms, self._settings = alarms, settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more."""
        self._stopping.set()

    def tell_due(self) -> int:
        """Tell of alarms whose time has come; how many there were."""
        due = self._alarms.due(_AT_ONCE)
        for alarm in due:
            try:
                self._tell(alarm)
            except (OSError, smtplib.SMTPException, ssl.SSLError, ValueError) as error:  # requests' are OSErrors
                if alarm.tries + 1 >= self._settings.limits.silent_tries:
                    _log.error("an alarm reached nobody and is given up: %s", in_a_word(error))
                    self._alarms.told(alarm)
                    continue
                wait_s = retry_after_s(alarm.tries, self._settings)
                self._alarms.again(alarm, wait_s)
                _log.warning("an alarm reached nobody, tried again in %.0f s: %s", wait_s, in_a_word(error))
            else:
                self._alarms.told(alarm)
        return len(due)

    def _tell(self, alarm: Alarm) -> None:
        told = self._settings.alarms
        document = document_of(alarm)
        if told.webhook:
            import requests

            session = requests.Session()
            session.trust_env = False
            session.post(told.webhook, json=document, timeout=_TIMEOUT_S, allow_redirects=False).raise_for_status()
        if told.email:
            _send_mail(told.email, document)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.tell_due():
                    continue
            except Exception as error:  # noqa: BLE001 - the database may come back
                _log.error("%s", error.what if isinstance(error, MedfakeError) else in_a_word(error))
            self._stopping.wait(_LOOK_AGAIN_S)


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


def require_safe(settings: PacsSettings) -> None:
    """Refuse a webhook beyond this machine that is not encrypted.

    Raises:
        ConfigError: It is not https.
    """
    webhook = settings.alarms.webhook
    if webhook is None:
        return
    scheme, host = scheme_and_host(webhook)
    if scheme not in ("http", "https") or not host or (scheme == "http" and not is_loopback(host)):
        raise ConfigError(
            "alarms travel encrypted beyond this machine", where="pacs.yaml, alarms.webhook",
            received=f"{scheme}://..." if scheme else None, remedy="https://HOST/PATH",
        )  # fmt: skip


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
