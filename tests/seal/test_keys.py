"""Keys: made once, readable by their owner, and of one kind."""

import base64
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from medfake.errors import SealError
from medfake.seal.keys import KeyPair, generate_keys, load_private_key, load_public_key
from tests.seal.conftest import Run, Said

PASSPHRASE = "correct horse"  # noqa: S105  # of a key that lives for a test


def pem(key: object) -> bytes:
    """A private key of any kind."""
    return key.private_bytes(  # type: ignore[attr-defined,no-any-return]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_pair_is_made_for_its_owner_alone(run: Run) -> None:
    said = run("seal", "keygen", "--out", "keys")
    private, public = Path("keys/seal-private.pem"), Path("keys/seal-public.pem")
    assert said.code == 0
    assert said.text.splitlines()[0] == (
        "private key, not encrypted (--passphrase does): keys/seal-private.pem; it never leaves the machine that seals"
    )
    assert said.text.splitlines()[1].startswith("public key: keys/seal-public.pem; fingerprint SHA256:")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert private.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert public.read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----\n")


def test_no_key_takes_another_s_place(run: Run) -> None:
    run("seal", "keygen", "--out", "keys")
    before = Path("keys/seal-private.pem").read_bytes()
    said = run("seal", "keygen", "--out", "keys")
    assert said.code == 10
    assert said.text.startswith("error: there is a key already, and seals made with it need it\n")
    assert Path("keys/seal-private.pem").read_bytes() == before


def test_a_passphrase_is_asked_for_twice_and_opens_the_key(
    run: Run, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run("seal", "keygen", "--out", "keys", "--passphrase", answer=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert "private key, encrypted: keys/seal-private.pem" in said.text
    assert Path("keys/seal-private.pem").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    monkeypatch.setenv("MEDFAKE_SEAL_PASSPHRASE", PASSPHRASE)
    assert run("seal", scan, "--key", "keys/seal-private.pem").code == 0


def test_a_passphrase_out_of_the_environment_encrypts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDFAKE_SEAL_PASSPHRASE", PASSPHRASE)
    assert "private key, encrypted" in run("seal", "keygen", "--out", "keys").text
    monkeypatch.setenv("MEDFAKE_SEAL_PASSPHRASE", "")
    assert run("seal", "keygen", "--out", "others").text.startswith("error: an empty passphrase protects nothing\n")


def test_a_wrong_passphrase_is_told(run: Run, scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate_keys(Path("keys"), PASSPHRASE)
    monkeypatch.setenv("MEDFAKE_SEAL_PASSPHRASE", "wrong")
    assert run("seal", scan, "--key", "keys/seal-private.pem") == Said(
        16,
        "error: the passphrase does not open this key\n"
        "  where: keys/seal-private.pem\n"
        "  next: give the right one, at the prompt or as MEDFAKE_SEAL_PASSPHRASE\n",
    )


def test_an_encrypted_key_without_anybody_to_ask_is_told(run: Run, scan: Path) -> None:
    generate_keys(Path("keys"), PASSPHRASE)
    said = run("seal", scan, "--key", "keys/seal-private.pem")
    assert said.code == 16
    assert "this key is encrypted, and there is no passphrase" in said.text


def test_a_key_that_others_may_read_is_warned_of(run: Run, scan: Path) -> None:
    generate_keys(Path("keys"), None)
    Path("keys/seal-private.pem").chmod(0o640)
    said = run("seal", scan, "--key", "keys/seal-private.pem")
    assert said.code == 0
    assert said.text.startswith(
        "warning: others may read keys/seal-private.pem; next: chmod 600 keys/seal-private.pem\n"
    )


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), "RSAPrivateKey"),
        (lambda: ec.generate_private_key(ec.SECP256R1()), "ECPrivateKey"),
        (x25519.X25519PrivateKey.generate, "X25519PrivateKey"),
    ],
)
def test_a_key_of_another_algorithm_is_refused(make: Callable[[], object], kind: str) -> None:
    Path("other.pem").write_bytes(pem(make()))
    with pytest.raises(SealError, match="expected a private key of Ed25519 in PEM form") as caught:
        load_private_key(Path("other.pem"), lambda: None)
    assert caught.value.received == kind


def test_a_key_on_a_curve_that_nobody_knows_is_refused() -> None:
    curve, unknown = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030177")
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for word, text in (("PRIVATE", private), ("PUBLIC", public)):
        body = base64.encodebytes(text.replace(curve, unknown)).decode()
        Path(f"{word}.pem").write_text(f"-----BEGIN {word} KEY-----\n{body}-----END {word} KEY-----\n")
    with pytest.raises(SealError, match="expected a private key of Ed25519"):
        load_private_key(Path("PRIVATE.pem"), lambda: None)
    with pytest.raises(SealError, match="expected a public key of Ed25519"):
        load_public_key(Path("PUBLIC.pem"))


def test_the_two_keys_are_not_taken_for_each_other(keys: KeyPair) -> None:
    with pytest.raises(SealError, match="expected a private key of Ed25519") as caught:
        load_private_key(keys.public, lambda: None)
    assert caught.value.received == "a public key"
    with pytest.raises(SealError, match="expected a public key of Ed25519") as caught:
        load_public_key(keys.private)
    assert caught.value.received == "a private key"


@pytest.mark.parametrize("text", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n", b"\x00" * 40_000])
def test_what_is_no_key_is_refused(text: bytes) -> None:
    Path("no.pem").write_bytes(text)
    for load in (load_public_key, lambda path: load_private_key(path, lambda: None)):
        with pytest.raises(SealError, match="of Ed25519 in PEM form"):
            load(Path("no.pem"))


def test_a_key_that_is_not_there_is_told() -> None:
    Path("file").touch()
    for path in (Path("gone.pem"), Path("file/gone.pem")):
        with pytest.raises(SealError, match="there is no such key file"):
            load_public_key(path)
