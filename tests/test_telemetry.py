"""ONNX Runtime, which reports to its maker unless it is told not to, keeps an id of the machine for that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from medfake.package.shipped import builtin_package

PROJECT = Path(__file__).resolve().parents[1]
OPEN = f"import onnxruntime; onnxruntime.InferenceSession({str(builtin_package() / 'detector.onnx')!r})"


def _left_at_home(code: str, home: Path) -> list[str]:
    """What a process leaves in an empty home folder; continuous integration would tell ONNX Runtime, too."""
    quiet = ("ORT_DISABLE_TELEMETRY", "CI", "XDG_CACHE_HOME", "ORT_RUNNING_UNIT_TESTS", "GITHUB_ACTIONS", "TF_BUILD")
    kept = {name: value for name, value in os.environ.items() if name not in quiet}
    environment = {**kept, "HOME": str(home), "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return [path.name for path in home.rglob("*") if "onnxruntime" in path.name]


@pytest.mark.parametrize(
    "load", ["import medfake", "from runpy import run_path; run_path('medfake/registry/pyfunc_model.py')"]
)
def test_onnx_runtime_reports_to_nobody(load: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    assert _left_at_home(f"{load}; {OPEN}", tmp_path) == []


def test_it_would_where_nobody_says_no(tmp_path: Path) -> None:
    if not _left_at_home(OPEN, tmp_path):
        pytest.skip("this ONNX Runtime reports to nobody")
