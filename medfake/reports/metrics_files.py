"""All metrics of a comparison as a file."""

from typing import Final

from medfake.files import json_text
from medfake.metrics.binary import PAPER_METRICS
from medfake.package.measured import Folds
from medfake.reports.comparison import Comparison
from medfake.vocabulary import Task

_DIGITS: Final = 6  # of the JSON: what differs between processors lies behind them
_INTERVALS_OF: Final = (*PAPER_METRICS, "h")

Values = dict[str, float | int | str | None]


def to_json(comparison: Comparison) -> str:
    """All metrics under flat keys "dataset/detector/seed-n/level/metric", level val, slice or scan.

    The papers' six and H also have "_low" and "_high" at slice and scan level; undefined ones are null. Of trainings
    over folds "dataset/detector/seed-n/folds/" has "auc_mean", "auc_sd" and so on, and "pooled_auc". Trainings of
    another task than tampering name it under "dataset/detector/seed-n/task"; their label 1 is its answer yes.

    Returns:
        JSON text: sorted keys, six digits, a final line end.
    """
    values: Values = {}
    for result in comparison.results:
        name = result.entry.name
        values |= {f"{name}/val/{metric}": result.val.values()[metric] for metric in _INTERVALS_OF}
        for level, measured in (("slice", result.slices), ("scan", result.scans)):
            values |= {f"{name}/{level}/{metric}": value for metric, value in measured.metrics.values().items()}
            for metric in _INTERVALS_OF:
                interval = measured.intervals[metric]
                values[f"{name}/{level}/{metric}_low"] = None if interval is None else interval.low
                values[f"{name}/{level}/{metric}_high"] = None if interval is None else interval.high
        if result.classes is not None:
            values[f"{name}/slice/accuracy_of_three"] = result.classes.accuracy
        if result.entry.folds is not None:
            values |= _over_folds(f"{name}/folds", result.entry.folds)
        values[f"{name}/rank"] = result.standing.rank
        if result.entry.task is not Task.TAMPERING:
            values[f"{name}/task"] = result.entry.task
        if result.localisation is not None:
            values[f"{name}/slice/hit_rate"] = result.localisation.hit_rate
    return _dump(values)


def _over_folds(name: str, folds: Folds) -> Values:
    """Mean and deviation of each metric over folds, and the pooled AUC."""
    low, high = folds.intervals["auc"] or (None, None)
    return {
        **{f"{name}/{metric}_mean": value for metric, value in folds.mean.items()},
        **{f"{name}/{metric}_sd": value for metric, value in folds.deviation.items()},
        f"{name}/pooled_auc": folds.pooled["auc"],
        f"{name}/pooled_auc_low": low,
        f"{name}/pooled_auc_high": high,
    }


def _dump(values: Values) -> str:
    rounded = {key: round(value, _DIGITS) if isinstance(value, float) else value for key, value in values.items()}
    return json_text(rounded)
