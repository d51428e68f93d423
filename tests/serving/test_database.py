import doctest
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy

from medfake.errors import ConfigError, StorageError
from medfake.serving import database
from medfake.serving.database import make_tables, open_database


def test_a_sqlite_file_is_made_for_its_owner_alone_and_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "served.db"
    with open_database(f"sqlite:///{path}").begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE one (value INTEGER)"))
        connection.execute(sqlalchemy.text("INSERT INTO one VALUES (7)"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with open_database(f"sqlite:///{path}").connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT value FROM one")).scalar_one() == 7


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SQLite or PostgreSQL"):
        open_database("mysql://root@host/name")


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "served.db").write_text("a letter, and no database at all")
    with pytest.raises(StorageError, match="cannot be used"):
        open_database(f"sqlite:///{tmp_path}/served.db")


def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(StorageError) as caught:
        open_database("postgresql://someone:secret@127.0.0.1:1/name")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)


def test_processes_that_start_at_once_make_a_table_once(tmp_path: Path) -> None:
    tables = sqlalchemy.MetaData()
    sqlalchemy.Table(
        "one", tables, sqlalchemy.Column("value", sqlalchemy.Integer), sqlalchemy.Index("by_value", "value")
    )

    def begin(_: int) -> None:
        with open_database(f"sqlite:///{tmp_path}/served.db").begin() as connection:
            make_tables(connection, tables)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(begin, range(8))) == [None] * 8
    with open_database(f"sqlite:///{tmp_path}/served.db").begin() as connection:
        make_tables(connection, tables)
        assert sqlalchemy.inspect(connection).get_table_names() == ["one"]
        assert [one["name"] for one in sqlalchemy.inspect(connection).get_indexes("one")] == ["by_value"]


def test_its_example_is_true() -> None:
    failed, attempted = doctest.testmod(database)
    assert (failed, attempted) == (0, 1)
