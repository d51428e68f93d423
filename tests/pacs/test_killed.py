"""Nothing is lost, and nothing is there twice, whoever is killed when: the listening station, its scoring process."""

import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.fixtures import dcmtk
from tests.fixtures.hospital import MOMENTS, SLICES, Hospital, meet
from tests.fixtures.orthanc import StartOrthanc
from tests.fixtures.pacs_station import PacsStation
from tests.fixtures.sent_scans import SentScan, rows_of

pytestmark = pytest.mark.slow(minutes=4)
KILLS = 12
LIFE_S = 3.0
"""From the first object that is sent to the last that is stored, with some time to spare."""


def kill_station(station: PacsStation) -> None:
    """Kill its process alone; those that score for it have to notice."""
    children = station.scoring_processes
    station.kill()
    _, alive = psutil.wait_procs(children, 10)
    assert not alive


def arrived(station: PacsStation) -> int:
    return len(list((station.data / "arriving").rglob("*.dcm")))


def test_what_was_acknowledged_is_judged_where_the_station_is_killed_while_it_receives(hospital: Hospital) -> None:
    station, scan = hospital.station, hospital.new_scan()
    sender = hospital.begin_to_send(scan)
    station.wait_for(lambda: arrived(station) >= SLICES // 2)
    kill_station(station)
    acknowledged = dcmtk.acknowledged(sender)
    assert 0 < acknowledged < SLICES
    station.start()
    (row,) = station.wait_until_done(1)
    assert acknowledged <= row.files <= acknowledged + 1  # the last one may have come without its answer
    assert dcmtk.acknowledged(hospital.begin_to_send(scan)) == SLICES
    station.wait_until_done(2)
    assert sorted(one.files for one in rows_of(station, scan)) == [row.files, SLICES]
    hospital.require_whole(None)


def test_a_series_is_judged_where_the_station_is_killed_before_it_counts_as_whole(
    hospital: Hospital, kinds: Counter[str]
) -> None:
    hospital.send()
    kill_station(hospital.station)
    assert arrived(hospital.station) == SLICES
    hospital.station.start()
    hospital.require_whole(kinds)


@pytest.mark.parametrize("name", MOMENTS)
def test_a_series_is_judged_and_sent_once_where_the_station_is_killed_when(
    name: str, hospital: Hospital, kinds: Counter[str]
) -> None:
    station = hospital.station
    meet(hospital, MOMENTS[name], lambda: kill_station(station), station.start)
    hospital.require_whole(kinds)
    hospital.require_sent_once()


def test_nothing_is_lost_and_nothing_is_there_twice_after_a_dozen_kills_at_any_time(hospital: Hospital) -> None:
    station, rng = hospital.station, np.random.default_rng(1)
    taken: list[tuple[SentScan, int]] = []
    for number in rng.permutation(KILLS):
        scan = hospital.new_scan()
        sender = hospital.begin_to_send(scan)
        time.sleep((number + rng.uniform()) / KILLS * LIFE_S)
        if number % 2:
            kill_station(station)
        else:
            station.kill_with_children()
        station.start()
        taken.append((scan, dcmtk.acknowledged(sender)))
        if taken[-1][1] < SLICES:  # a PACS sends again what was not acknowledged
            assert dcmtk.acknowledged(hospital.begin_to_send(scan)) == SLICES
            taken.append((scan, SLICES))
    hospital.require_whole(None)
    hospital.require_sent_once()
    for scan, acknowledged in taken:
        assert max(row.files for row in rows_of(station, scan)) >= acknowledged


def test_a_series_is_judged_whole_where_its_scoring_process_is_killed_at_any_time(
    hospital: Hospital, kinds: Counter[str]
) -> None:
    station, rng = hospital.station, np.random.default_rng(1)
    for number in range(6):
        known = hospital.series_folders()
        hospital.send()
        station.wait_for(lambda known=known: hospital.series_folders() - known, step_s=0.001)
        time.sleep((number + rng.uniform()) / 6 * 0.8)
        station.scoring_processes[0].kill()
        hospital.require_whole(kinds)
    assert "a scoring process was replaced" in station.log


def test_a_queue_in_PostgreSQL_loses_nothing_either(  # noqa: N802 - as it is written
    start_orthanc: StartOrthanc, source: Path, kinds: Counter[str], tmp_path: Path, postgres: str
) -> None:
    orthanc = start_orthanc()
    with PacsStation(tmp_path / "station", orthanc.dicomweb, database=postgres) as station:
        hospital = Hospital(orthanc, station, source, tmp_path)
        hospital.send()
        hospital.require_whole(kinds)
        meet(hospital, MOMENTS["it is judged"], lambda: kill_station(station), station.start)
        hospital.require_whole(kinds)
