"""What the listener of `medfake pacs` takes in a second beside DCMTK's storescp, from the same senders, in one run.

Ours is Python, and waits until every object and its name are on the disk before it acknowledges; storescp is neither.
DCMTK's programs use Nagle's algorithm unless TCP_NODELAY=1 is in their environment, which costs 40 ms an object for as
long as the other side delays its acknowledgements. It is set here for both; our listener neither has it nor delays, so
that a sender that has it takes no longer with ours, and 40 ms an object with storescp.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.material import report

OBJECTS = 100  # of each sender
EDGE = 512
ROUNDS = 3
SENDERS = (1, 4)
CALLER = "BENCH"
_PATH = "/usr/bin:/usr/local/bin:/opt/homebrew/bin"
_PATIENCE_S = 60.0
_NAGLE_OFF = {**os.environ, "TCP_NODELAY": "1"}


def main() -> None:
    """Print objects and MB a second of both, for one sender and for four at once, and their ratios."""
    programs = {name: shutil.which(name, path=_PATH) for name in ("storescp", "storescu", "echoscu")}
    if not all(programs.values()):
        print("pacs-listener: left out, DCMTK is not installed")
        return
    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    try:
        scans = [_scan(folder / f"scan-{number}") for number in range(max(SENDERS))]
        for senders in SENDERS:
            theirs = _best(folder, "storescp", scans[:senders])
            ours = _best(folder, "medfake", scans[:senders])
            who = "1 sender" if senders == 1 else f"{senders} senders at once"
            report("pacs-listener", ours / theirs, f"storescp, which waits for no disk, {who}", ">=0.1")
    finally:
        shutil.rmtree(folder)


def _best(folder: Path, name: str, scans: list[Path]) -> float:
    """Objects a second in the best of some rounds."""
    listener = {"medfake": _medfake, "storescp": _storescp}[name]
    found = []
    for _ in range(ROUNDS):
        data = folder / "data"
        with listener(data) as port:
            started = time.perf_counter()
            with ThreadPoolExecutor(len(scans)) as senders:
                list(senders.map(lambda scan: _send(scan, port), scans))
            found.append(time.perf_counter() - started)
        came = sum(1 for path in data.rglob("*") if path.is_file() and path.suffix != ".json")
        if came != OBJECTS * len(scans):
            sys.exit(f"pacs-listener: {came} objects came to {name}, not {OBJECTS * len(scans)}")
        shutil.rmtree(data)
    objects, seconds = OBJECTS * len(scans), min(found)
    mb = sum(file.stat().st_size for scan in scans for file in scan.iterdir()) / 1e6
    print(f"{name}, {len(scans)} sender(s): {objects / seconds:.0f} objects/s, {mb / seconds:.0f} MB/s")
    return objects / seconds


def _send(scan: Path, port: int) -> None:
    command = ["storescu", "-aet", CALLER, "-aec", "MEDFAKE", "+sd", "127.0.0.1", str(port), str(scan)]
    program = shutil.which(command[0], path=_PATH) or command[0]
    subprocess.run([program, *command[1:]], check=True, capture_output=True, env=_NAGLE_OFF)


@contextmanager
def _medfake(data: Path) -> Iterator[int]:
    """Our listener, in a process of its own as storescp is."""
    program = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from medfake.pacs.arrivals import Arrivals\n"
        "from medfake.pacs.listener import Listener\n"
        "from medfake.pacs.settings import Complete, Listen\n"
        "settings = Listen(port=0, callers=(sys.argv[2],), spare_mb=0)\n"
        "arrivals = Arrivals(Path(sys.argv[1]), Complete(), 10_000, 1 << 40)\n"
        "print(Listener(settings, arrivals, b'k' * 32, lambda: False).start(), flush=True)\n"
        "threading.Event().wait()\n"
    )
    command = [sys.executable, "-c", program, str(data), CALLER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else "")
        finally:
            process.kill()


@contextmanager
def _storescp(data: Path) -> Iterator[int]:
    data.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [shutil.which("storescp", path=_PATH) or "", "--fork", "-aet", "MEDFAKE", "-od", str(data), str(port)]
    with subprocess.Popen(command, env=_NAGLE_OFF, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            ends = time.monotonic() + _PATIENCE_S
            echo = [shutil.which("echoscu", path=_PATH) or "", "-aec", "MEDFAKE", "127.0.0.1", str(port)]
            while subprocess.run(echo, check=False, capture_output=True).returncode:
                if time.monotonic() > ends:
                    sys.exit("pacs-listener: storescp does not answer")
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def _scan(folder: Path) -> Path:
    import numpy as np

    from medfake.dicom.writer import SeriesTemplate, write_series

    template = SeriesTemplate(
        patient_id="p", manufacturer="M", model="M", kernel="K", thickness_mm=2.0, spacing_mm=(0.7, 0.7)
    )
    volume = np.random.default_rng(1).integers(-900, 100, (OBJECTS, EDGE, EDGE), np.int16)
    positions = np.array([(0.0, 0.0, 2.0 * index) for index in range(OBJECTS)])
    write_series(folder, volume, positions, template, uid_seed=folder.name, synthetic=None)
    return folder
