"""What detectors of nodules lose on deepfakes, which is no detection of deepfakes (Shree et al., section V)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.errors import DataError
from medfake.log_odds import logit, sigmoid
from medfake.metrics.bootstrap import Bootstrap, Clusters, clusters_of, draw
from medfake.metrics.deepfakes import Deepfakes
from medfake.metrics.drop_report import Agreement, DropReport, OnSlices, RunDrop, Shares
from medfake.metrics.intervals import percentile_interval, share_interval
from medfake.metrics.over_folds import read_tested
from medfake.metrics.own_thresholds import cut_of
from medfake.metrics.robustness.judge import SliceJudge
from medfake.metrics.scans import Floats
from medfake.metrics.single_numbers import SINGLE_NUMBERS, ranked
from medfake.metrics.weighted import weighted_metrics
from medfake.metrics.within_slice import Figure
from medfake.package.card import Card, read_card
from medfake.vocabulary import Split, Task

_SHOWN: Final = {"accuracy": "accuracy", "sensitivity": "recall", "specificity": "specificity", "auc": "auc"}
_CLIP: Final = 1e-6  # of probabilities before their log odds


def measure_drop(
    name: str,
    dataset: Dataset,
    generator: str,
    deepfakes: Deepfakes,
    packages: Mapping[str, Path],
    bootstrap: Bootstrap,
) -> DropReport:
    """Measure all packages of a data set of nodules.

    Args:
        name: Of the measurement.
        dataset: That they learnt from.
        generator: Name of what made the deepfakes.
        deepfakes: Generated slices.
        packages: Folders by data set/detector/seed.
        bootstrap: How intervals are made: patients of originals are resampled, and deepfakes, independently.

    Raises:
        DataError: The data set is of another task, or there is no package.
        ManifestError: A package is not whole.
    """
    if dataset.task is not Task.NODULES or not packages:
        raise DataError(
            "a drop is measured of detectors of nodules", where=f"drop.{name}.dataset",
            received=f"{len(packages)} packages of task {dataset.task}",
            remedy="name a data set of labelling rule nodules that train.datasets has, then dvc repro",
        )  # fmt: skip
    cards = {key: read_card(package) for key, package in packages.items()}
    tests = {key: _originals(packages[key], card) for key, card in cards.items()}
    originals = {key: _Side.of_originals(tests[key], card, bootstrap) for key, card in cards.items()}
    fakes = {key: _Side.of_deepfakes(packages[key], card, deepfakes, bootstrap) for key, card in cards.items()}
    first = next(iter(tests.values()))
    return DropReport(
        name=name, dataset=dataset.name, generator=generator, protocol=dataset.protocol,
        evidence=dataset.evidence, confidence=bootstrap.confidence, slices=len(first),
        patients=int(first.patient_id.nunique()),
        deepfakes=len(deepfakes.asked), asked=int(deepfakes.asked.sum()),
        agreement=Agreement(
            detectors=len(packages), originals=_shares(list(originals.values()), bootstrap),
            deepfakes=_shares(list(fakes.values()), bootstrap),
        ),
        single_numbers=_single_numbers(dataset, first, deepfakes, bootstrap),
        runs={key: _run(card, (originals[key], fakes[key]), bootstrap) for key, card in cards.items()},
    )  # fmt: skip


@dataclass(frozen=True)
class _Side:
    """Slices of one kind: labels, scores, and how often each counts in every resample.

    Attributes:
        cut: (slices,) P from which on each counts as showing a nodule: thresholds of folds differ.
        weights: (resamples, clusters).
    """

    label: NDArray[np.int8]
    p: Floats
    cut: Floats
    clusters: Clusters
    weights: Floats

    @classmethod
    def of_originals(cls, rows: pd.DataFrame, card: Card, bootstrap: Bootstrap) -> "_Side":
        clusters, label, p = clusters_of(rows), rows.label.to_numpy(np.int8), rows.p_tampered.to_numpy(float)
        cut = np.broadcast_to(cut_of(rows, card.threshold), p.shape)
        return cls(label, p, cut, clusters, _drawn(clusters, bootstrap))

    @classmethod
    def of_deepfakes(cls, package: Path, card: Card, deepfakes: Deepfakes, bootstrap: Bootstrap) -> "_Side":
        """Images are independent; they are drawn with another seed than patients, so that both are.

        Each is judged as a scan of one slice, so that scores are of the kind that the threshold was chosen for.
        """
        count, spacing_mm = len(deepfakes.asked), [(mm, mm) for mm in deepfakes.spacing_mm.tolist()]
        p = SliceJudge(package).judge(list(deepfakes.hu), spacing_mm).p
        cut, clusters = np.full(count, card.threshold), _images(count)
        return cls(deepfakes.asked, p, cut, clusters, _drawn(clusters, bootstrap))

    @property
    def right(self) -> NDArray[np.bool_]:
        """(slices,) whether each is called what it is labelled."""
        right: NDArray[np.bool_] = (self.p >= self.cut) == (self.label == 1)
        return right

    @property
    def doubt(self) -> Floats:
        """(slices,) 0..0.5: how near log odds are to those of the threshold."""
        return sigmoid(-np.abs(logit(self.p, _CLIP) - logit(self.cut, _CLIP)))

    def metrics(self) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """As they are, and in every resample."""
        codes, ones = self.clusters.codes, np.ones((1, self.clusters.count))
        as_is, resampled = (
            weighted_metrics(self.label, self.p, self.cut, codes, weights) for weights in (ones, self.weights)
        )
        return as_is, resampled


def _originals(package: Path, card: Card) -> pd.DataFrame:
    rows = read_tested(package, card)
    return rows[rows["split"] == Split.TEST].sort_values("slice_id", ignore_index=True)


def _run(card: Card, sides: tuple[_Side, _Side], bootstrap: Bootstrap) -> RunDrop:
    measured = [side.metrics() for side in sides]
    on = [
        OnSlices(**{name: _figure(as_is[of], resampled[of], bootstrap) for name, of in _SHOWN.items()})
        for as_is, resampled in measured
    ]
    (as_is, resampled), (of_fakes, of_fakes_resampled) = measured
    drop = _figure(
        as_is["accuracy"] - of_fakes["accuracy"], resampled["accuracy"] - of_fakes_resampled["accuracy"], bootstrap
    )
    return RunDrop(
        detector=card.detector, seed=card.seed, threshold=card.threshold,
        val_accuracy=card.metrics[Split.VAL].get("accuracy"), called=float((sides[1].p >= sides[1].cut).mean()),
        originals=on[0], deepfakes=on[1], drop=drop,
        doubt_auc=_doubt_auc(sides, bootstrap),
    )  # fmt: skip


def _doubt_auc(sides: Sequence[_Side], bootstrap: Bootstrap) -> Figure:
    """Deepfakes against originals by doubt alone."""
    return _told_apart(np.concatenate([side.doubt for side in sides]), [one.clusters for one in sides], bootstrap)


def _single_numbers(
    dataset: Dataset, tested: pd.DataFrame, deepfakes: Deepfakes, bootstrap: Bootstrap
) -> dict[str, Figure]:
    """Deepfakes against originals by one number of their pixels, AUC."""
    manifest = dataset.manifest
    rows = manifest[manifest.slice_id.isin(tested.slice_id)].sort_values("slice_id")
    hu, clusters = dataset.slices(rows), [clusters_of(rows), _images(len(deepfakes.asked))]
    return {
        name: _told_apart(ranked(number(hu), number(deepfakes.hu)), clusters, bootstrap)
        for name, number in SINGLE_NUMBERS.items()
    }


def _told_apart(p: Floats, clusters: Sequence[Clusters], bootstrap: Bootstrap) -> Figure:
    """AUC of scores of originals, then of deepfakes; patients of the former are resampled, and images of the latter."""
    originals, made = clusters
    codes = np.concatenate([originals.codes, made.codes + originals.count])
    generated = np.repeat([0, 1], [len(originals.codes), len(made.codes)])
    drawn = np.concatenate([_drawn(one, bootstrap) for one in clusters], axis=1)
    as_is, resampled = (
        weighted_metrics(generated, p, 0.5, codes, many)["auc"] for many in (np.ones((1, drawn.shape[1])), drawn)
    )
    return _figure(as_is, resampled, bootstrap)


def _images(count: int) -> Clusters:
    """Deepfakes, which are independent of each other."""
    return Clusters(np.arange(count), count, "images")


def _drawn(clusters: Clusters, bootstrap: Bootstrap) -> Floats:
    """(resamples, clusters); images are drawn with another seed than patients, and one patient tells no interval."""
    if clusters.unit == "images":
        return draw(clusters.count, replace(bootstrap, seed=bootstrap.seed + 1))
    weights = draw(clusters.count, bootstrap)
    return weights if clusters.count > 1 else weights * np.nan


def _shares(sides: Sequence[_Side], bootstrap: Bootstrap) -> Shares:
    """Of slices by whether all detectors are right, none, or some."""
    judged, side = np.mean([one.right for one in sides], axis=0), sides[0]
    return Shares(
        with_label=_share(judged == 1, side, bootstrap), against_label=_share(judged == 0, side, bootstrap),
        split=_share((judged > 0) & (judged < 1), side, bootstrap),
    )  # fmt: skip


def _share(is_one: NDArray[np.bool_], side: _Side, bootstrap: Bootstrap) -> Figure:
    if side.clusters.unit == "images":
        return Figure(float(is_one.mean()), share_interval(int(is_one.sum()), len(is_one), bootstrap.confidence))
    codes, count = side.clusters.codes, side.clusters.count
    totals = side.weights @ np.bincount(codes, is_one, count) / (side.weights @ np.bincount(codes, minlength=count))
    return _figure(np.array([is_one.mean()]), totals, bootstrap)


def _figure(as_is: Floats, resampled: Floats, bootstrap: Bootstrap) -> Figure:
    value = float(as_is[0])
    return Figure(value, percentile_interval(resampled, bootstrap)) if np.isfinite(value) else Figure(None)
