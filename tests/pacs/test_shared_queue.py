"""Who shares a queue shares its files and the key of its pseudonyms."""

from pathlib import Path

import pytest

from medfake.datasets.pseudonyms import KEY_VARIABLE
from medfake.errors import ConfigError
from medfake.pacs.settings import PacsSettings
from medfake.pacs.station import Places, Station


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shared.db"


def station(tmp_path: Path, database: str, data: str = "data") -> Station:
    return Station(PacsSettings(), Places(tmp_path / data, database, dry_run=tmp_path / "dry"))


def test_stations_on_one_folder_share_a_queue(tmp_path: Path, database: str) -> None:
    assert station(tmp_path, database).owner != station(tmp_path, database).owner


def test_a_folder_that_was_moved_is_the_same_one(tmp_path: Path, database: str) -> None:
    station(tmp_path, database)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    station(tmp_path, database, "elsewhere")


def test_a_queue_whose_files_lie_elsewhere_is_refused(tmp_path: Path, database: str) -> None:
    station(tmp_path, database)
    with pytest.raises(ConfigError, match="of another data folder"):
        station(tmp_path, database, "other")


def test_a_queue_of_other_pseudonyms_is_refused(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    station(tmp_path, database)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "other.key"))
    with pytest.raises(ConfigError, match="another key of pseudonyms") as caught:
        station(tmp_path, database)
    assert KEY_VARIABLE in str(caught.value.remedy)
