"""Who decides about a champion, and why, as the ledger keeps it."""

import getpass
import os
import re
from typing import Final

from medfake.errors import RegistryError

WHO: Final = "MEDFAKE_WHO"
UNKNOWN: Final = "unknown"
LONGEST_NAME: Final = 64
LONGEST_REASON: Final = 500


def who() -> str:
    """Name of whoever decides: what MEDFAKE_WHO says, else the account, without its folder, domain or host.

    Returns:
        One line of up to 64 characters; "unknown" where neither says anything.
    """
    said = _one_line(os.environ.get(WHO, ""))
    return (said or _account() or UNKNOWN)[:LONGEST_NAME]


def stated(reason: str) -> str:
    """A reason as one line.

    Raises:
        RegistryError: It is longer than the ledger keeps.
    """
    line = _one_line(reason)
    if len(line) > LONGEST_REASON:
        raise RegistryError(
            "the reason is longer than the ledger keeps", where="--reason", received=f"{len(line)} characters",
            remedy=f"say it in {LONGEST_REASON} characters",
        )  # fmt: skip
    return line


def _account() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # no variable, and no entry in the user database
        return ""
    return re.split(r"[\\/]", _one_line(name))[-1].split("@")[0]


def _one_line(text: str) -> str:
    """Without control characters, which would move a terminal's cursor, and without bytes that are no text."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
