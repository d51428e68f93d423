import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_a_second_make_in_the_same_folder_stops_with_one_clear_error(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    (tmp_path / ".medfake").mkdir()
    with (tmp_path / ".medfake" / "make.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        done = subprocess.run([sys.executable, "scripts/demo.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 11
    assert done.stderr.startswith("error: another `make` is at work in this folder, so `make demo` did not start")
    assert not (tmp_path / ".venv").exists()


def test_make_lists_its_targets() -> None:
    done = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, check=True)
    for target in ("setup", "demo", "test", "lint", "bench", "clean"):
        assert f"make {target}" in done.stdout


def test_the_lock_file_pins_hashes_and_names_no_index() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock
