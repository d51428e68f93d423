import json
import stat
from configparser import ConfigParser
from pathlib import Path

import pytest

from medfake.errors import OutputRefusedError
from mlflow_server.new_secrets import new_secrets, write_secrets


def test_the_files_are_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "secrets"
    written = write_secrets(folder)
    assert {path.name for path in written} == set(new_secrets())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


def test_what_is_there_stays(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    (tmp_path / "medfake_tokens").unlink()
    assert [path.name for path in write_secrets(tmp_path)] == ["medfake_tokens"]
    after = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"medfake_tokens"}


def test_secrets_are_others_each_time() -> None:
    one, other = new_secrets(), new_secrets()
    assert not [name for name in one if one[name] == other[name]]


def test_both_files_of_the_object_store_hold_the_same_key(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    keys = ConfigParser()
    keys.read(tmp_path / "s3_credentials")
    (identity,) = json.loads((tmp_path / "s3_identities").read_text())["identities"]
    assert identity["credentials"] == [
        {"accessKey": keys["default"]["aws_access_key_id"], "secretKey": keys["default"]["aws_secret_access_key"]}
    ]
    (tmp_path / "s3_identities").unlink()
    with pytest.raises(OutputRefusedError, match="alone"):
        write_secrets(tmp_path)
