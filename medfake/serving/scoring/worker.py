"""A scoring process: decodes and scores jobs under a memory limit, and tells what it is at, should it die of that.

Started as `python -m MODULE FD`, where MODULE says what a job is and calls `main`. Orders come in on standard input as
lines of JSON, what happens goes out on file descriptor FD. When standard input ends, whoever gave the orders is gone,
and so is this process.
"""

import os
import queue
import resource
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from medfake.errors import MedfakeError, storage_error
from medfake.serving.model import Model
from medfake.serving.scoring.served_model import open_served
from medfake.serving.scoring.worker_messages import Package, Start, Told, Work

_EDGE: Final = 256
_LUNGS: Final = (np.s_[:, 60:196, 40:116], np.s_[:, 60:196, 140:216])


class Scoring(Protocol):
    """One job: its folder says what there is to do, and takes what comes of it."""

    def run(self) -> None:
        """Score what is not scored yet, and tell what happens."""


MakeScoring = Callable[[Path, Model, str, Start, Callable[..., object]], Scoring]
"""From the folder, the detector, the digest of its package, the limits, and what is told in the fields of `Told`."""


def main(make_scoring: MakeScoring) -> None:
    """Do what standard input says until it ends.

    Args:
        make_scoring: Of each folder that comes in.
    """
    channel = os.fdopen(int(sys.argv[1]), "wb", buffering=0)
    orders: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()

    def tell(**said: Any) -> None:
        channel.write(Told(**said).line())

    start = Start.model_validate_json(orders.get())
    _limit(start)
    try:
        package = Package(**start.package)
        model = open_served(package, start.threads)
        warm_up(model)
    except Exception as error:  # noqa: BLE001 - the service hears of it, and keeps the detector that it has
        tell(failed=_told(error))
        return
    tell(ready=True)
    while True:
        work = Work.model_validate_json(orders.get())
        try:
            make_scoring(Path(work.folder), model, package.digest, start, tell).run()
        except Exception as error:  # noqa: BLE001 - a job that cannot be done ends no other one
            tell(failed=_told(error))


def warm_up(model: Model) -> None:
    """Score two slices that look a little like a chest: a graph that cannot be run is found out before it takes over.

    Raises:
        MedfakeError: The detector gives no number for them.
    """
    rng = np.random.default_rng(0)
    hu: NDArray[np.float64] = rng.normal(40, 20, (2, _EDGE, _EDGE))
    for lung in _LUNGS:
        hu[lung] -= 880
    rows, cols = model.scorer.scorer.fixed_size or (_EDGE, _EDGE)  # classical models know one size
    hu = hu[:, np.arange(rows) * _EDGE // rows][:, :, np.arange(cols) * _EDGE // cols]
    model.scorer.score_scan([(hu.astype(np.int16), np.array([0.0, 2.5]))], (0.7, 0.7))


def _listen(orders: "queue.Queue[bytes]") -> None:
    for line in sys.stdin.buffer:
        orders.put(line)
    os._exit(0)  # the service is gone: nobody waits for what is half done, and another takes the job up


def _limit(start: Start) -> None:
    """No more memory than allowed, and no core dump with a patient's pixels in it."""
    resource.setrlimit(resource.RLIMIT_DATA, (start.memory_bytes, start.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (start.expanded_bytes, start.expanded_bytes))


def _told(error: Exception) -> dict[str, Any]:
    """An error without any value of what was read: of other errors than medfake's their kind and place alone."""
    known = storage_error(error) if isinstance(error, OSError) else error
    if isinstance(known, MedfakeError):
        return {"what": known.what, "received": known.received, "remedy": known.remedy}
    at = traceback.extract_tb(error.__traceback__)[-1]
    return {
        "what": "the scoring process met an error that it does not know",
        "received": f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}",
        "remedy": "send the job again; where that does not help, report it with this line",
    }
