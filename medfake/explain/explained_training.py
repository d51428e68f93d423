"""One training of a study explained: its record and its gallery, in a folder."""

from pathlib import Path

from medfake.config import EvaluationParams, ExplainParams
from medfake.datasets.dataset import Dataset
from medfake.explain.gallery import write_gallery
from medfake.explain.measure import Measured, explain_package
from medfake.explain.record import Explained, write_record
from medfake.explain.registry import ExplainedPackage
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.predictions import read_predictions
from medfake.package.card import PREDICTIONS_FILE

_PRIVATE = "slices of own patients are not shown (explain.pictures in params.yaml)"


def explain_training(
    folder: Path, dataset: Dataset, package: Path, params: ExplainParams, evaluation: EvaluationParams, *, public: bool
) -> Explained:
    """Explain a trained detector and write what was found.

    Args:
        folder: To fill.
        dataset: That the detector was trained on.
        package: Of the training, with its predictions.
        params: Block `explain` of params.yaml.
        evaluation: Intervals.
        public: Whether the data set's patients are those of a public set.

    Raises:
        ManifestError: Package or predictions are not whole.
        MedfakeError: The detector cannot be explained by the method that params name.
    """
    opened = ExplainedPackage.open(package, params.occlusion)
    measured = explain_package(dataset, opened, params, Bootstrap.of(evaluation))
    shown = public if params.pictures is None else params.pictures
    found = _with_gallery(folder, measured, opened, package) if shown else _without(measured)
    write_record(folder, found)
    return found


def _with_gallery(folder: Path, measured: Measured, opened: ExplainedPackage, package: Path) -> Explained:
    rows = read_predictions(package / PREDICTIONS_FILE)
    p = dict(zip(rows.slice_id, rows.p_tampered.astype(float), strict=True))
    pictures = write_gallery(folder, measured.slices, p, opened.scorer.card.threshold)
    return measured.found.model_copy(update={"pictures": pictures})


def _without(measured: Measured) -> Explained:
    return measured.found.model_copy(update={"no_pictures": _PRIVATE})


def headline(found: Explained) -> str:
    """What was found, in a sentence."""
    who = f"{found.detector} (seed {found.seed}) on {found.dataset}, {found.method}"
    if found.pointing is None or found.pointing.hit_rate.value is None:
        return f"{who}: no manipulated test slice has a known site, so that maps cannot be measured"
    pointing = found.pointing
    return (
        f"{who}: the peak lies within {found.hit_mm:g} mm of the site in {pointing.hit_rate.value:.0%} of "
        f"{pointing.slices} slices; random lung {pointing.random.value:.0%}, lung centre {pointing.centre.value:.0%}"
    )
