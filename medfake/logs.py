"""Logging that never shows a patient.

Readers register every identifier they meet; the filter blanks it in whatever a library logs afterwards. Of an archive's
identifiers those that were met last are remembered: what a library logs is of the file that was just read.
"""

import logging
import sys
from threading import Lock

from medfake.errors import printable

BLANK = "[redacted]"
_MINIMUM_LENGTH = 3
_MOST = 20_000
"""Identifiers remembered: some 2 MB."""
_identifiers: dict[str, None] = {}  # those met last stand last
_longest_first: list[str] = []
_lock = Lock()


class RedactingFilter(logging.Filter):
    """Replace registered identifiers in a record's message, and what a terminal would obey."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Blank identifiers and control characters; every record passes."""
        message = record.getMessage()
        clean = printable(redact(message))
        if clean != message:
            record.msg, record.args = clean, ()
        return True


def register_identifier(value: object) -> None:
    """Remember a name, number or date that must not be shown; very short ones would blank all and are not kept."""
    text = str(value).strip()
    if len(text) < _MINIMUM_LENGTH:
        return
    with _lock:
        known = text in _identifiers
        _identifiers.pop(text, None)
        _identifiers[text] = None
        if known:
            return
        if len(_identifiers) > _MOST:
            del _identifiers[next(iter(_identifiers))]
        _longest_first.clear()


def redact(text: str) -> str:
    """Blank every registered identifier in a text."""
    with _lock:
        if not _longest_first:
            _longest_first.extend(sorted(_identifiers, key=len, reverse=True))
        candidates = [identifier for identifier in _longest_first if identifier in text]
    for identifier in candidates:
        text = text.replace(identifier, BLANK)
    return text


def configure_logging(level: int = logging.WARNING) -> None:
    """Send log records of this process to standard error, redacted, warnings of libraries included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.captureWarnings(capture=True)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("urllib3.connectionpool").setLevel(
        logging.ERROR
    )  # that it tries again; what it ends with is told
