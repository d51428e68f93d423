import os
import stat
from pathlib import Path

import boto3
import pytest

from medfake.errors import ConfigError, StorageError
from mlflow_server.destination import require_destination


def test_a_folder_is_made_for_the_server_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "files"
    assert require_destination(str(folder)) == folder.as_uri()
    assert require_destination(folder.as_uri()) == folder.as_uri()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="no permission"):
        require_destination(str(tmp_path))


def test_another_kind_of_store_is_refused() -> None:
    with pytest.raises(ConfigError, match="a folder or an object store"):
        require_destination("ftp://host/files")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an object store."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-a-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-a-test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.mark.usefixtures("keys")
def test_a_bucket_is_made_where_there_is_none(object_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", object_store)
    for _ in range(2):
        assert require_destination("s3://made-by-a-test/below") == "s3://made-by-a-test/below"
    found = boto3.client("s3", endpoint_url=object_store).list_buckets()["Buckets"]
    assert "made-by-a-test" in {one["Name"] for one in found}


@pytest.mark.usefixtures("keys")
def test_a_store_that_does_not_answer_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StorageError, match="does not answer") as caught:
        require_destination("s3://medfake/mlflow")
    assert "MLFLOW_S3_ENDPOINT_URL" in str(caught.value.remedy)
