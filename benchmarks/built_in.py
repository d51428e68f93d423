"""The built-in detector as a user meets it: a new process to its first verdict, and slices a second on a whole scan."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.material import fastest_s, phantom_scan, report

ROOT = Path(__file__).resolve().parents[1]
NEEDED = "import click, numpy, onnxruntime, pydantic, pydicom.pixels, rich.table, scipy.ndimage"
ENOUGH_PER_S = 4.0  # slices of 512 x 512 on two slow cores


def main() -> None:
    """Print both, and their ratios."""
    from medfake.package.shipped import builtin_package, has_builtin
    from medfake.serving.model import open_model
    from medfake.serving.scan import scan_paths

    if not has_builtin():
        print("built-in: not measured, this checkout lacks the built-in detector")
        return
    folder = phantom_scan()
    arguments = ["scan", "--model", str(builtin_package()), str(folder / "0.dcm")]
    scan = f"from medfake.cli.root import cli; cli({arguments!r})"
    start_s, bare_s = fastest_s(lambda: _run(scan), 3), fastest_s(lambda: _run(NEEDED), 3)
    print(f"built-in: one slice {start_s:.2f} s after the start of a process, of which {bare_s:.2f} s load libraries")
    report("start", start_s / bare_s, "loading the libraries that a scan needs", "<=2")
    model = open_model("builtin", None)
    rate = 40 / fastest_s(lambda: scan_paths([folder], model), 3)
    print(f"built-in: {rate:.1f} slices/s from files to verdict")
    report("built-in", ENOUGH_PER_S / rate, f"{ENOUGH_PER_S:g} slices a second", "<=1")


def _run(code: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:  # belongs to no project
        subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True, capture_output=True)
