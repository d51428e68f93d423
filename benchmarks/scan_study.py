"""`medfake scan` of a study as it is typed, against a bare loop of pydicom and ONNX Runtime over the same files.

Both are whole processes, start and imports included: 200 slices of 512 x 512 pixels of the phantom, the same graph. The
loop reads, sorts, rescales and scores slice by slice, and does nothing else: no check, no lung, no copies within the
scan, no aggregation, no report. It runs twice: with ONNX Runtime's own choice of threads, which is the faster one on a
machine of its own, and with one thread, which spends the least CPU time because no thread waits for another in a busy
loop. With `MEDFAKE_BENCH_PACKAGE` in the environment that package is measured, and the built-in detector otherwise. CPU
time is what was used of all cores; it is the fairer ratio where others use the machine, too.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.material import report

REPEATS = 3
SLICES = 200
START_S = 2.0
_BARE = """
import sys
from pathlib import Path
import numpy as np
import onnxruntime
import pydicom
files = [pydicom.dcmread(path) for path in Path(sys.argv[1]).glob("*.dcm")]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3])
session = onnxruntime.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])
outputs = [output.name for output in session.get_outputs()]
highest = 0.0
for file in sorted(files, key=lambda file: float(file.ImagePositionPatient[2])):
    hu = file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept)
    scores = session.run(outputs, {"hu": np.clip(hu, -32768, 32767).astype(np.int16)[None]})
    highest = max(highest, float(scores[outputs.index("p_tampered")].reshape(-1)[0]))
print(highest)
"""


@dataclass(frozen=True)
class Cost:
    """Of a whole process, s."""

    wall: float
    cpu: float


def main() -> None:
    """Print times and their ratios, and how long a small scan takes from typing to verdict."""
    from medfake.package.shipped import builtin_package
    from medfake.phantom import write_patient

    folder = Path(tempfile.mkdtemp(prefix="medfake-bench-"))
    write_patient(folder / "study", seed=1, slices=SLICES, manipulation=None)
    write_patient(folder / "small", seed=1, slices=24, manipulation=None)
    few = folder / "few"
    few.mkdir()
    for path in sorted((folder / "small").glob("*.dcm"))[:3]:
        (few / path.name).hardlink_to(path)
    package = Path(os.environ.get("MEDFAKE_BENCH_PACKAGE") or builtin_package())
    bare = [sys.executable, "-c", _BARE, str(folder / "study"), str(package / "detector.onnx")]
    ours = [sys.executable, "-m", "medfake.cli.root", "scan", str(folder / "study"), "--model", str(package)]
    start = [*ours[:4], str(few), *ours[5:]]
    commands = {
        "bare loop": [*bare, "0"],
        "bare loop of one thread": [*bare, "1"],
        "medfake scan": ours,
        "medfake scan of 3 slices": start,
    }
    loop, lean, scan, few_slices = _fastest_in_turn([partial(cost, command) for command in commands.values()])
    for name, cost in zip(commands, (loop, lean, scan, few_slices), strict=True):
        print(f"scan-study: {name}: {cost.wall:.1f} s, {cost.cpu:.1f} s of CPU")
    baseline = "pydicom and ONNX Runtime over the same files"
    report("scan-study", scan.wall / loop.wall, baseline, "<=1.25")
    report("scan-study-cpu", scan.cpu / loop.cpu, f"{baseline}, CPU time", "<=1.25")
    report("scan-study-lean", scan.cpu / lean.cpu, f"{baseline}, CPU time of one thread", "none, told for comparison")
    report("scan-start", few_slices.wall / START_S, "2 s from typing to verdict on 3 slices", "<=1")
    report("scan-start-cpu", few_slices.cpu / START_S, "2 s of CPU from typing to verdict on 3 slices", "<=1")


def _fastest_in_turn(works: list[Callable[[], Cost]]) -> list[Cost]:
    """The least of some runs of each, one after the other in turn, so that what else runs disturbs all alike."""
    rounds = [[work() for work in works] for _ in range(REPEATS)]
    return [
        Cost(min(cost.wall for cost in costs), min(cost.cpu for cost in costs)) for costs in zip(*rounds, strict=True)
    ]


def cost(command: list[str]) -> Cost:
    """What a whole process takes, start included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
