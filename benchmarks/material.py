"""A phantom scan on disk and a stored ResidualCNN, made once for all benchmarks."""

import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

REPEATS = 5


@lru_cache(maxsize=1)
def phantom_scan() -> Path:
    """Folder of one phantom scan of 40 slices."""
    from medfake.phantom import write_patient

    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-")) / "scan"
    write_patient(folder, seed=1, slices=40, manipulation=None)
    return folder


def fastest_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Shortest of some runs, seconds, after one to warm up."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def report(name: str, ratio: float, baseline: str, goal: str) -> None:
    """Print the line that every benchmark ends with."""
    print(f"{name}: ratio={ratio:.2f} baseline={baseline} goal={goal}")
