"""The champion swapped 20 times while two clients send scans: requests that failed."""

import threading

from benchmarks.material import report
from benchmarks.served import PATIENCE_S, as_form, registry_of, service, small_scan, wait_for

SWAPS = 20
CLIENTS = 2


def main() -> None:
    """Print how many requests there were, and how many failed."""
    import requests

    from medfake.registry.versions import Alias

    files, stop, statuses = as_form(small_scan()), threading.Event(), list[int]()
    with registry_of(2) as (registry, uri), service(tracking_uri=uri) as served:

        def load() -> None:
            while not stop.is_set():
                statuses.append(
                    requests.post(f"{served.address}/v1/scans", files=files, timeout=PATIENCE_S).status_code
                )

        clients = [threading.Thread(target=load) for _ in range(CLIENTS)]
        for one in clients:
            one.start()
        for swap in range(SWAPS):
            number = 2 - swap % 2
            registry.set_alias(Alias.CHAMPION, number)
            wait_for(
                lambda wanted=number: (
                    f"version {wanted} " in requests.get(f"{served.address}/v1/model", timeout=60).text
                )
            )
        stop.set()
        for one in clients:
            one.join()
    failed = sum(status != 200 for status in statuses)
    print(f"service-swap: {SWAPS} champions, {len(statuses)} requests, {failed} failed")
    report("service-swap", failed / len(statuses), "all requests", "0")
