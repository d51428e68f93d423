"""A stored model loaded by its own code, in a process that knows neither medfake nor this one's secrets."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_PASSED_ON: Final = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT")
_LONGEST: Final = 120  # characters of what went wrong
_NAMED: Final = re.compile(r"[\w.]+(Error|Exception|Exit)\b.*: ")  # the line of a traceback that says what went wrong
_ANSWER: Final = "answer.json"
_CODE: Final = f"""
import json, sys

class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("medfake", "tensorflow", "keras"):
            raise ModuleNotFoundError("no " + name.partition(".")[0] + " here")

sys.meta_path.insert(0, Bare())
import warnings
warnings.simplefilter("ignore")
import mlflow.pyfunc.loaders.code_model
import onnxruntime, pandas

sys.pycache_prefix = "compiled"
model = mlflow.pyfunc.load_model(sys.argv[1])
answer = model.predict(model.input_example)
with open({_ANSWER!r}, "w") as file:
    json.dump([float(p) for p in answer["p_tampered"]], file)
"""
"""The input example is the one that is stored with the model. Compiled code that lies beside its code is not run in its
place: from the prefix on, Python looks for such in a folder of this process."""


@dataclass(frozen=True)
class Loaded:
    """What came of it.

    Attributes:
        p_tampered: (slices,) of the input example; empty where it failed.
        seconds: Until the answer.
        failed: Why there is none, in a few words; "" where there is.
    """

    p_tampered: NDArray[np.float64]
    seconds: float
    failed: str = ""


def load_and_score(model: Path, patience_s: float) -> Loaded:
    """Load a stored model and let it score its input example.

    Args:
        model: Folder with MLmodel; its code is run.
        patience_s: Seconds until the process is stopped.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-I", "-c", _CODE, str(model.absolute())]  # -I: nothing of PYTHON* or of a folder
        try:
            done = subprocess.run(  # noqa: S603  # our own code, by the interpreter that runs now
                command, cwd=folder, env=_environment(), capture_output=True, timeout=patience_s, check=False
            )
        except subprocess.TimeoutExpired:
            return _failed(started, f"no answer within {patience_s:g} s")
        answer = Path(folder) / _ANSWER
        if done.returncode or not answer.is_file():
            said = done.stderr.decode("utf-8", "replace").replace(str(model.absolute()), "model").strip().splitlines()
            named = [line for line in said if _NAMED.match(line)] or said[-1:] or [f"exit code {done.returncode}"]
            return _failed(started, named[-1][:_LONGEST])
        scores = np.array(json.loads(answer.read_text(encoding="utf-8")), dtype=np.float64)
    return Loaded(scores, time.monotonic() - started)


def _environment() -> dict[str, str]:
    """No addresses of stores, no passwords."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "ORT_DISABLE_TELEMETRY": "1",
    }


def _failed(started: float, why: str) -> Loaded:
    return Loaded(np.empty(0), time.monotonic() - started, why)
