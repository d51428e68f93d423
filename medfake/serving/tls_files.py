"""A certificate and its key, looked at before a server listens."""

import ssl
from pathlib import Path

from medfake.errors import ConfigError
from medfake.files import in_a_word


def require_pair(certificate: Path, key: Path) -> None:
    """See to it that TLS can begin with these PEM files.

    Raises:
        ConfigError: One is no PEM file or cannot be read, the key has a passphrase, or is of another certificate.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise ConfigError(
            "TLS cannot begin with this certificate and key", where=f"{certificate}, {key}", received=in_a_word(error),
            remedy="--tls-cert CERT.pem --tls-key KEY.pem, PEM files of one pair, the key without a passphrase",
        ) from None  # fmt: skip
