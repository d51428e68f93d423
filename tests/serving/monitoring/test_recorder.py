import os
import signal
import stat
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy

from medfake.errors import StorageError
from medfake.serving.database import open_database
from medfake.serving.monitoring.recorder import Recorder
from tests.serving.monitoring.conftest import MakeServed

HERE = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from medfake.serving.database import open_database
from medfake.serving.monitoring.recorder import Recorder
from medfake.serving.monitoring.served import ServedScan

one = ServedScan("2026-03-02", "m", "d" * 16, {"noise_hu": 20.0}, {"maker": "A"}, {})
recorder = Recorder(open_database(sys.argv[1]))
for batch in range(100_000):
    recorder.record({f"{sys.argv[2]}/{batch}/{number}": one for number in range(10)})
    print(batch, flush=True)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database of either kind."""
    return f"sqlite:///{tmp_path}/served.db" if request.param == "sqlite" else request.getfixturevalue("postgres")


def test_what_was_recorded_is_read_again_by_day(url: str, make_served: MakeServed) -> None:
    recorder = Recorder(open_database(url))
    old, new = make_served(2, seed=1, day="2026-02-01"), make_served(3, seed=2, day="2026-03-01")
    assert recorder.record({f"new/{n}": one for n, one in enumerate(new)}) == 3
    assert recorder.record({f"old/{n}": one for n, one in enumerate(old)}) == 2
    again = Recorder(open_database(url))
    assert [one.day for one in again.served()] == ["2026-02-01"] * 2 + ["2026-03-01"] * 3
    assert sorted(again.served(since=date(2026, 3, 1)), key=str) == sorted(new, key=str)
    assert again.served("d" * 16) == again.served()
    assert again.served("another") == []


def test_scans_are_counted_by_detector_and_from_a_day_on(url: str, make_served: MakeServed) -> None:
    recorder = Recorder(open_database(url))
    recorder.record({f"old/{n}": one for n, one in enumerate(make_served(2, seed=1, day="2026-02-01"))})
    recorder.record({f"new/{n}": one for n, one in enumerate(make_served(3, seed=2, day="2026-03-01"))})
    assert [recorder.count(digest) for digest in ("d" * 16, "another")] == [5, 0]
    assert [recorder.count_others(digest) for digest in ("d" * 16, "another")] == [0, 5]
    days = (date(2026, 2, 1), date(2026, 2, 2), date(2026, 3, 1), date(2026, 3, 2))
    assert [recorder.count_others("another", since) for since in days] == [5, 3, 3, 0]


def test_a_job_that_is_done_again_is_recorded_once(url: str, make_served: MakeServed) -> None:
    recorder = Recorder(open_database(url))
    first, second, third = make_served(3, seed=1)
    assert recorder.record({"job/0": first, "job/1": second}) == 2
    assert recorder.record({"job/0": first, "job/1": second, "job/2": third}) == 1
    assert len(recorder.served()) == 3


@pytest.mark.parametrize(
    "damage", ["scan = 'torn'", "scan = '[]'", "scan = '{\"schema_version\": 1}'", "day = 'never'"]
)
def test_a_damaged_row_is_one_clear_error(damage: str, tmp_path: Path, make_served: MakeServed) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/served.db")
    recorder = Recorder(engine)
    recorder.record({"job/0": make_served(1, seed=1)[0]})
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE served_scans SET {damage}")  # noqa: S608
    with pytest.raises(StorageError, match="damaged") as caught:
        recorder.served()
    assert caught.value.remedy


def test_nothing_to_record_is_recorded(url: str) -> None:
    recorder = Recorder(open_database(url))
    assert recorder.record({}) == 0
    assert recorder.served() == []


def test_scans_are_kept_as_many_days_as_was_said_and_no_day_longer(url: str, make_served: MakeServed) -> None:
    today = datetime.now(UTC).date()
    recorder = Recorder(open_database(url))
    for days in (0, 30, 31):
        (one,) = make_served(1, seed=days, day=str(today - timedelta(days=days)))
        recorder.record({f"job/{days}": one})
    assert recorder.prune(31) == 0
    assert recorder.prune(30) == 1
    assert len(recorder.served()) == 2
    (one,) = make_served(1, seed=9, day=str(today))
    Recorder(open_database(url), keep_days=7).record({"job/9": one})
    assert [scan.day for scan in recorder.served()] == [str(today)] * 2


def test_many_threads_record_at_once(url: str, make_served: MakeServed) -> None:
    scans = make_served(40, seed=1)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            recorder = Recorder(open_database(url))
            for place in range(number, 40, 4):
                recorder.record({f"job/{place}": scans[place], "shared": scans[0]})
        except BaseException as error:  # noqa: BLE001  # told below, whatever it is
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    assert len(Recorder(open_database(url)).served()) == 41


def test_a_kill_in_the_middle_loses_nothing_that_was_recorded(url: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, "killed"], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    told = -1
    for line in process.stdout:
        told = int(line)
        if told >= 5:
            break
    process.send_signal(signal.SIGKILL)
    told = max([told, *map(int, process.stdout.read().split())])
    process.wait()
    served = Recorder(open_database(url)).served()
    assert len(served) % 10 == 0  # all of a batch, or none
    assert told + 1 <= len(served) // 10 <= told + 2


def test_the_file_is_its_owners_alone(tmp_path: Path, make_served: MakeServed) -> None:
    recorder = Recorder(open_database(f"sqlite:///{tmp_path}/served.db"))
    recorder.record({"one": make_served(1, seed=1)[0]})
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("served.db*")} == {0o600}


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path, make_served: MakeServed) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/served.db")
    recorder = Recorder(engine)
    recorder.record({"one": make_served(1, seed=1)[0]})
    sqlalchemy.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1"))
    many = {f"job/{number}": one for number, one in enumerate(make_served(200, seed=2))}
    with pytest.raises(StorageError, match="the disk is full"):
        recorder.record(many)
    assert len(recorder.served()) == 1


def test_rows_of_a_newer_medfake_are_told(tmp_path: Path, make_served: MakeServed) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/served.db")
    recorder = Recorder(engine)
    recorder.record({"one": make_served(1, seed=1)[0]})
    with engine.begin() as connection:
        changed = "UPDATE served_scans SET scan = json_set(scan, '$.schema_version', 99)"
        connection.execute(sqlalchemy.text(changed))
    with pytest.raises(StorageError, match="version 1"):
        recorder.served()
