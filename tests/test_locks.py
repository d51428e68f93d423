"""Locks between processes: who holds one, who waits, and what a kill leaves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medfake.errors import BusyError
from medfake.locks import exclusive_lock, is_held, waiting_turn

PROJECT = Path(__file__).resolve().parents[1]
HOLD = (
    "import sys, time\nfrom pathlib import Path\nfrom medfake.locks import exclusive_lock\n"
    "with exclusive_lock(Path(sys.argv[1]), 'the other'):\n    print('held', flush=True)\n    time.sleep(600)\n"
)


def hold(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_what_another_process_holds_is_busy_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "private" / "a.lock"
    process = hold(path)
    try:
        assert is_held(path)
        with pytest.raises(BusyError, match="this work is under way"), exclusive_lock(path, "this work"):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not is_held(path)
    with exclusive_lock(path, "this work"):
        assert is_held(path)
    assert not is_held(path)


def test_a_lock_is_private_and_looking_at_one_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "private" / "a.lock"
    assert not is_held(path)
    assert not path.parent.exists()
    with exclusive_lock(path, "this work"):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_error_of_the_work_is_not_taken_for_a_busy_lock(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="of the work"), exclusive_lock(tmp_path / "a.lock", "this work"):
        raise TimeoutError("of the work")


def test_who_waits_gets_a_turn(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom medfake.locks import waiting_turn\n"
        "with waiting_turn(Path(sys.argv[1])):\n    Path(sys.argv[1]).write_text('second')\n"
    )
    path, environment = tmp_path / "work", {**os.environ, "PYTHONPATH": str(PROJECT)}
    with waiting_turn(path):
        other = subprocess.Popen([sys.executable, "-c", code, str(path)], env=environment)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=2)
        path.write_text("first")
    assert other.wait(timeout=60) == 0
    assert path.read_text() == "second"
