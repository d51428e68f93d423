"""Keyed pseudonyms: the same patient gets the same name, and nobody without the key can guess back."""

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from medfake.errors import StorageError
from medfake.private_folders import PRIVATE, user_data

if TYPE_CHECKING:  # validating params takes longer to load than a scan to read
    from medfake.config import Identifiers

KEY_FILE = "pseudonym.key"
KEY_VARIABLE = "MEDFAKE_PSEUDONYM_KEY_FILE"
PUBLIC_KEY = b"medfake public data sets"  # sets that anyone may download name no one; figures then agree everywhere
_BYTES = 32
_LENGTH = 12  # hexadecimal digits; 48 bits keep a million names apart
_ELSEWHERE = f"export {KEY_VARIABLE}=/a/folder/that/lasts/{KEY_FILE}"


def pseudonym(value: str, key: bytes, prefix: str, digits: int = _LENGTH) -> str:
    """Name for an identifier: HMAC-SHA256 under a key, shortened.

    Args:
        value: A patient id or a folder, never shown again.
        key: From `pseudonym_key`.
        prefix: What is named, e.g. "p" for a patient.
        digits: Hexadecimal ones that are kept.
    """
    digest = hmac.new(key, value.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
    return f"{prefix}-{digest[:digits]}"


def name_patient(identifiers: "Identifiers") -> Callable[[str], str]:
    """What gives patients the names that they have in data sets."""
    key = pseudonym_key(identifiers)
    return lambda patient: pseudonym(patient, key, "patient")


def pseudonym_key(identifiers: "Identifiers") -> bytes:
    """The key for a data set's identifiers.

    Args:
        identifiers: "public" for a constant that is the same on every machine; "private" for a random key of this
            user, so that a patient has one name whichever folder they are read from. It is made at first use, see
            `key_file`.

    Raises:
        StorageError: The key file is too short to be a key, or there is none and none can be made: names that change
            from run to run would make two patients of one.
    """
    if identifiers == "public":
        return PUBLIC_KEY
    path = key_file()
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = _create(path)
    except OSError as error:
        raise _unusable(path, error) from error
    if len(key) < _BYTES:
        raise StorageError(
            f"a pseudonym key has {_BYTES} bytes", where=path, received=f"{len(key)} bytes",
            remedy=f"restore the key, or remove the file to draw another (names change): rm {path}",
        )  # fmt: skip
    return key


def key_file() -> Path:
    """Where the private key lies.

    It is the file that MEDFAKE_PSEUDONYM_KEY_FILE names, or .medfake/pseudonym.key in the working folder or one
    above it where a project has that already (none is made there), or pseudonym.key in the user's data folder.

    Raises:
        StorageError: This user has no home, and nothing else names a place.
    """
    named = os.environ.get(KEY_VARIABLE)
    if named:
        return Path(named)
    here = Path.cwd()
    for project in (here, *here.parents):
        if (project / PRIVATE / KEY_FILE).exists():
            return project / PRIVATE / KEY_FILE
    folder = user_data()
    if folder is None:
        raise StorageError("there is no home folder to keep the pseudonym key in", where="$HOME", remedy=_ELSEWHERE)
    return folder / KEY_FILE


def _create(path: Path) -> bytes:
    """Draw a key that appears whole, for its owner only; where several processes draw one, the first counts."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # of mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was faster: then its key counts
                path.hardlink_to(partial)
        finally:
            Path(partial).unlink()
        return path.read_bytes()
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        "the pseudonym key can be neither read nor made", where=path, received=error.strerror, remedy=_ELSEWHERE
    )
