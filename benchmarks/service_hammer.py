"""10,000 requests of which a tenth is malformed: no answer of the service's own fault, and nothing that grows.

MEDFAKE_BENCH_REQUESTS in the environment is another number of requests.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.material import report
from benchmarks.served import PATIENCE_S, Served, as_form, ask_often, service, small_scan

REQUESTS = int(os.environ.get("MEDFAKE_BENCH_REQUESTS", "10000"))
CLIENTS = 4
WARM_UP = 500
_FORM = "multipart/form-data; boundary=b"
MALFORMED: list[tuple[str, bytes]] = [
    ("", b""),
    ("text/html", b"<b>"),
    ("application/zip", b"no zip"),
    ("application/zip", b"PK\x05\x06" + b"\xff" * 18),
    ("application/dicom", b""),
    (_FORM, b"no form"),
    (_FORM, b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nbreaks off'),
    ("multipart/form-data", b"--b--\r\n"),
    ('multipart/related; type="image/png"; boundary=b', b"--b--\r\n"),
    (_FORM, b"--b\r\n" + b"X: 1\r\n" * 100 + b"\r\n\r\n--b--\r\n"),
]


def main() -> None:
    """Print answers by status, and what grew."""
    import requests

    files = as_form(small_scan())
    with service("--max-uploads", "16") as served:
        session = requests.Session()

        def ask(number: int) -> int:
            address = f"{served.address}/v1/scans"
            if number % 10:
                return session.post(address, files=files, timeout=PATIENCE_S).status_code
            kind, body = MALFORMED[number // 10 % len(MALFORMED)]
            return session.post(address, data=body, headers={"Content-Type": kind}, timeout=PATIENCE_S).status_code

        ask_often(ask, WARM_UP, CLIENTS)
        before = _held(served)
        answers, _, took = ask_often(ask, REQUESTS, CLIENTS)
        after = _held(served)
    statuses = dict(sorted(Counter(answers).items()))
    print(f"service-hammer: {REQUESTS} requests in {took:.0f} s, answers by status: {statuses}")
    for name in before:
        print(f"service-hammer: {name}: {before[name]} before, {after[name]} after")
    own_fault = sum(number for status, number in statuses.items() if status >= 500)
    print(f"service-hammer: {own_fault} answers of 500 and more (goal 0)")
    report("service-hammer", after["memory, MiB"] / before["memory, MiB"], f"memory after {WARM_UP} requests", "<=1.1")


def _held(served: Served) -> dict[str, Any]:
    """Memory and open files of the service and its scoring processes, and files that it keeps."""
    import psutil

    main = psutil.Process(served.pid)
    processes = [main, *main.children(recursive=True)]
    return {
        "memory, MiB": round(sum(one.memory_info().rss for one in processes) / (1 << 20)),
        "open files": sum(one.num_fds() for one in processes),
        "threads": sum(one.num_threads() for one in processes),
        "kept files": sum(1 for path in (served.data / "jobs").rglob("*")) + _uploads(served.data / "incoming"),
    }


def _uploads(folder: Path) -> int:
    return sum(1 for path in folder.glob("*/*") if path.is_dir())
