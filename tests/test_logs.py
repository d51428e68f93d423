import logging
import subprocess
import sys

import pytest

from medfake import logs


@pytest.fixture(autouse=True)
def _forget_identifiers() -> None:
    logs._identifiers.clear()


def test_registered_identifiers_are_blanked_in_what_libraries_log() -> None:
    logs.register_identifier("DOE^JANE")
    record = logging.LogRecord("pydicom", logging.WARNING, "x.py", 1, "invalid value %r", ("DOE^JANE",), None)
    assert logs.RedactingFilter().filter(record)
    assert record.getMessage() == "invalid value '[redacted]'"


def test_a_longer_identifier_is_blanked_before_one_inside_it() -> None:
    logs.register_identifier("DOE")
    logs.register_identifier("DOE^JANE")
    assert logs.redact("DOE^JANE, DOE") == "[redacted], [redacted]"


@pytest.mark.parametrize(("value", "kept"), [("AB", "AB"), ("ABC", "[redacted]"), ("", "")])
def test_very_short_values_would_blank_everything_and_are_not_kept(value: str, kept: str) -> None:
    logs.register_identifier(value)
    assert logs.redact(value) == kept


def test_of_very_many_identifiers_those_met_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_MOST", 3)
    for name in ("FIRST", "SECOND", "THIRD", "FIRST", "FOURTH"):
        logs.register_identifier(name)
    assert logs.redact("FIRST SECOND THIRD FOURTH") == "[redacted] SECOND [redacted] [redacted]"


def test_what_a_terminal_would_obey_is_logged_as_text() -> None:
    record = logging.LogRecord("pydicom", logging.WARNING, "x.py", 1, "value %s", ("\x1b[31m",), None)
    assert logs.RedactingFilter().filter(record)
    assert record.getMessage() == "value \\x1b[31m"


def test_that_a_library_asks_again_is_not_told_before_what_it_ends_with() -> None:
    code = (
        "import logging\nfrom medfake.logs import configure_logging\nconfigure_logging()\n"
        "logging.getLogger('urllib3.connectionpool').warning('Retrying')\nlogging.getLogger('pydicom').warning('odd')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "WARNING pydicom: odd\n"
