"""Is it fast enough to be served?"""

from typing import TYPE_CHECKING

from medfake.errors import MedfakeError
from medfake.registry.gates.gate import Case, Ruling, gate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medfake.package.scorer import Scorer

_EDGE = 512  # px, as scanners store slices
_STEPS = 5
_AIR_HU = -1000


@gate("latency", overrule="--despite-latency", flag_help="Although it is slow on this machine.")
def fast_enough(case: Case) -> Ruling:
    """Refuse a version that takes too long for a slice on this machine: what stage `timings` measured, or measured now.

    Its flag overrules it, because another machine may be the one that serves.
    """
    most = case.params.slice_ms
    try:
        mean_ms, how = _measured(case)
    except MedfakeError as error:
        return case.unmeasured(f"how long it takes was not measured: {error.what}", "dvc repro timings")
    if mean_ms <= most:
        return Ruling(True, f"{mean_ms:.1f} ms a slice {how}, of at most {most:g}")
    return Ruling(
        False,
        f"{mean_ms:.1f} ms a slice {how}, more than {most:g}",
        "choose a smaller backbone (medfake backbones), raise promote.slice_ms, or medfake promote --despite-latency",
    )


def _measured(case: Case) -> tuple[float, str]:
    from medfake.metrics.timings import SINGLE, read_timings, still_true, time_steps
    from medfake.package.card import ONNX_FILE
    from medfake.package.scorer import Scorer

    path = case.project.timings
    timings = read_timings(path) if path.is_file() else None
    known = still_true(timings, ((name, case.package) for name in (timings.packages if timings else ())))
    for one in known.values():
        return one.steps[SINGLE].mean_ms, "as stage timings measured here"
    scorer = Scorer(case.package / ONNX_FILE)
    return time_steps(scorer, _slice(case, scorer), _STEPS).mean_ms, "measured now"


def _slice(case: Case, scorer: "Scorer") -> "NDArray[np.int16]":
    """One of its own data where they lie here; air otherwise, which takes as long, of the size that the graph takes."""
    import numpy as np

    from medfake.registry.rescore import data_of
    from medfake.vocabulary import Split

    dataset = data_of(case.challenger, case.project.slices)
    rows = dataset.split(Split.VAL) if dataset else None
    if dataset is None or rows is None or rows.empty:
        return np.full((1, *(scorer.fixed_size or (_EDGE, _EDGE))), _AIR_HU, np.int16)
    return next(dataset.batches(rows, 1))
