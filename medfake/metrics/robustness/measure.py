"""Measure what a grid of perturbations takes from all trainings of a data set; only the test split is looked at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from medfake.config import RobustnessParams
from medfake.datasets.dataset import Dataset
from medfake.detectors.stored_network import has_network, load_network
from medfake.errors import MedfakeError
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.robustness.curves import Curve, Point, RobustnessReport, RunRobustness
from medfake.metrics.robustness.figures import Resampled, figure, mean, resample
from medfake.metrics.robustness.judge import SliceJudge
from medfake.metrics.robustness.perturb import FindNeighbours, Severe, Usable, as_it_is, done, usable
from medfake.metrics.robustness.sample import Sample, draw_sample
from medfake.metrics.scans import Floats
from medfake.package.card import Card, read_card
from medfake.progress import track
from medfake.robustness.chosen import chosen_grid
from medfake.robustness.registry import Perturbation
from medfake.training.input_gradient import InputGradient
from medfake.training.keras_setup import clear_session

OPEN_AT_A_TIME: Final = 4  # packages; large ones take half a gigabyte each


@dataclass(frozen=True)
class MeasuredPoint:
    """A severity with what drops are made of; None where nothing was measured."""

    point: Point
    resampled: Resampled | None = None


Curves = dict[str, list[tuple[Curve, list[MeasuredPoint]]]]


def measure_robustness(
    dataset: Dataset,
    packages: Mapping[str, Path],
    absent: Sequence[str],
    params: RobustnessParams,
    bootstrap: Bootstrap,
    neighbours: FindNeighbours,
) -> RobustnessReport:
    """Measure trainings on perturbed test slices.

    Args:
        dataset: Whose test split is drawn from.
        packages: Folder of each training, by its name data set/detector/seed-n.
        absent: Names of trainings without a package.
        params: The grid; an empty one measures nothing.
        bootstrap: How intervals are made.
        neighbours: Where the slices around those of the data set come from.

    Raises:
        ManifestError: A package is there and not whole.
    """
    sample = draw_sample(dataset, params, bootstrap)
    judge = lru_cache(maxsize=OPEN_AT_A_TIME)(SliceJudge)
    measuring = _Measuring(dataset, packages, params, sample, bootstrap, neighbours, judge)
    curves = measuring.curves() if params.perturbations else {}
    return RobustnessReport(
        dataset=dataset.name,
        dataset_sha256=dataset.digest,
        evidence=dataset.evidence,
        protocol=dataset.protocol,
        slices=len(sample.rows),
        tampered=int(sample.label.sum()),
        patients=int(sample.rows.patient_id.nunique()),
        unit=sample.clusters.unit,
        seed=params.seed,
        bootstrap=bootstrap,
        runs={name: measuring.run(name, own) for name, own in curves.items()},
        absent=tuple(sorted(absent)),
    )


@dataclass(frozen=True)
class _Measuring:
    """One measurement under way."""

    dataset: Dataset
    packages: Mapping[str, Path]
    params: RobustnessParams
    sample: Sample
    bootstrap: Bootstrap
    neighbours: FindNeighbours
    open: Callable[[Path], SliceJudge]
    known: dict[tuple[str, bytes], MeasuredPoint] = field(default_factory=dict)

    def curves(self) -> Curves:
        """Every perturbation on every training: slices are perturbed once for all of them, attacks apart."""
        found: Curves = {name: [] for name in self.packages}
        grid = chosen_grid(self.params)
        total = sum(len(severities) for severities in grid.values())
        points = track(self._points(found), f"measuring robustness on {self.dataset.name}", total)
        for _ in points:
            pass
        return found

    def _points(self, found: Curves) -> Iterator[None]:
        for one, severities in chosen_grid(self.params).items():
            most = max(abs(severity) for severity in severities)
            of = usable(one, most, self.sample, self.dataset.view, self.neighbours, self.dataset.modality)
            if one.white_box:
                yield from self._attacked(one, severities, of, found)
            else:
                yield from self._perturbed(one, severities, of, found)

    def _perturbed(self, one: Perturbation, severities: Sequence[float], of: Usable, found: Curves) -> Iterator[None]:
        points: dict[str, list[MeasuredPoint]] = {name: [] for name in self.packages}
        if not of.reason:
            for name, own in points.items():
                own.append(self._clean(name, of))
            for severity in severities:
                severe = done(one, severity, self.sample, of, self.params.seed)
                for name, own in points.items():
                    own.append(self._measured(name, severity, severe))
                yield
        for name, own in points.items():
            found[name].append((self._curve(one, of, own, of.reason), own))

    def _attacked(self, one: Perturbation, severities: Sequence[float], of: Usable, found: Curves) -> Iterator[None]:
        for name, package in self.packages.items():
            points: list[MeasuredPoint] = []
            gradient, reason = _gradient_of(package)
            if gradient:
                points.append(self._clean(name, of))
                for severity in severities:
                    severe = done(one, severity, self.sample, of, self.params.seed, gradient)
                    points.append(self._measured(name, severity, severe))
                clear_session()
            found[name].append((self._curve(one, of, points, reason), points))
        yield from (None for _ in severities)

    def _clean(self, name: str, of: Usable) -> MeasuredPoint:
        """Severity 0, once for all perturbations that are done to the same slices."""
        key = (name, of.rows.tobytes())
        if key not in self.known:
            self.known[key] = self._measured(name, 0.0, as_it_is(self.sample, of.rows))
        return self.known[key]

    def _measured(self, name: str, severity: float, severe: Severe) -> MeasuredPoint:
        counted = Point(
            severity=severity, without_lung=severe.without_lung, unmoved=severe.unmoved, reason=severe.reason
        )
        if severe.reason:
            return MeasuredPoint(counted)
        judge, perturbed = self.open(self.packages[name]), severe.perturbed
        try:
            said = judge.judge(perturbed.slices, perturbed.spacing_mm)
        except MedfakeError as error:  # classical models know one size; others go on
            return MeasuredPoint(replace(counted, reason=f"{error.what}: {error.received}"))
        values = resample(self.sample, perturbed, said, judge.scorer.card.threshold)
        point = replace(
            counted,
            auc=figure(values.auc, self.bootstrap),
            balanced_accuracy=figure(values.balanced_accuracy, self.bootstrap),
            hit_rate=figure(values.hit_rate, self.bootstrap),
            unscored=int((~np.isfinite(said.p)).sum()),
        )
        return MeasuredPoint(point, values)

    def _curve(self, one: Perturbation, of: Usable, points: Sequence[MeasuredPoint], reason: str) -> Curve:
        auc, hits = drops(points)
        return Curve(
            perturbation=one.name,
            unit=one.scale.unit_in(self.dataset.modality.units),
            white_box=one.white_box,
            slices=0 if reason else len(of.rows),
            left_out=len(self.sample.rows) - len(of.rows),
            points=tuple(sorted((one.point for one in points), key=lambda point: point.severity)),
            auc_drop=figure(auc, self.bootstrap),
            hit_rate_drop=figure(hits, self.bootstrap),
            reason=reason,
        )

    def run(self, name: str, curves: Sequence[tuple[Curve, list[MeasuredPoint]]]) -> RunRobustness:
        """All curves of a training, and what they come to."""
        card: Card = read_card(self.packages[name])
        by_chance = [drops(points) for curve, points in curves if not curve.white_box]
        attacked = [drops(points) for curve, points in curves if curve.white_box]
        return RunRobustness(
            detector=card.detector,
            seed=card.seed,
            threshold=card.threshold,
            robustness_drop=figure(mean([auc for auc, _ in by_chance]), self.bootstrap),
            hit_rate_drop=figure(mean([hits for _, hits in by_chance]), self.bootstrap),
            white_box_drop=figure(mean([auc for auc, _ in attacked]), self.bootstrap),
            curves=tuple(curve for curve, _ in curves),
        )


def drops(points: Sequence[MeasuredPoint]) -> tuple[Floats, Floats]:
    """Mean drop of AUC and of the hit rate against severity 0, in each resample; NaN where nothing was measured."""
    known = [(one.point.severity, one.resampled) for one in points if one.resampled is not None]
    clean = next((values for severity, values in known if severity == 0), None)
    others = [values for severity, values in known if severity != 0]
    if clean is None:
        return mean([]), mean([])
    return (
        mean([clean.auc - values.auc for values in others]),
        mean([clean.hit_rate - values.hit_rate for values in others]),
    )


def _gradient_of(package: Path) -> tuple[InputGradient | None, str]:
    """How a detector's error changes with pixels, or why nobody can say."""
    if not has_network(package):
        return None, f"{read_card(package).detector} has no gradient: no network of Keras is stored with it"
    try:
        return InputGradient(load_network(package), _error), ""
    except MedfakeError as error:
        return None, error.what


def _error(labels: Any, said: Any) -> Any:
    """Grows where a tampered slice scores less and a real one more; unlike a logarithm it is never clipped."""
    return (1.0 - 2.0 * labels) * said
