"""The place below which a team's server keeps files: a folder of its own, or a bucket of an object store (S3)."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from medfake.errors import ConfigError, StorageError
from mlflow_server.configured_service import DESTINATION

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

S3: Final = "s3://"
_ENDPOINT: Final = "MLFLOW_S3_ENDPOINT_URL"  # MLflow's name; boto3 does not read it by itself
_ABSENT: Final = ("404", "NoSuchBucket", "NotFound")
_PATIENCE_S: Final = 10


def require_destination(destination: str) -> str:
    """See before the server starts that files can be kept; a bucket or folder is made where there is none.

    Args:
        destination: s3://BUCKET/below, file:///folder or a folder.

    Returns:
        The address, folders as file:///.

    Raises:
        ConfigError: It is the address of neither.
        StorageError: The store is not reached, lets nobody in, or the folder cannot be written.
    """
    if destination.startswith(S3):
        _require_bucket(urlsplit(destination).netloc, destination)
        return destination
    address = urlsplit(destination)
    if address.scheme not in ("", "file"):
        raise ConfigError(
            "files are kept in a folder or an object store", where=DESTINATION, received=f"{address.scheme}://",
            remedy=f"{DESTINATION}=s3://BUCKET/medfake, or a folder",
        )  # fmt: skip
    folder = Path(unquote(address.path)).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError("files cannot be kept there: no permission", where=folder, remedy=f"ls -ld {folder}")
    return folder.as_uri()


def _require_bucket(bucket: str, destination: str) -> None:
    try:
        import boto3
    except ModuleNotFoundError:
        raise ConfigError(
            "an object store needs boto3", where=f"{DESTINATION}={destination}", remedy="pip install 'medfake[team]'"
        ) from None
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    patience = Config(connect_timeout=_PATIENCE_S, read_timeout=_PATIENCE_S, retries={"total_max_attempts": 3})
    try:
        client: Any = boto3.client("s3", endpoint_url=os.environ.get(_ENDPOINT) or None, config=patience)
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if _code(error) not in _ABSENT:
                raise
            client.create_bucket(Bucket=bucket)
    except ClientError as error:
        raise StorageError(
            "the object store refuses", where=destination, received=_code(error),
            remedy="see that the keys in AWS_SHARED_CREDENTIALS_FILE may read and write this bucket",
        ) from None  # fmt: skip
    except (BotoCoreError, ValueError) as error:
        raise StorageError(
            "the object store does not answer", where=destination, received=type(error).__name__,
            remedy=f"see that it runs, that {_ENDPOINT} is its address and AWS_SHARED_CREDENTIALS_FILE has keys",
        ) from None  # fmt: skip


def _code(error: "ClientError") -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
