"""A service in a process of its own, a registry with champions for it, and clients that ask both, for benchmarks."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medfake.registry.model_registry import ModelRegistry

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Served:
    """A service that listens.

    Attributes:
        address: Its URL.
        pid: Of its process.
        data: Its folder.
    """

    address: str
    pid: int
    data: Path


@contextmanager
def service(*arguments: str, tracking_uri: str = "") -> Iterator[Served]:
    """`medfake serve` on a free port, in a folder that belongs to no project; it can score when the block begins."""
    import requests

    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": tracking_uri}
    command = [sys.executable, "-m", "medfake.cli.root", "serve", "--port", "0", "--data", str(folder / "data")]
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        found = re.search(r"http://\S+", process.stdout.readline() if process.stdout else "")
        if found is None:
            sys.exit("the service did not start")
        wait_for(lambda: requests.get(f"{found[0]}/readyz", timeout=10).ok)
        yield Served(found[0], process.pid, folder / "data")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
        shutil.rmtree(folder)


@contextmanager
def registry_of(count: int, source: Path | None = None) -> "Iterator[tuple[ModelRegistry, str]]":
    """A registry with so many versions of a package, the first of them champion; and its address.

    Args:
        count: Of versions.
        source: The package; None for the built-in detector.
    """
    from medfake.config import TrackingParams
    from medfake.package.card import AGGREGATION_FILE, ONNX_FILE, read_card, write_card
    from medfake.package.shipped import builtin_package
    from medfake.registry.model_registry import ModelRegistry
    from medfake.registry.versions import Alias

    source = source or builtin_package()
    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    uri = f"sqlite:///{folder}/mlflow.db"
    registry = ModelRegistry(TrackingParams(uri=uri, artifacts=str(folder / "artifacts"), experiment="medfake"))
    for seed in range(count):
        package = folder / f"package-{seed}"
        package.mkdir()
        for name in (ONNX_FILE, AGGREGATION_FILE):
            if (source / name).is_file():
                shutil.copyfile(source / name, package / name)
        write_card(read_card(source).model_copy(update={"seed": seed}), package)
        registry.register(package, "auc")
    registry.set_alias(Alias.CHAMPION, 1)
    yield registry, uri
    shutil.rmtree(folder)


def small_scan(slices: int = 2, edge: int = 96) -> list[bytes]:
    """DICOM files of a scan that is scored in no time."""
    import numpy as np

    from medfake.dicom.writer import SeriesTemplate, write_series

    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    template = SeriesTemplate(
        patient_id="p", manufacturer="M", model="M", kernel="K", thickness_mm=2.0, spacing_mm=(0.7, 0.7)
    )
    volume = np.random.default_rng(1).integers(-900, 100, (slices, edge, edge), np.int16)
    positions = np.array([(0.0, 0.0, 2.0 * index) for index in range(slices)])
    write_series(folder, volume, positions, template, uid_seed="small", synthetic=None)
    files = [path.read_bytes() for path in sorted(folder.iterdir())]
    shutil.rmtree(folder)
    return files


def as_form(files: list[bytes]) -> Any:
    """Files as `requests` sends them as a form."""
    return [("file", (f"scan/{number}.dcm", content)) for number, content in enumerate(files)]


def ask_often(ask: Callable[[int], Any], times: int, threads: int) -> tuple[list[Any], list[float], float]:
    """Ask from several threads; answers and seconds of each in no certain order, and the time that it took in all."""
    numbers, lock = iter(range(times)), threading.Lock()
    answers: list[Any] = []
    seconds: list[float] = []

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            started = time.perf_counter()
            answer = ask(number)
            took = time.perf_counter() - started
            with lock:
                answers.append(answer)
                seconds.append(took)

    started = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    return answers, seconds, time.perf_counter() - started


def wait_for(ready: Callable[[], object]) -> None:
    """Wait until it is so; a server that does not listen yet is not ready."""
    import requests

    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            if ready():
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    sys.exit("it did not become ready")
