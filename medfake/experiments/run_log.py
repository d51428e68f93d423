"""What is logged of a training besides its curves: what was asked for, and what came of it.

MLflow's pages take names in the order of the alphabet: `dataset`, `detector` and `seed`, which tell trainings apart,
come before `setting.*`; the chart of a metric stands below the part of its name that is before the last slash.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from medfake.config import DatasetParams, Section, TrainParams
from medfake.metrics.binary import measure
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.classes import measure_classes
from medfake.metrics.localisation import localise
from medfake.metrics.predictions import scan_table
from medfake.package.card import Card
from medfake.tracking.runs import Run
from medfake.tracking.tags import SETTING
from medfake.training.trained import Trained
from medfake.vocabulary import Split

_GRID = "grid"  # of an options block: names of other options -> values that the training tries
MAIN_METRIC = f"{Split.TEST}/slice/auc"
_RULES = ("labelling", "view", "split", "balance", "classes", "augment")


def run_name(train: TrainParams, dataset: str, detector: str, seed: int) -> str:
    """Name of a training's run, as short as the study lets it be: MLflow's list of runs cuts long ones."""
    parts = [detector]
    if len(train.datasets) > 1:
        parts.append(dataset)
    if len(train.seeds) > 1 or train.repeat:
        parts.append(str(seed))
    return " ".join(parts)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """A nested table with dotted keys; lists stay as they are."""
    table: dict[str, object] = {}
    for key, value in values.items():
        inner = flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {f"{prefix}{key}": value}
        table |= inner
    return table


def asked_for(options: Section, public: Mapping[str, Any], dataset: DatasetParams) -> dict[str, object]:
    """Params of a run besides what it is: options that the study sets or that are not as usual, and how slices came.

    The others stand at their default, as `config.json` of the run says. An option that the training searches itself is
    left out: its value is not known yet, and a param of MLflow cannot be changed; `log_outcome` logs what was chosen.

    Args:
        options: Of the detector.
        public: The same as they may leave this machine.
        dataset: Its block in params.yaml.
    """
    told = {**options.model_dump(exclude_unset=True), **options.model_dump(exclude_defaults=True)}
    searched = set(public.get(_GRID) or ())
    own = {key: value for key, value in public.items() if key in told and key not in searched}
    return flat(own, SETTING) | {
        "slices.classes": dataset.classes,
        "slices.labelling": dataset.labelling.rule,
        "slices.protocol": dataset.split.protocol,
        "slices.view": dataset.view.name,
    }


def whole_config(public: Mapping[str, Any], dataset: DatasetParams) -> dict[str, object]:
    """All options of a training and all rules of its data set, defaults included.

    Args:
        public: Options as they may leave this machine.
        dataset: Its block in params.yaml; where scans lie is left out.
    """
    return {"options": dict(public), "slices": dataset.model_dump(mode="json", include=set(_RULES))}


def log_outcome(
    run: Run, trained: Trained, card: Card, predictions: pd.DataFrame, bootstrap: Bootstrap, fit_seconds: float
) -> None:
    """Log what came of a training: chosen options, cost, and metrics of slices, sites, scans and classes.

    Each split's metrics are `test/slice/auc`, `test/scan/auc`, `test/site/hit_rate` beside what guessing hits, and of
    detectors of three classes `test/classes/accuracy` and `test/classes/recall_removed`; losses, precision and recall
    of either class are `test/slice/log_loss`, `test/slice/untampered_precision`, of some slices that were learnt from
    `train/slice/accuracy`; means over folds are `folds/auc`, deviations `folds/auc_sd`; `best_val_loss` is the lowest
    of the curve and `best_epoch` where it was.

    Args:
        run: Of the training, its curves logged.
        trained: What was trained.
        card: Its figures on slices, and its thresholds.
        predictions: Its val and test slices, as `read_tested` has them.
        bootstrap: Of the card's intervals.
        fit_seconds: How long fitting took in this process.
    """
    run.log_params(flat(trained.chosen, SETTING))
    outcome: dict[str, float | None] = {"cost/fit_seconds": fit_seconds, **run.lowest("val_loss")}
    if trained.parameters is not None:
        outcome["cost/parameters"] = trained.parameters
    if card.folds is not None:
        outcome |= {f"folds/{name}": value for name, value in card.folds.mean.items()}
        outcome |= {f"folds/{name}_sd": value for name, value in card.folds.deviation.items()}
    for split, metrics in card.metrics.items():
        outcome |= {f"{split}/slice/{name}": value for name, value in metrics.items()}
        outcome |= _beyond_slices(split, predictions[predictions.split == split], card, bootstrap)
    for split, both in card.both_classes.items():
        of_both = {f"{split}/slice/{name}": value for name, value in both.items()}
        outcome |= {name: value for name, value in of_both.items() if name not in outcome}
    run.log_metrics(outcome)


def _beyond_slices(split: str, own: pd.DataFrame, card: Card, bootstrap: Bootstrap) -> dict[str, float | None]:
    """Metrics of the scans, sites and classes of one split."""
    found: dict[str, float | None] = {}
    scans = scan_table(own)
    if len(scans):
        scan_metrics = measure(scans, card.scan_threshold_high, card.positive).values()
        found |= {f"{split}/scan/{name}": value for name, value in scan_metrics.items()}
    sites = localise(own, bootstrap)
    if sites is not None:
        found |= {
            f"{split}/site/hit_rate": sites.hit_rate,
            f"{split}/site/hit_rate_random": sites.random,
            f"{split}/site/hit_rate_centre": sites.centre,
        }
    classes = measure_classes(own, bootstrap)
    if classes is not None:
        found[f"{split}/classes/accuracy"] = classes.accuracy
        for name, by_class in (("precision", classes.precision), ("recall", classes.recall)):
            found |= {f"{split}/classes/{name}_{word}": value for word, value in by_class.items()}
    return found
