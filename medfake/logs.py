"""Logging that never shows a patient.

Readers register every identifier they meet; the filter blanks it in whatever a library logs afterwards.
"""

import logging
import sys

BLANK = "[redacted]"
_MINIMUM_LENGTH = 3
_identifiers: set[str] = set()


class RedactingFilter(logging.Filter):
    """Replace registered identifiers in a record's message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Blank identifiers; every record passes."""
        message = record.getMessage()
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, ()
        return True


def register_identifier(value: object) -> None:
    """Remember a name, number or date that must not be shown; very short ones would blank all and are not kept."""
    text = str(value).strip()
    if len(text) >= _MINIMUM_LENGTH:
        _identifiers.add(text)


def redact(text: str) -> str:
    """Blank every registered identifier in a text."""
    for identifier in sorted(_identifiers, key=len, reverse=True):
        text = text.replace(identifier, BLANK)
    return text


def configure_logging(level: int = logging.WARNING) -> None:
    """Send log records of this process to standard error, redacted, warnings of libraries included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.captureWarnings(capture=True)
    logging.basicConfig(level=level, handlers=[handler], force=True)
