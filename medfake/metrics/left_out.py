"""Figures of whole scans, each scored once, by a detector that never saw its patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.log_odds import logit, sigmoid
from medfake.metrics.bootstrap import Bootstrap, Clusters, cluster
from medfake.metrics.intervals import share_interval
from medfake.metrics.scans import Floats
from medfake.metrics.weighted import clustered_auc
from medfake.metrics.within_slice import Figure, auc_figure, mean_figure
from medfake.package.copied import COPIED_P
from medfake.package.measured import FalseAlarms, Figures

RESAMPLES = 1000
CONFIDENCE = 0.95
_COPIED_LOGIT = float(logit(COPIED_P, 1e-6))


@dataclass(frozen=True)
class MeasuredScan:
    """What a detector said of one scan.

    Attributes:
        patient: Pseudonym.
        scanner: Word of a virtual scanner, "" for none.
        manipulation: Name, "" for an untouched scan.
        logit: Of the scan by its texture, not calibrated.
        slice_logits: (slices,) likewise.
        shows_site: (slices,) bool; slices on which the manipulated place is seen.
        hit: Whether the strongest place is the manipulated one; None for an untouched scan.
        copied_slices: Indices of slices that show tissue that stands twice in the scan.
    """

    patient: str
    scanner: str
    manipulation: str
    logit: float
    slice_logits: Floats
    shows_site: NDArray[np.bool_]
    hit: bool | None
    copied_slices: tuple[int, ...] = ()

    def calibrated(self, a: float, b: float) -> "MeasuredScan":
        """The scan with logits of P(tampered), copies counted as when a scan is served."""
        lifted = a * self.slice_logits + b
        lifted[list(self.copied_slices)] = np.maximum(lifted[list(self.copied_slices)], _COPIED_LOGIT)
        own = a * self.logit + b
        return replace(self, logit=max(own, _COPIED_LOGIT) if self.copied_slices else own, slice_logits=lifted)


@dataclass(frozen=True)
class MeasuredSlice:
    """What a detector said of one manipulated slice by itself, and of the same slice before.

    Attributes:
        patient: Pseudonym.
        scan: That the slice is of.
        maker: Of the scanner.
        logit: Not calibrated.
        logit_before: Of the same slice before it was manipulated.
        hit: Whether the strongest place is a manipulated one.
    """

    patient: str
    scan: str
    maker: str
    logit: float
    logit_before: float
    hit: bool


@dataclass(frozen=True)
class PartFigures:
    """Figures of some scans, with intervals over patients; what they rest on.

    Attributes:
        scan_auc: Manipulated against untouched scans.
        slice_auc: Slices that show the manipulated place against all of untouched scans.
        hit_rate: Share of manipulated scans whose strongest place is the manipulated one.
        forged: Manipulated scans.
        untouched: Untouched scans.
        shown: Slices that show a manipulated place.
        clean: Slices of untouched scans.
    """

    scan_auc: Figure
    slice_auc: Figure
    hit_rate: Figure
    forged: int
    untouched: int
    shown: int
    clean: int


@dataclass(frozen=True)
class ScanFigures:
    """Figures with intervals from a bootstrap over scans, within untouched and manipulated ones.

    Attributes:
        metrics: scan_auc, slice_auc, hit_rate, sensitivity and specificity.
        intervals: (low, high), 95 %.
        threshold: P of a scan for sensitivity and specificity.
    """

    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None]
    threshold: float


def balanced_platt(logits: Sequence[float], tampered: Sequence[bool]) -> tuple[float, float]:
    """Platt's a and b, both classes weighing the same: what a scan's P means when half of all scans are tampered."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced").fit(np.array(logits)[:, None], np.array(tampered))
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def measure_p(scans: Sequence[MeasuredScan]) -> "pd.Series[float]":
    """P(tampered) of each scan; logits are calibrated ones."""
    return pd.Series(sigmoid(np.array([one.logit for one in scans], np.float64)))


def measure_scans(scans: Sequence[MeasuredScan], threshold: float) -> pd.DataFrame:
    """One row a scan: patient, scanner, manipulation, p, hit and copied; figures of all in `attrs["figures"]`.

    Args:
        scans: Calibrated.
        threshold: P from which on a scan is called tampered, for sensitivity and specificity.
    """
    table = pd.DataFrame({
        "patient": [one.patient for one in scans], "scanner": [one.scanner for one in scans],
        "manipulation": [one.manipulation for one in scans], "hit": [one.hit for one in scans],
        "p": measure_p(scans), "copied": [bool(one.copied_slices) for one in scans],
    })  # fmt: skip
    forged = [one for one in scans if one.manipulation]
    untouched = [one for one in scans if not one.manipulation]
    weights = _resampled(np.random.default_rng(1), len(forged), len(untouched))
    values = _values(forged, untouched, weights) | _called(forged, untouched, threshold, weights)
    metrics: dict[str, float | None] = {name: float(one[0]) for name, one in values.items()}
    intervals: dict[str, tuple[float, float] | None] = {name: _interval(one[1:]) for name, one in values.items()}
    table.attrs["figures"] = ScanFigures(metrics, intervals, threshold)
    return table


def _resampled(rng: np.random.Generator, forged: int, untouched: int) -> Floats:
    """(1 + resamples, scans) how often each scan counts, forged ones first: all once, then as they are drawn."""
    weights = np.ones((1 + RESAMPLES, forged + untouched))
    for row in weights[1:]:
        row[:forged] = np.bincount(rng.integers(forged, size=forged), minlength=forged)
        row[forged:] = np.bincount(rng.integers(untouched, size=untouched), minlength=untouched)
    return weights


def _values(forged: Sequence[MeasuredScan], untouched: Sequence[MeasuredScan], weights: Floats) -> dict[str, Floats]:
    """Figures in every weighting of the scans."""
    label = np.repeat([1.0, 0.0], [len(forged), len(untouched)])
    logits = np.array([one.logit for one in (*forged, *untouched)])
    slices = [*(one.slice_logits[one.shows_site] for one in forged), *(one.slice_logits for one in untouched)]
    owner = np.repeat(np.arange(len(slices)), [len(one) for one in slices])
    hits = np.array([bool(one.hit) for one in forged], float)
    return {
        "scan_auc": clustered_auc(label, logits, np.arange(len(logits)), weights),
        "slice_auc": clustered_auc(label[owner], np.concatenate(slices), owner, weights),
        "hit_rate": weights[:, : len(forged)] @ hits / len(forged),
    }


def _called(
    forged: Sequence[MeasuredScan], untouched: Sequence[MeasuredScan], threshold: float, weights: Floats
) -> dict[str, Floats]:
    """Sensitivity and specificity in every weighting of the scans."""
    of_forged, of_untouched = (measure_p(scans).to_numpy() >= threshold for scans in (forged, untouched))
    return {
        "sensitivity": weights[:, : len(forged)] @ of_forged / len(forged),
        "specificity": weights[:, len(forged) :] @ ~of_untouched / len(untouched),
    }


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return float(low), float(high)


def figures_of_scans(scans: Sequence[MeasuredScan], bootstrap: Bootstrap) -> PartFigures:
    """Measure some scans; patients are resampled whole, scans where there is one patient.

    Slices of which the detector gives no number do not count.

    Args:
        scans: Untouched and manipulated ones in any order.
        bootstrap: How intervals are made.
    """
    clusters = _clusters(scans)
    label = np.array([float(bool(one.manipulation)) for one in scans])
    forged = label == 1
    slices = [one.slice_logits[one.shows_site] if one.manipulation else one.slice_logits for one in scans]
    slices = [own[np.isfinite(own)] for own in slices]
    lengths = [len(own) for own in slices]
    of_slices = Clusters(np.repeat(clusters.codes, lengths), clusters.count, clusters.unit)
    of_forged = [one for one in scans if one.manipulation]
    values = np.concatenate([np.empty(0), *slices])
    return PartFigures(
        scan_auc=auc_figure(label, np.array([one.logit for one in scans]), clusters, bootstrap),
        slice_auc=auc_figure(np.repeat(label, lengths), values, of_slices, bootstrap),
        hit_rate=mean_figure(np.array([float(bool(one.hit)) for one in of_forged]), _clusters(of_forged), bootstrap),
        forged=int(forged.sum()),
        untouched=int((~forged).sum()),
        shown=int(np.array(lengths, int)[forged].sum()),
        clean=int(np.array(lengths, int)[~forged].sum()),
    )


def figures_of_slices(slices: Sequence[MeasuredSlice], bootstrap: Bootstrap) -> tuple[Figure, Figure]:
    """AUC of manipulated slices against the same slices before, and the rate of hits; resampled as scans are."""
    clusters = cluster([one.patient for one in slices], [one.scan for one in slices])
    both = Clusters(np.tile(clusters.codes, 2), clusters.count, clusters.unit)
    logits = np.array([*(one.logit for one in slices), *(one.logit_before for one in slices)])
    auc = auc_figure(np.repeat([1.0, 0.0], len(slices)), logits, both, bootstrap)
    return auc, mean_figure(np.array([float(one.hit) for one in slices]), clusters, bootstrap)


def _clusters(scans: Sequence[MeasuredScan]) -> Clusters:
    return cluster([one.patient for one in scans], [str(ordinal) for ordinal in range(len(scans))])


def false_alarms(p: "pd.Series[float]", threshold: float) -> FalseAlarms:
    """Share of untouched scans at or above a threshold, with Wilson's interval (1927)."""
    alarms = int((p >= threshold).sum())
    interval = share_interval(alarms, len(p), CONFIDENCE)
    return FalseAlarms(scans=len(p), rate=alarms / len(p), low=interval.low, high=interval.high)


def figures_by_manipulation(scans: Sequence[MeasuredScan]) -> tuple[Figures, ...]:
    """Scans of each manipulation against all untouched ones; resampled as in `measure_scans`.

    Returns:
        scan_auc and hit_rate of each, the lowest scan AUC first: what the detector fails at.
    """
    untouched = [one for one in scans if not one.manipulation]
    rng = np.random.default_rng(1)
    rows = []
    for name in sorted({one.manipulation for one in scans} - {""}):
        own = [one for one in scans if one.manipulation == name]
        values = _values(own, untouched, _resampled(rng, len(own), len(untouched)))
        values = {word: values[word] for word in ("scan_auc", "hit_rate")}
        metrics = {word: float(one[0]) for word, one in values.items()}
        intervals = {word: _interval(one[1:]) for word, one in values.items()}
        rows.append(Figures(of=name, count=len(own), metrics=metrics, intervals=intervals))
    return tuple(sorted(rows, key=lambda row: (row.metrics["scan_auc"], row.of)))
