"""Peak memory of building a data set of 200 scans against one of 20, decoding processes counted."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.archive import keep_everything, noise_archive
from benchmarks.material import report

SLICES, SIZE = 20, 128
_CODE = """
import sys
from pathlib import Path
from medfake.config import DatasetParams
from medfake.datasets.build import build_dataset
from medfake.datasets.scans import collect_scans
out = Path(sys.argv[1])
params = DatasetParams.model_validate_json((out / "params.json").read_text())
collect_scans(params, out / "scans", 2)
build_dataset(out / "scans", params, out / "set", 2)
"""


def main() -> None:
    """Print both peaks and their ratio."""
    peaks = {scans: _peak_mib(scans) for scans in (20, 200)}
    print(f"memory: {peaks[20]:.0f} MiB at 20 scans, {peaks[200]:.0f} MiB at 200 scans")
    report("memory", peaks[200] / peaks[20], "the same at 20 scans", "<=1.2")


def _peak_mib(scans: int) -> float:
    out = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    params = keep_everything(noise_archive(scans, SLICES, SIZE), SLICES)
    (out / "params.json").write_text(params.model_dump_json())
    return peak_mib([sys.executable, "-c", _CODE, str(out)])


def peak_mib(command: list[str]) -> float:
    """Largest memory of a command and its children together: proportional shares, so that nothing counts twice."""
    import psutil

    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            family = [watched, *watched.children(recursive=True)]
            peak = max(peak, sum(one.memory_full_info().uss for one in family))
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.02)
    if process.returncode:
        sys.exit(f"error: the measured command failed with {process.returncode}")
    return peak / 2**20
