"""`medfake pacs listen` as a hospital has it: a PACS that refuses, a series that comes again, an end in the midst."""

import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts

from medfake.pacs.queued_series import State
from tests.fixtures import dcmtk
from tests.fixtures.hospital import SLICES, Hospital
from tests.fixtures.orthanc import StartOrthanc, free_port
from tests.fixtures.pacs_station import PacsStation
from tests.fixtures.sent_scans import SentScan, kinds_of, results_of, rows_of, scan_of, twin

pytestmark = pytest.mark.slow(minutes=1)
SR = "Comprehensive3DSRStorage"
USER = {"MEDFAKE_PACS_USER": "medfake"}


@pytest.fixture
def heard() -> Iterator[tuple[str, list[bytes]]]:
    """Address of a webhook, and what it was told."""
    told: list[bytes] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/alarms", told
    server.shutdown()
    server.server_close()


def reports_of(hospital: Hospital, scan: SentScan, folder: Path) -> list[str]:
    """Reports of a scan as DCMTK shows them, in the order in which they were made."""
    reports = [one for one in results_of(hospital.orthanc, scan) if one.SOPClassUID.keyword == SR]
    pages = []
    for number, report in enumerate(sorted(reports, key=lambda one: (one.ContentDate, one.ContentTime))):
        report.save_as(folder / f"report-{number}.dcm")
        pages.append(dcmtk.report_page(folder / f"report-{number}.dcm"))
    return pages


def test_a_series_that_comes_again_with_other_pixels_is_judged_anew_and_said_to_be_another(
    start_orthanc: StartOrthanc, source: Path, tmp_path: Path, heard: tuple[str, list[bytes]]
) -> None:
    webhook, told = heard
    orthanc = start_orthanc()
    alarms = {"alarms": {"on": ["other pixels"], "webhook": webhook}}
    with PacsStation(tmp_path / "station", orthanc.dicomweb, settings=alarms) as station:
        hospital = Hospital(orthanc, station, source, tmp_path)
        scan = hospital.send()
        station.wait_until_done(1)
        changed = tmp_path / "changed"
        changed.mkdir()
        for number, file in enumerate(sorted(scan.folder.iterdir())):
            dataset = pydicom.dcmread(file)
            if number < 3:
                dataset.PixelData = bytes(len(dataset.PixelData))
            dataset.save_as(changed / file.name)
        again = scan_of(changed)
        assert dcmtk.acknowledged(hospital.begin_to_send(again)) == SLICES
        station.wait_until_done(2)
        first, second = reports_of(hospital, scan, tmp_path)
        assert "other pixels" not in first
        assert "3 of its images came before under the same UIDs with other pixels" in second
        assert len(results_of(orthanc, scan)) == sum(row.sent for row in rows_of(station, scan))
        station.wait_for(lambda: told)
        (document,) = map(json.loads, told)
        assert document["alarm"] == "other pixels"
        assert scan.study_uid not in str(told)
        assert scan.series_uid not in str(told)


def test_a_series_that_comes_again_as_it_was_is_not_sent_again(hospital: Hospital, kinds: Counter[str]) -> None:
    scan = hospital.send()
    hospital.station.wait_until_done(1)
    assert dcmtk.acknowledged(hospital.begin_to_send(scan)) == SLICES
    hospital.station.wait_until_done(2)
    assert Counter(row.reason for row in rows_of(hospital.station, scan)).total() == 2
    hospital.require_whole(kinds)


def test_results_that_a_PACS_refuses_are_kept_listed_and_sent_once_it_takes_them(  # noqa: N802 - as it is written
    start_orthanc: StartOrthanc, source: Path, tmp_path: Path, kinds: Counter[str]
) -> None:
    orthanc = start_orthanc(user=("medfake", "right"))
    station = PacsStation(
        tmp_path / "station", orthanc.dicomweb, settings={"limits": {"silent_tries": 3}},
        variables=USER | {"MEDFAKE_PACS_PASSWORD": "wrong"},
    )  # fmt: skip
    with station:
        hospital = Hospital(orthanc, station, source, tmp_path)
        scan = hospital.send()
        station.wait_until_done(1)
        (listed,) = station.listed()
        assert (listed["state"], listed["verdict"]) == ("given up", "tampered")
        assert listed["reason"].endswith("status 401")
        assert scan.study_uid not in station.log + str(listed)
        station.end()
        station.variables = USER | {"MEDFAKE_PACS_PASSWORD": "right"}
        station.start()
        assert station.ask("retry", listed["id"]).returncode == 0
        hospital.require_whole(kinds)
        assert station.listed() == []


def test_results_that_a_peer_refuses_are_kept_and_sent_once_it_takes_them(
    source: Path, tmp_path: Path, kinds: Counter[str]
) -> None:
    held: list[pydicom.Dataset] = []
    mended = threading.Event()

    def store(event: evt.Event) -> int:
        if not mended.is_set():
            return 0xA700
        held.append(event.dataset)
        return 0x0000

    peer = AE(ae_title="PEER")
    peer.supported_contexts = AllStoragePresentationContexts
    port = free_port()
    server = peer.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    settings = {
        "archive": {"dicomweb": None, "store": {"host": "127.0.0.1", "port": port, "aet": "PEER"}},
        "limits": {"silent_tries": 3},
    }
    try:
        with PacsStation(tmp_path / "station", "", settings=settings) as station:
            scan = twin(source, tmp_path / "scan", 1)
            sender = dcmtk.begin_to_store(station.port, scan.folder, calling="SENDER", called="MEDFAKE")
            assert dcmtk.acknowledged(sender) == SLICES
            station.wait_until_done(1)
            (listed,) = station.listed()
            assert listed["reason"] == "the PACS refuses an object: status 0xA700"
            mended.set()
            assert station.ask("retry", listed["id"]).returncode == 0
            (row,) = station.wait_until_done(1)
            assert row.state is State.DONE
            assert kinds_of(held) == kinds
            station.wait_for(lambda: not station.kept())
    finally:
        server.shutdown()


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_station_that_is_ended_in_the_midst_of_a_series_goes_on_with_it_at_its_next_start(
    kind: signal.Signals, hospital: Hospital, kinds: Counter[str]
) -> None:
    station = hospital.station
    scans = [hospital.send() for _ in range(3)]
    station.wait_for(lambda: rows_of(station, scans[0]))
    children = station.scoring_processes
    assert station.end(kind) == 0
    assert not any(one.is_running() for one in children)
    assert "Traceback" not in station.log
    station.start()
    hospital.require_whole(kinds)


def test_a_second_station_on_the_same_folder_is_told_that_there_is_one(hospital: Hospital) -> None:
    done = hospital.station.ask("listen")
    assert done.returncode != 0
    assert "another listener is under way" in done.stderr
