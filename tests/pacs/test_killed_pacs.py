"""Nothing is lost, and nothing is there twice, where the PACS is killed, and where a station that watches it is."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from medfake.pacs.arrivals import FOLDER_OF_FILES
from medfake.pacs.queued_series import State
from medfake.pacs.sender import LEDGER
from medfake.phantom import write_patient
from tests.fixtures.hospital import MOMENTS, Hospital, meet
from tests.fixtures.orthanc import Orthanc, StartOrthanc
from tests.fixtures.pacs_station import PacsStation
from tests.fixtures.sent_scans import rows_of

pytestmark = pytest.mark.slow(minutes=2)
DOWN_S = 0.5
KILLS = 8
SENDING_S = 0.15
"""That results of one series are on their way."""


def kill_for_a_while(orthanc: Orthanc) -> None:
    orthanc.kill()
    time.sleep(DOWN_S)
    orthanc.start()


@pytest.mark.parametrize("name", ["it is judged", "one result is sent and the next is not"])
def test_a_series_is_judged_and_sent_once_where_the_PACS_is_killed_when(  # noqa: N802 - as it is written
    name: str, hospital: Hospital, kinds: Counter[str]
) -> None:
    meet(hospital, MOMENTS[name], hospital.orthanc.kill, hospital.orthanc.start)
    hospital.require_whole(kinds)


def test_results_are_there_once_where_the_PACS_is_killed_at_any_time_while_it_takes_them(  # noqa: N802
    hospital: Hospital, kinds: Counter[str]
) -> None:
    station, rng = hospital.station, np.random.default_rng(1)
    for number in range(KILLS):
        known = hospital.series_folders()
        hospital.send()
        station.wait_for(
            lambda known=known: any((one / LEDGER).exists() for one in hospital.series_folders() - known), step_s=0.001
        )
        time.sleep((number + rng.uniform()) / KILLS * SENDING_S)
        kill_for_a_while(hospital.orthanc)
    hospital.require_whole(kinds)


@pytest.fixture
def watching(start_orthanc: StartOrthanc, source: Path, tmp_path: Path) -> Iterator[Hospital]:
    orthanc = start_orthanc()
    with PacsStation(tmp_path / "station", orthanc.dicomweb, "watch") as station:
        yield Hospital(orthanc, station, source, tmp_path)


def fetching(hospital: Hospital) -> bool:
    """Whether some of a series has been fetched."""
    return any((hospital.station.data / "series").glob(f".*/{FOLDER_OF_FILES}/*.dcm"))


def test_a_series_that_is_found_is_judged_where_the_station_is_killed_while_it_fetches(
    watching: Hospital, kinds: Counter[str]
) -> None:
    station, scan = watching.station, watching.new_scan()
    station.wait_for(lambda: fetching(watching), step_s=0.001)
    station.kill()
    (row,) = rows_of(station, scan)
    assert row.state is State.FETCH
    station.start()
    watching.require_whole(kinds)


def test_a_series_that_is_found_is_judged_where_the_PACS_is_killed_while_it_is_fetched_from(  # noqa: N802
    watching: Hospital, tmp_path: Path
) -> None:
    large = tmp_path / "large"  # than what is on its way between the two
    write_patient(large, 1, 32, None)
    watching.source = large
    scan = watching.new_scan()
    watching.station.wait_for(lambda: fetching(watching), step_s=0.001)
    kill_for_a_while(watching.orthanc)
    watching.require_whole(None)
    assert len(rows_of(watching.station, scan)) == 1
    assert "the PACS broke off in the midst of a series" in watching.station.log


def test_a_study_that_was_asked_for_is_judged_by_the_listener_where_whoever_asked_is_killed(
    hospital: Hospital, kinds: Counter[str]
) -> None:
    scan = hospital.new_scan()
    asking = hospital.station.begin_to_ask("scan", "--study", scan.study_uid)
    hospital.station.wait_for(lambda: rows_of(hospital.station, scan), step_s=0.001)
    asking.kill()
    asking.wait()
    hospital.require_whole(kinds)


def test_what_is_found_is_judged_once_after_kills_of_either_side_at_any_time(
    watching: Hospital, kinds: Counter[str]
) -> None:
    rng = np.random.default_rng(1)
    for number in range(KILLS):
        watching.new_scan()
        time.sleep((number + rng.uniform()) / KILLS * 3.0)
        if number % 2:
            kill_for_a_while(watching.orthanc)
        else:
            watching.station.kill()
            watching.station.start()
    watching.require_whole(kinds)
    assert len(watching.station.rows()) == KILLS
