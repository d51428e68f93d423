"""50 studies from four senders at once: all of them judged once, and a listener whose memory does not grow.

Small phantoms of CT, each a study of its own with results of its own; MEDFAKE_BENCH_STUDIES is another number of them.
The senders are storescu, which send all that they have one study after the other.
"""

import os
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.material import report
from medfake.pacs.settings import Complete
from tests.fixtures.hospital import Hospital, send_at_once
from tests.fixtures.orthanc import Orthanc
from tests.fixtures.pacs_station import PacsStation
from tests.fixtures.sent_scans import require_whole

STUDIES = int(os.environ.get("MEDFAKE_BENCH_STUDIES", "50"))
SENDERS = 4
SLICES, EDGE = 24, 192
EARLY = 0.2
"""Part of the studies after which memory is looked at first."""


def main() -> None:
    """Measure in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="medfake-bench-") as folder:
        _measure(Path(folder))


def _measure(folder: Path) -> None:
    """Print how long it takes, what was lost or came twice, and memory early and late."""
    from medfake.phantom import write_patient

    write_patient(folder / "source", 6, SLICES, "injection", EDGE)
    with (
        Orthanc(folder / "orthanc") as orthanc,
        PacsStation(folder / "station", orthanc.dicomweb, settings={"complete": Complete().model_dump()}) as station,
    ):
        station.wait_until_ready()
        hospital = Hospital(orthanc, station, folder / "source", folder)
        scans = [hospital.new_scan() for _ in range(STUDIES)]
        began = time.perf_counter()
        send_at_once(hospital, scans, SENDERS)
        sent = time.perf_counter()
        station.wait_for(lambda: len(station.rows()) - len(station.under_way()) >= EARLY * STUDIES)
        early = _memory_mib(station)
        station.wait_until_done(STUDIES, patience_s=60.0 * STUDIES)
        done, late = time.perf_counter(), _memory_mib(station)
        rows = station.rows()
        for scan in scans:
            require_whole(station, orthanc, scan, None)
    print(f"pacs-load: {STUDIES} studies sent in {sent - began:.1f} s, their results there after {done - began:.1f} s")
    print(f"pacs-load: {len(rows)} arrivals, {sum(row.sent for row in rows)} results; none lost, none twice")
    print(f"pacs-load: memory of the listener: {early:.0f} MiB early, {late:.0f} MiB late")
    report("pacs-load", late / early, f"memory after {EARLY:.0%} of the studies", "<=1.1")


def _memory_mib(station: PacsStation) -> float:
    return float(psutil.Process(station.pid).memory_info().rss) / (1 << 20)
