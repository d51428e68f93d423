"""Secrets of a team's server as files: strong, private, never written over."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from medfake.errors import OutputRefusedError
from medfake.files import json_text

SERVICE_USER: Final = "medfake-service"
_KEY_BYTES: Final = 32
_S3_USER: Final = "mlflow"
_MAY: Final = ("Admin", "Read", "Write", "List", "Tagging")  # of SeaweedFS; Admin, to make the bucket


def new_secrets() -> Mapping[str, str]:
    """Texts of the files that compose.yaml names, by name; others each time."""
    key, password = secrets.token_hex(_KEY_BYTES), secrets.token_hex(_KEY_BYTES)
    identity = {"name": _S3_USER, "credentials": [{"accessKey": _S3_USER, "secretKey": key}], "actions": list(_MAY)}
    return {
        "postgres_password": secrets.token_hex(_KEY_BYTES),
        "mlflow_admin_password": secrets.token_hex(_KEY_BYTES),
        "mlflow_secret_key": secrets.token_hex(_KEY_BYTES),
        "s3_credentials": f"[default]\naws_access_key_id = {_S3_USER}\naws_secret_access_key = {key}\n",
        "s3_identities": json_text({"identities": [identity]}),
        "mlflow_credentials": (
            f"[mlflow]\nmlflow_tracking_username = {SERVICE_USER}\nmlflow_tracking_password = {password}\n"
        ),
        "medfake_tokens": f"first={secrets.token_hex(_KEY_BYTES)}\n",
    }


def write_secrets(folder: Path) -> list[Path]:
    """Write the files that are not there yet, for this user alone.

    Args:
        folder: Made where there is none; mode 0700.

    Returns:
        What was written; the two files of S3 belong together, and are written together or not at all.

    Raises:
        OutputRefusedError: One of the two files of S3 is there without the other.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    pair = [(folder / name).exists() for name in ("s3_credentials", "s3_identities")]
    if any(pair) and not all(pair):
        raise OutputRefusedError(
            "of s3_credentials and s3_identities, which hold the same key, one is there alone", where=folder,
            remedy="put the other back, or move this one away, then run the same command again",
        )  # fmt: skip
    written = []
    for name, text in new_secrets().items():
        path = folder / name
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        written.append(path)
    return written
