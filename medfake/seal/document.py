"""A seal as a file: JSON that says what was sealed, and a signature over all of it."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, ValidationError

from medfake.config import Section
from medfake.errors import SealBrokenError, SealError
from medfake.files import path_text
from medfake.outputs import OutputFormat, open_output
from medfake.seal.keys import ALGORITHM, fingerprint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SCHEMA: Final = "medfake-seal/2"
SUFFIX: Final = ".seal.json"
_LARGEST = 1 << 28  # bytes; half a million slices
Digest = Field(pattern=r"^[0-9a-f]{64}$")


class SealedSlice(Section):
    """A frame as it was.

    Attributes:
        instance: Salted digest of its SOP Instance UID.
        frame: Index in its file, 0 where that has one.
        pixels: Digest of its decoded values and of how they are stored.
        geometry: What says where pixels are, by keyword.
        rescale: What says what values mean, by keyword.
    """

    instance: str = Digest
    frame: int = Field(ge=0)
    pixels: str = Digest
    geometry: dict[str, str]
    rescale: dict[str, str]


class SealedSeries(Section):
    """A series as it was, its slices in the order of their places."""

    series: str = Digest
    slices: list[SealedSlice] = Field(min_length=1)


class Sealed(Section):
    """All that is signed.

    Attributes:
        sealed_at: By the clock of whoever sealed, which nobody vouches for.
        salt: Of the digests of UIDs.
    """

    schema_version: Literal["medfake-seal/2"] = SCHEMA
    algorithm: Literal["Ed25519"] = ALGORITHM
    key: str = Field(pattern=r"^SHA256:[0-9a-f]{64}$")
    sealed_at: datetime
    salt: str = Field(pattern=r"^[0-9a-f]{32}$")
    series: list[SealedSeries] = Field(min_length=1)

    @property
    def slices(self) -> int:
        """In all."""
        return sum(len(one.slices) for one in self.series)


class Seal(Section):
    """What stands in the file."""

    sealed: Sealed
    signature: str


def sign(series: Sequence[SealedSeries], salt: str, key: "Ed25519PrivateKey") -> Seal:
    """Sign what was read.

    Args:
        series: At least one.
        salt: That their digests of UIDs have.
        key: To sign with.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    sealed = Sealed(key=fingerprint(key.public_key()), sealed_at=now, salt=salt, series=list(series))
    return Seal(sealed=sealed, signature=base64.b64encode(key.sign(_signed(sealed))).decode())


def write_seal(path: Path, seal: Seal) -> None:
    """Write a seal; the file is there whole or not at all, and never takes the place of another.

    Raises:
        OutputRefusedError: Something is there already.
    """
    with open_output(path, SEAL_FILE) as file:
        file.write(seal.model_dump_json(indent=1) + "\n")


SEAL_FILE: Final = OutputFormat("a seal that may be replaced", "--out", SUFFIX, lambda _: False)


def read_seal(path: Path) -> Seal:
    """Read a seal, not yet checked.

    Raises:
        SealError: It is missing, cut off, or no seal.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise SealError(
            "there is no seal", where=path_text(path), remedy="name it with --seal FILE, or make one: medfake seal PATH"
        ) from None
    try:
        return Seal.model_validate_json(text)
    except ValidationError as error:
        raise SealError(
            "no seal of medfake, or one that was cut off or changed", where=path_text(path),
            received=f"{len(text)} bytes, {type(error).__name__}", remedy="fetch the seal again from where it is kept",
        ) from None  # fmt: skip


def require_signature(seal: Seal, keys: Sequence["Ed25519PublicKey"], path: Path) -> None:
    """Check that one of some keys made a seal, and that nothing of it was changed since.

    Args:
        seal: From `read_seal`.
        keys: Public ones that are trusted; old ones stay valid for old seals.
        path: Of the seal, for errors.

    Raises:
        SealError: None of the keys made it.
        SealBrokenError: One of them made it, and it was changed.
    """
    from cryptography.exceptions import InvalidSignature

    known = {fingerprint(key): key for key in keys}
    own = known.get(seal.sealed.key)
    if own is None:
        raise SealError(
            "seal of another key", where=path_text(path), received=f"{seal.sealed.key}, not {', '.join(known)}",
            remedy="--key the public key that belongs to it, if you trust it",
        )  # fmt: skip
    try:
        own.verify(base64.b64decode(seal.signature, validate=True), _signed(seal.sealed))
    except (InvalidSignature, binascii.Error, ValueError):
        raise SealBrokenError(
            "seal file changed: its signature does not fit what it says", where=path_text(path),
            remedy="fetch the seal again from where it is kept; nothing can be said of the scan by this one",
        ) from None  # fmt: skip


def _signed(sealed: Sealed) -> bytes:
    """Bytes that are signed: JSON in ASCII, without blanks and its keys sorted, however the file is laid out."""
    document = sealed.model_dump(mode="json")
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
