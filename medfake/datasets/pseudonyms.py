"""Keyed pseudonyms: the same patient gets the same name, and nobody without the key can guess back."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Literal

from medfake.errors import StorageError
from medfake.folders import PRIVATE

KEY_FILE = "pseudonym.key"
KEY_VARIABLE = "MEDFAKE_PSEUDONYM_KEY_FILE"
PUBLIC_KEY = b"medfake public data sets"  # sets that anyone may download name no one; figures then agree everywhere
_BYTES = 32
_LENGTH = 12  # hexadecimal digits; 48 bits keep a million names apart


def pseudonym(value: str, key: bytes, prefix: str) -> str:
    """Name for an identifier: HMAC-SHA256 under a key, shortened.

    Args:
        value: A patient id or a folder, never shown again.
        key: From `pseudonym_key`.
        prefix: What is named, e.g. "p" for a patient.
    """
    digest = hmac.new(key, value.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
    return f"{prefix}-{digest[:_LENGTH]}"


def pseudonym_key(identifiers: Literal["public", "private"]) -> bytes:
    """The key for a data set's identifiers.

    Args:
        identifiers: "public" for a constant that is the same on every machine; "private" for a random key of this
            machine, made at first use in .medfake/pseudonym.key or where MEDFAKE_PSEUDONYM_KEY_FILE says.

    Raises:
        StorageError: The key file is there but too short to be a key.
    """
    if identifiers == "public":
        return PUBLIC_KEY
    path = Path(os.environ.get(KEY_VARIABLE, PRIVATE / KEY_FILE))
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return _create(path)
    if len(key) < _BYTES:
        raise StorageError(
            f"a pseudonym key has {_BYTES} bytes", where=path, received=f"{len(key)} bytes",
            remedy=f"restore the key, or remove the file to draw another (names change): rm {path}",
        )  # fmt: skip
    return key


def _create(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secrets.token_bytes(_BYTES)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:  # noqa: PTH123  # the mode must hold from the first byte
        file.write(key)
    try:
        path.hardlink_to(partial)  # fails when another process was faster: then its key counts
    except FileExistsError:
        key = path.read_bytes()
    finally:
        partial.unlink()
    return key
