"""POST /v1/scans against `mlflow models serve` of the same model on the same slices, one after the other in one run.

The service decodes DICOM files, looks for lung and copies and judges the scan; MLflow's server takes decoded Hounsfield
units as JSON and gives slice scores alone. The graph of the built-in detector takes most of the time of both, so that
no service can be three times as fast with it; with a light one MLflow's server mostly reads JSON.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.material import phantom_scan, report
from benchmarks.served import PATIENCE_S, as_form, ask_often, registry_of, service, wait_for

SLICES = 4  # of a request
REQUESTS = 30
CLIENTS = 2


def main() -> None:
    """Print throughput and times of both with a heavy and a light detector, and their ratios."""
    from benchmarks.scan_package import untrained
    from medfake.dicom.reader import read_volume
    from medfake.dicom.series import find_series
    from medfake.package.shipped import builtin_package

    headers = find_series(phantom_scan())[0][0].headers[16 : 16 + SLICES]
    volume = read_volume(headers)
    files, body = [header.path.read_bytes() for header in headers], json.dumps({"inputs": volume.tolist()})
    for detector, package in (("the built-in detector", builtin_package()), ("ResidualCNN", untrained(volume[:2]))):
        theirs, ours = _compare(detector, package, files, body)
        report("service-throughput", ours / theirs, f"mlflow models serve, {detector}, the same slices", ">=3")


def _compare(detector: str, package: Path, files: list[bytes], body: str) -> tuple[float, float]:
    """Slices a second of MLflow's server, and of ours."""
    import requests

    as_json, form = {"Content-Type": "application/json"}, as_form(files)
    with registry_of(1, package) as (_, uri):
        with _mlflow(uri) as (address, pid):

            def baseline(_: int) -> int:
                return requests.post(address, data=body, headers=as_json, timeout=PATIENCE_S).status_code

            theirs = _measure(f"mlflow models serve, {detector}", baseline, pid)
        with service("--model", "champion", tracking_uri=uri) as served:

            def ask(_: int) -> int:
                return requests.post(f"{served.address}/v1/scans", files=form, timeout=PATIENCE_S).status_code

            return theirs, _measure(f"medfake serve, {detector}", ask, served.pid)


def _measure(name: str, ask: Callable[[int], int], pid: int) -> float:
    """Slices a second; with what the server's processes took of processors, which says more on a busy machine."""
    import numpy as np

    ask(0)
    before = _cpu_s(pid)
    answers, seconds, took = ask_often(ask, REQUESTS, CLIENTS)
    if set(answers) != {200}:
        sys.exit(f"{name} answered {set(answers)}")
    p50, p99 = np.percentile(seconds, [50, 99])
    rate, cpu_s = REQUESTS * SLICES / took, (_cpu_s(pid) - before) / (REQUESTS * SLICES)
    print(
        f"service-throughput: {name}: {rate:.1f} slices/s, {cpu_s:.3f} s of a core a slice, "
        f"a request of {SLICES} slices p50 {p50:.2f} s p99 {p99:.2f} s"
    )
    return rate


def _cpu_s(pid: int) -> float:
    """Of a process and those that it started."""
    import psutil

    main = psutil.Process(pid)
    times = [one.cpu_times() for one in (main, *main.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


@contextmanager
def _mlflow(uri: str) -> Iterator[tuple[str, int]]:
    """Address of the model's server, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("mlflow")),
        "models",
        "serve",
        "-m",
        "models:/medfake-detector@champion",
    ]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        [*command, "--env-manager", "local", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        import requests

        wait_for(lambda: requests.get(f"http://127.0.0.1:{port}/ping", timeout=10).ok)
        yield f"http://127.0.0.1:{port}/invocations", process.pid
    finally:
        os.killpg(process.pid, 15)
        process.wait(PATIENCE_S)
