"""`make demo`: everything once, offline, on the built-in phantom; standard library only."""

import os
import subprocess
import sys
import time

from environment import ROOT, VENV, only_one, prepare, stop

UNSEEN = "data/unseen"
UNSEEN_SEED = "7041"  # a patient that no stage of the study writes
WRITE_UNSEEN = ("medfake", "phantom", UNSEEN, "--seed", UNSEEN_SEED, "--manipulation", "injection")
NEXT = """
That was the whole way of the data, on a phantom: its figures are no clinical evidence.

What to type next (after `source .venv/bin/activate`):
  xdg-open reports/report.html          the report: the answer, tables, curves, what detectors look at
  python -m mlflow_server               the runs and the registry, on http://127.0.0.1:5000
  medfake scan PATH                     your own folder of DICOM files
  medfake serve                         the same as a page and a service, on http://127.0.0.1:8000
"""


def main() -> None:
    """Run the steps one after the other and say how long each took."""
    started = time.monotonic()
    took: list[tuple[str, float]] = []

    def step(name: str, *command: str) -> None:
        print(f"\n== {name}: {' '.join(command) or 'make setup'}", flush=True)
        begun = time.monotonic()
        if command:
            _run(command)
        else:
            prepare()
        took.append((name, time.monotonic() - begun))

    with only_one("demo"):
        step("set up .venv")
        step("run the study", "dvc", "repro")
        step("promote", "medfake", "promote")
        step("write an unseen scan", *WRITE_UNSEEN)
        step("scan it", "medfake", "scan", UNSEEN)
    print("\nwall time")
    for name, seconds in took:
        print(f"  {name:<22}{seconds:7.1f} s")
    print(f"  {'all':<22}{time.monotonic() - started:7.1f} s")
    print(NEXT)


def _run(command: tuple[str, ...]) -> None:
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    program = [str(VENV / "bin" / command[0]), *command[1:]]
    try:
        code = subprocess.run(program, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode
    except KeyboardInterrupt:
        stop("interrupted\n  next: make demo (finished stages are kept)", 130)
    if code:
        stop(f"`{' '.join(command)}` stopped with exit code {code}\n  next: mend what it says above, make demo", code)


if __name__ == "__main__":
    sys.exit(main())
