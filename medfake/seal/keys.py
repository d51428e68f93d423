"""Ed25519 keys (RFC 8032) in PEM files: the private one seals, the public one checks seals."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.errors import OutputRefusedError, SealError
from medfake.files import path_text, write_atomic

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE_FILE: Final = "seal-private.pem"
PUBLIC_FILE: Final = "seal-public.pem"
PASSPHRASE_VARIABLE: Final = "MEDFAKE_SEAL_PASSPHRASE"  # noqa: S105  # its name
ALGORITHM: Final = "Ed25519"

_LARGEST = 1 << 14  # bytes of a PEM file
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
AskPassphrase = Callable[[], str | None]


@dataclass(frozen=True)
class KeyPair:
    """Where `generate_keys` has put both."""

    private: Path
    public: Path
    fingerprint: str


def generate_keys(folder: Path, passphrase: str | None) -> KeyPair:
    """Make a pair of keys.

    Args:
        folder: To write seal-private.pem, readable by its owner alone, and seal-public.pem into; is made.
        passphrase: That the private key is encrypted with; None leaves it as it is.

    Raises:
        OutputRefusedError: One of the two files is there already: what it has sealed could not be checked any more.
        SealError: The passphrase is empty.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = folder / PRIVATE_FILE, folder / PUBLIC_FILE
    for path in (private, public):
        if path.exists() or path.is_symlink():
            raise OutputRefusedError(
                "there is a key already, and seals made with it need it", where=path_text(path),
                remedy="--out ANOTHER-FOLDER; old public keys stay valid for old seals",
            )  # fmt: skip
    if passphrase == "":
        raise SealError("an empty passphrase protects nothing", remedy="give one, or leave it out")
    key = Ed25519PrivateKey.generate()
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    folder.mkdir(parents=True, exist_ok=True)
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    _write_private(private, text)
    try:
        with write_atomic(public, "wb") as file:
            file.write(_public_text(key.public_key()))
    except OSError:
        private.unlink()  # without the other it is of no use, and stands in the way of a pair
        raise
    return KeyPair(private, public, fingerprint(key.public_key()))


def load_private_key(path: Path, ask: AskPassphrase) -> "Ed25519PrivateKey":
    """Read a private key.

    Args:
        path: PEM file.
        ask: For the passphrase, where the key is encrypted; None where nobody can be asked.

    Raises:
        SealError: The file is missing, no such key, or the passphrase is wrong or missing.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = _read(path, "keygen --out FOLDER makes one")
    try:
        try:
            key = load_pem_private_key(text, None)
        except TypeError:  # it is encrypted
            key = load_pem_private_key(text, _passphrase(path, ask))
    except (ValueError, UnsupportedAlgorithm) as error:
        if b"ENCRYPTED" in text:
            raise SealError(
                "the passphrase does not open this key", where=path_text(path),
                remedy=f"give the right one, at the prompt or as {PASSPHRASE_VARIABLE}",
            ) from error  # fmt: skip
        raise _no_key(path, text, "a private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, text, "a private key", type(key).__name__)
    return key


def load_public_key(path: Path) -> "Ed25519PublicKey":
    """Read a public key.

    Raises:
        SealError: The file is missing or no such key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    text = _read(path, "give the public key of whoever sealed the scan")
    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(path, text, "a public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, text, "a public key", type(key).__name__)
    return key


def fingerprint(key: "Ed25519PublicKey") -> str:
    """SHA256: and 64 hex digits of the key's 32 bytes: what people compare over the phone."""
    return f"SHA256:{sha256(key.public_bytes_raw()).hexdigest()}"


def is_readable_by_others(path: Path) -> bool:
    """Whether the group or everybody has any right to a file, where the system knows such rights."""
    return os.name == "posix" and bool(path.stat().st_mode & _OTHERS)


def _public_text(key: "Ed25519PublicKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write_private(path: Path, text: bytes) -> None:
    """Write for the owner alone from the first byte on; a file that is not whole does not stay."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        error.filename = error.filename or str(path)
        raise


def _read(path: Path, remedy: str) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise SealError("there is no such key file", where=path_text(path), remedy=remedy) from None
    if len(text) > _LARGEST:
        raise _no_key(path, text, "a key")
    return text


def _passphrase(path: Path, ask: AskPassphrase) -> bytes:
    given = ask()
    if not given:
        raise SealError(
            "this key is encrypted, and there is no passphrase", where=path_text(path),
            remedy=f"set {PASSPHRASE_VARIABLE}, or run the command on a terminal",
        )  # fmt: skip
    return given.encode()


def _no_key(path: Path, text: bytes, wanted: str, found: str | None = None) -> SealError:
    words = {b"PRIVATE KEY": "a private key", b"PUBLIC KEY": "a public key", b"CERTIFICATE": "a certificate"}
    told = found or next((name for word, name in words.items() if word in text), "no PEM file")
    return SealError(
        f"expected {wanted} of {ALGORITHM} in PEM form", where=path_text(path), received=told,
        remedy="medfake seal keygen --out FOLDER makes a pair",
    )  # fmt: skip
