"""Peak memory of `medfake scan` over 1,000 scans against that over 100, lines, report and table included.

Scans are small: what would grow is what is kept of scans, not what decoding one takes.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.build_memory import peak_mib
from benchmarks.material import report

SLICES, SIZE = 10, 128


def main() -> None:
    """Print both peaks and their ratio."""
    peaks = {scans: _peak_mib(scans) for scans in (100, 1000)}
    print(f"scan-memory: {peaks[100]:.0f} MiB at 100 scans, {peaks[1000]:.0f} MiB at 1,000 scans")
    report("scan-memory", peaks[1000] / peaks[100], "the same at 100 scans", "<=1.1")


def _peak_mib(scans: int) -> float:
    from benchmarks.archive import noise_archive

    out = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    outputs = [part for kind in ("json", "jsonl", "csv") for part in (f"--{kind}", str(out / f"out.{kind}"))]
    archive = str(noise_archive(scans, SLICES, SIZE))
    command = ["scan", archive, "--model", "builtin", "--jobs", "1", *outputs]
    return peak_mib([sys.executable, "-m", "medfake.cli.root", *command])
