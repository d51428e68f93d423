"""Manipulated scans against untouched ones, through a package's own way from slices to a scan."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.errors import DicomError, ScanError
from medfake.metrics.bootstrap import Bootstrap, Clusters, cluster
from medfake.metrics.labelled_scans import LabelledScan
from medfake.metrics.localisation import HIT_MM
from medfake.metrics.scans import Floats
from medfake.metrics.within_slice import Figure, auc_figure, mean_figure
from medfake.package.scan_scorer import ScanScorer
from medfake.package.scan_scores import Site
from medfake.progress import track
from medfake.tamper.registry import family_of
from medfake.vocabulary import Manipulation

SITE_SLICES_MM: Final = 8.0
"""Slices at most so far from a site along z count as manipulated."""
LEAST_SLICES: Final = 3
"""Shorter series are no scans: a single slice against whole scans would measure their length."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class JudgedScan:
    """What a package says of a scan.

    Attributes:
        p_tampered: 0..1.
        slice_p: (slices,) 0..1, NaN where the detector gives no number.
        near: (slices,) bool, True within 8 mm of a site along z; nowhere in an untouched scan.
        shows_lung: (slices,) bool.
        hit: Whether the strongest site lies within 16 mm of a labelled one, in three dimensions; a scan of which none
            is named is a miss.
    """

    scan: LabelledScan
    p_tampered: float
    slice_p: Floats
    near: Flags
    shows_lung: Flags
    hit: bool


@dataclass(frozen=True)
class ScanFigures:
    """Figures of some manipulated scans against untouched ones.

    Attributes:
        by: What the scans have in common: "all", "manipulation", "generator", "family" (of generators that
            are manipulations of this house), "scanner" or "patient".
        name: Which.
        scan_auc: Of their scores against those of all untouched scans.
        slice_auc: Slices within 8 mm of a site against slices with lung of all untouched scans.
        hit_rate: Share of scans whose strongest site is a labelled one.
        sensitivity: Share called tampered at the package's stored threshold.
        specificity: Share of untouched scans not called tampered; of this patient or scanner alone in their rows.
        tampered: Manipulated scans.
        untouched: Untouched scans behind the specificity.
        patients: Of the manipulated scans.
    """

    by: str
    name: str
    scan_auc: Figure
    slice_auc: Figure
    hit_rate: Figure
    sensitivity: Figure
    specificity: Figure
    tampered: int
    untouched: int
    patients: int


@dataclass(frozen=True)
class WholeScans:
    """A package on whole scans.

    Attributes:
        threshold: Scans are called tampered from here on; stored in the package, nothing here chose it.
        paired: Patients with manipulated and untouched scans; where there are none, AUCs also measure what else tells
            the sources of both apart.
        left_out: Scans that are too short, cannot be read, or of which the detector says nothing.
        slices: That were scored.
        seconds: For reading and scoring them.
    """

    rows: tuple[ScanFigures, ...]
    threshold: float
    paired: int
    left_out: int
    slices: int
    seconds: float


def measure_whole_scans(
    scorer: ScanScorer, scans: Sequence[LabelledScan], bootstrap: Bootstrap | None = None
) -> WholeScans | None:
    """Score whole scans and compare manipulated with untouched ones; patients are resampled whole.

    Args:
        scorer: The package, loaded.
        scans: Of both kinds, in any order.
        bootstrap: 1000 resamples, 95 % and seed 1 unless told otherwise.

    Returns:
        None where there are no manipulated or no untouched scans of at least `LEAST_SLICES` slices.
    """
    whole = [scan for scan in scans if len(scan.series.headers) >= LEAST_SLICES and (scan.sites or not scan.tampered)]
    if len({scan.tampered for scan in whole}) < 2:
        return None
    started = time.perf_counter()
    judged = [one for scan in track(whole, "judging scans", len(whole)) if (one := judge_scan(scorer, scan))]
    seconds = time.perf_counter() - started
    threshold = scorer.card.scan_threshold_high
    rows = compare_scans(judged, threshold, bootstrap or Bootstrap())
    of_kind = [{one.scan.patient_id for one in judged if one.scan.tampered is kind} for kind in (True, False)]
    return WholeScans(
        rows=rows,
        threshold=threshold,
        paired=len(of_kind[0] & of_kind[1]),
        left_out=len(scans) - len(judged),
        slices=sum(len(one.slice_p) for one in judged),
        seconds=seconds,
    )


def judge_scan(scorer: ScanScorer, scan: LabelledScan) -> JudgedScan | None:
    """Score one scan; None where a slice cannot be read or the detector gives no number."""
    try:
        said = scorer.score_scan(scan.chunks(), scan.spacing_mm)
    except (DicomError, ScanError):
        return None  # counted among those left out
    sites = np.array([scan.z_mm[site.z_index] for site in scan.sites])
    near: Flags = (np.abs(scan.z_mm[:, None] - sites[None, :]) <= SITE_SLICES_MM).any(axis=1)
    hit = bool(said.sites) and _hits(said.sites[0], scan)
    return JudgedScan(scan, said.p_tampered, said.slice_p, near, said.shows_lung, hit)


def compare_scans(judged: Sequence[JudgedScan], threshold: float, bootstrap: Bootstrap) -> tuple[ScanFigures, ...]:
    """Figures of all scans, then by manipulation, generator, family, scanner and patient where there are several.

    Args:
        judged: Scans of both kinds.
        threshold: Called tampered from here on, 0..1.
        bootstrap: How intervals are made.
    """
    untouched = [one for one in judged if not one.scan.tampered]
    tampered = [one for one in judged if one.scan.tampered]
    rows = [_figures("all", "all", tampered, untouched, untouched, threshold, bootstrap)]
    for by, key in _GROUPINGS.items():
        names = sorted({key(one.scan) for one in tampered})
        for name in names if len(names) > 1 and not _repeats(by, tampered) else []:
            some = [one for one in tampered if key(one.scan) == name]
            own = [one for one in untouched if key(one.scan) == name] if by in _OF_BOTH else untouched
            rows.append(_figures(by, name, some, untouched, own, threshold, bootstrap))
    return tuple(rows)


def _repeats(by: str, tampered: Sequence[JudgedScan]) -> bool:
    """Whether the families are but the generators again."""
    return by == "family" and all(family_of(one.scan.generator) == one.scan.generator for one in tampered)


def _manipulation(scan: LabelledScan) -> str:
    return str(Manipulation(scan.manipulation))


_GROUPINGS: Final[dict[str, Callable[[LabelledScan], str]]] = {
    "manipulation": _manipulation,
    "generator": lambda scan: scan.generator,
    "family": lambda scan: family_of(scan.generator),
    "scanner": lambda scan: scan.scanner,
    "patient": lambda scan: scan.patient_id,
}
_OF_BOTH: Final = ("scanner", "patient")  # what untouched scans have, too


def _figures(
    by: str,
    name: str,
    tampered: Sequence[JudgedScan],
    untouched: Sequence[JudgedScan],
    own: Sequence[JudgedScan],
    threshold: float,
    bootstrap: Bootstrap,
) -> ScanFigures:
    both = [*tampered, *untouched]
    label = np.repeat([1, 0], [len(tampered), len(untouched)])
    p = np.array([one.p_tampered for one in both])
    counted = [np.isfinite(one.slice_p) & (one.near if one.scan.tampered else one.shows_lung) for one in both]
    lengths = [int(chosen.sum()) for chosen in counted]
    clusters = _clusters(both)
    of_slices = Clusters(np.repeat(clusters.codes, lengths), clusters.count, clusters.unit)
    slice_p = np.concatenate([one.slice_p[chosen] for one, chosen in zip(both, counted, strict=True)])
    called = np.array([one.p_tampered >= threshold for one in tampered], np.float64)
    spared = np.array([one.p_tampered < threshold for one in own], np.float64)
    return ScanFigures(
        by=by,
        name=name,
        scan_auc=auc_figure(label, p, clusters, bootstrap),
        slice_auc=auc_figure(np.repeat(label, lengths), slice_p, of_slices, bootstrap),
        hit_rate=mean_figure(np.array([one.hit for one in tampered], np.float64), _clusters(tampered), bootstrap),
        sensitivity=mean_figure(called, _clusters(tampered), bootstrap),
        specificity=mean_figure(spared, _clusters(own), bootstrap),
        tampered=len(tampered),
        untouched=len(own),
        patients=len({one.scan.patient_id for one in tampered}),
    )


def _clusters(judged: Sequence[JudgedScan]) -> Clusters:
    return cluster([one.scan.patient_id for one in judged], [one.scan.scan_id for one in judged])


def _hits(named: Site, scan: LabelledScan) -> bool:
    """Whether a named site lies within `HIT_MM` of a labelled one."""
    labelled = np.array([(scan.z_mm[site.z_index], site.y, site.x) for site in scan.sites]).reshape(-1, 3)
    gaps = (labelled - (named.z_mm, named.y, named.x)) * (1.0, *scan.spacing_mm)
    return bool((np.sqrt((gaps**2).sum(axis=1)) <= HIT_MM).any())
