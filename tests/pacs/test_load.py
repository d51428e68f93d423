"""Several senders at once: none of their studies is lost, none is judged twice, and the listener does not grow."""

from collections import Counter

import psutil
import pytest

from tests.fixtures.hospital import Hospital, send_at_once

pytestmark = pytest.mark.slow(minutes=0.5)
STUDIES, SENDERS = 16, 4
MIB = 1 << 20


def test_studies_of_four_senders_are_each_judged_once_and_memory_stays(hospital: Hospital, kinds: Counter[str]) -> None:
    station = hospital.station
    station.wait_until_ready()
    scans = [hospital.new_scan() for _ in range(STUDIES)]
    send_at_once(hospital, scans[:SENDERS], SENDERS)
    station.wait_until_done(SENDERS)
    early = psutil.Process(station.pid).memory_info().rss
    send_at_once(hospital, scans[SENDERS:], SENDERS)
    station.wait_until_done(STUDIES)
    late = psutil.Process(station.pid).memory_info().rss
    assert len(station.rows()) == STUDIES
    hospital.require_whole(kinds)
    hospital.require_sent_once()
    assert late < early + 16 * MIB
