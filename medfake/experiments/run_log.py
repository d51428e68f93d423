"""What is logged of a training besides its curves: what was asked for, and what came of it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from medfake.config import DatasetParams
from medfake.metrics.binary import measure
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.classes import measure_classes
from medfake.metrics.predictions import scan_table
from medfake.package.card import Card
from medfake.tracking.runs import Run
from medfake.training.trained import Trained

_RULES = ("labelling", "view", "split", "balance", "classes", "augment")
_GRID = "grid"  # of an options block: names of other options -> values that the training tries


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """A nested table with dotted keys; lists stay as they are."""
    table: dict[str, object] = {}
    for key, value in values.items():
        inner = flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {f"{prefix}{key}": value}
        table |= inner
    return table


def asked_for(options: Mapping[str, Any], dataset: DatasetParams) -> dict[str, object]:
    """Params of a run: the detector's options, and by which rules its data set was made.

    An option that the training searches itself is left out: its value is not known yet, and a param of MLflow cannot
    be changed; `log_outcome` logs what was chosen.

    Args:
        options: Of the detector, as they may leave this machine.
        dataset: Its block in params.yaml.
    """
    searched = set(options.get(_GRID) or ())
    own = {key: value for key, value in options.items() if key not in searched}
    return flat(own) | flat(dataset.model_dump(mode="json", include=set(_RULES)), "data.")


def log_outcome(
    run: Run, trained: Trained, card: Card, predictions: pd.DataFrame, bootstrap: Bootstrap, fit_seconds: float
) -> None:
    """Log what came of a training: chosen options, size, time, and metrics of slices, scans and classes.

    Slices' metrics are `val_auc` and so on, scans' `val_scan_auc`, those of detectors of three classes
    `val_classes_accuracy`, `val_classes_recall_removed`; `best_val_loss` is the lowest of the curve and `best_epoch`
    where it was. Means over folds are `folds_auc`, deviations `folds_auc_sd`.

    Args:
        run: Of the training, its curves logged.
        trained: What was trained.
        card: Its figures on slices, and its thresholds.
        predictions: Its val and test slices, as `read_tested` has them.
        bootstrap: Of the card's intervals.
        fit_seconds: How long fitting took in this process.
    """
    run.log_params(trained.chosen | ({} if trained.parameters is None else {"parameters": trained.parameters}))
    outcome: dict[str, float | None] = {"fit_seconds": fit_seconds, **run.lowest("val_loss")}
    if card.folds is not None:
        outcome |= {f"folds_{name}": value for name, value in card.folds.mean.items()}
        outcome |= {f"folds_{name}_sd": value for name, value in card.folds.deviation.items()}
    for split, metrics in card.metrics.items():
        own = predictions[predictions.split == split]
        scans = scan_table(own)
        outcome |= {f"{split}_{name}": value for name, value in metrics.items()}
        if len(scans):
            scan_metrics = measure(scans, card.scan_threshold_high).values()
            outcome |= {f"{split}_scan_{name}": value for name, value in scan_metrics.items()}
        classes = measure_classes(own, bootstrap)
        if classes is not None:
            outcome[f"{split}_classes_accuracy"] = classes.accuracy
            for name, by_class in (("precision", classes.precision), ("recall", classes.recall)):
                outcome |= {f"{split}_classes_{name}_{word}": value for word, value in by_class.items()}
    run.log_metrics(outcome)
