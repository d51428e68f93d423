"""Figures of a training that stages measure after it: its step's time and size, and how robust it is."""

import json
from pathlib import Path
from typing import Any, Final

ROBUSTNESS_DROP: Final = "test/robustness_drop"
STEP_MS: Final = "cost/step_ms"
_SIZE_MB: Final = "cost/size_mb"
_SINGLE: Final = "1"  # slices of a step
_DROPS: Final = {  # key in the file of stage `robustness` -> metric
    "robustness_drop": ROBUSTNESS_DROP,
    "hit_rate_drop": "test/hit_rate_drop",
    "white_box_drop": "test/white_box_drop",
}


def stage_figures(reports: Path, training: str) -> dict[str, float | None]:
    """What stands of a training in the files of stages `timings` and `robustness`, as metrics of its run.

    Args:
        reports: Folder of reports; a stage that was left out wrote nothing there.
        training: Its name, dataset/detector/seed-n.
    """
    found: dict[str, float | None] = {}
    timing = _of_training(reports / "timings.json", "packages", training)
    if timing is not None:
        found |= {STEP_MS: timing["steps"][_SINGLE]["mean_ms"], _SIZE_MB: timing["graph_bytes"] / 1e6}
    drops = _of_training(reports / "robustness" / f"{Path(training).parts[0]}.json", "runs", training)
    if drops is not None:
        found |= {metric: (drops[key] or {}).get("value") for key, metric in _DROPS.items()}
    return found


def _of_training(path: Path, key: str, training: str) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))[key].get(training) if path.is_file() else None
