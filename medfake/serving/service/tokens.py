"""Bearer tokens, and the signed cookie that a browser has instead of one.

Tokens are kept as digests and compared in constant time. Several may be good at a time, each with a name, so that one
can be replaced before the other is withdrawn.
"""

import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medfake.errors import ConfigError
from medfake.files import write_atomic
from medfake.locks import waiting_turn

_log = logging.getLogger(__name__)
TOKENS_VARIABLE: Final = "MEDFAKE_TOKENS"
FILE_VARIABLE: Final = "MEDFAKE_TOKENS_FILE"
COOKIE: Final = "medfake_session"
SESSION_S: Final = 12 * 3600
SHORTEST: Final = 32
_KEY_FILE: Final = "session.key"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SALT: Final = "medfake session"


@dataclass(frozen=True)
class Tokens:
    """Who may ask: SHA-256 of each token, by name."""

    digests: Mapping[str, bytes]

    def __bool__(self) -> bool:
        return bool(self.digests)

    @classmethod
    def none(cls) -> "Tokens":
        """Nobody has to say who they are."""
        return cls({})

    @classmethod
    def from_environment(cls) -> "Tokens":
        """Those of MEDFAKE_TOKENS, or of the file that MEDFAKE_TOKENS_FILE names: NAME=TOKEN, parted by white space.

        Raises:
            ConfigError: One is too short or has no name, a name stands twice, or the file cannot be read.
        """
        text, file = os.environ.get(TOKENS_VARIABLE, ""), os.environ.get(FILE_VARIABLE, "")
        if text and file:
            raise ConfigError(
                "tokens come from one place", where=f"{TOKENS_VARIABLE} and {FILE_VARIABLE}", remedy="unset one of them"
            )
        if file:
            try:
                text = Path(file).read_text(encoding="utf-8")
                if Path(file).stat().st_mode & 0o077:  # no refusal: secrets of containers are mounted for all to read
                    _log.warning("other users of this machine can reach the file of tokens: chmod 600 keeps it to you")
            except (OSError, ValueError) as error:
                raise ConfigError(
                    "the file of tokens cannot be read", where=FILE_VARIABLE, received=type(error).__name__,
                    remedy="one NAME=TOKEN a line, in a file that only this user may read (chmod 600)",
                ) from None  # fmt: skip
        found = cls(parse(text, FILE_VARIABLE if file else TOKENS_VARIABLE))
        if file and not found:
            raise ConfigError("the file of tokens is empty", where=FILE_VARIABLE, remedy="one NAME=TOKEN a line")
        if text and not found:
            raise ConfigError(
                "there is no token", where=TOKENS_VARIABLE, received="white space",
                remedy=f'{TOKENS_VARIABLE}="NAME=$(openssl rand -hex 32)", or unset {TOKENS_VARIABLE}',
            )  # fmt: skip
        return found

    def name_of(self, token: str) -> str | None:
        """Whose token this is; None for nobody's. Takes as long whichever it is."""
        given, found = _digest(token), None
        for name, digest in self.digests.items():
            if hmac.compare_digest(given, digest):
                found = name
        return found


class Sessions:
    """Cookies of browsers that showed a token; the key lies in the data folder, so that they outlive a restart."""

    def __init__(self, tokens: Tokens, data: Path) -> None:
        from itsdangerous import URLSafeTimedSerializer

        self._tokens = tokens
        self._signer = URLSafeTimedSerializer(_key(data / _KEY_FILE), salt=_SALT)

    def begin(self, name: str) -> str:
        """A cookie's value for whoever showed the token of this name."""
        return str(self._signer.dumps([name, self._tokens.digests[name].hex()[:16]]))

    def name_of(self, cookie: str) -> str | None:
        """Whose session it is; None where it is forged, too old, or its token was withdrawn."""
        from itsdangerous import BadData

        try:
            name, digest = self._signer.loads(cookie, max_age=SESSION_S)
        except (BadData, ValueError, TypeError):
            return None
        known = self._tokens.digests.get(name)
        return str(name) if known is not None and hmac.compare_digest(known.hex()[:16], str(digest)) else None


def parse(text: str, where: str) -> dict[str, bytes]:
    """Digests by name, from NAME=TOKEN parted by white space.

    Raises:
        ConfigError: As of `Tokens.from_environment`; no message holds a token.
    """
    found: dict[str, bytes] = {}
    for number, entry in enumerate(text.split(), start=1):
        name, equals, token = entry.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ConfigError(
                "a token has a name before it, NAME=TOKEN", where=f"{where}, entry {number}", received="no name",
                remedy='MEDFAKE_TOKENS="NAME=$(openssl rand -hex 32)"',
            )  # fmt: skip
        if len(token) < SHORTEST:
            raise ConfigError(
                f"a token has at least {SHORTEST} characters", where=f"{where}, {name}",
                received=f"{len(token)} characters", remedy="openssl rand -hex 32 makes one",
            )  # fmt: skip
        if name in found:
            raise ConfigError("two tokens have one name", where=f"{where}, {name}", remedy="name them apart")
        found[name] = _digest(token)
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _key(path: Path) -> bytes:
    """Of the processes that share a data folder, the first one draws it."""
    with waiting_turn(path):
        if not path.exists():
            with write_atomic(path, "wb") as file:
                file.write(secrets.token_bytes(32))
            path.chmod(0o600)
        return path.read_bytes()
