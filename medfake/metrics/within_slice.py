"""Does a detector tell the manipulated place from the rest of the same slice?

Of genuine fakes the untouched originals are often not to be had. Real slices of another source differ in scanner and
export, so that a comparison with them would measure the source. Places of one slice share all of that: the labelled
site is compared with lung of the same slice, far from every site. Pure NumPy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.metrics.bootstrap import Bootstrap, Clusters, cluster, draw
from medfake.metrics.intervals import Interval, percentile_interval
from medfake.metrics.scans import Floats
from medfake.metrics.weighted import clustered_auc
from medfake.vocabulary import Manipulation

NEAR_MM: Final = 13.0
"""Half width of what a manipulation surely changed: places up to there belong to the site."""
FAR_MM: Final = 45.0
"""Places farther than this from every site of the slice are untouched."""
HIT_MM: Final = 15.0
"""The strongest place of a slice hits when it is at most so far from a site."""


@dataclass(frozen=True)
class PlaceMap:
    """What a detector says of the places of one slice.

    Attributes:
        scores: (down, across) float, higher where tampered; a logit, a probability or any other score.
        counts: (down, across) bool, True where lung is; other places are not looked at.
        step_px: Between neighbouring places.
        first_px: Row and column of the first place's centre.
    """

    scores: Floats
    counts: NDArray[np.bool_]
    step_px: float = 8.0
    first_px: float = 0.0

    @property
    def centres(self) -> Floats:
        """(n, 2) rows and columns, px, of the places that count, in the order of `scores[counts]`."""
        centres: Floats = np.argwhere(self.counts).astype(np.float64) * self.step_px + self.first_px
        return centres

    @property
    def strongest(self) -> tuple[float, float] | None:
        """Row and column, px, of the highest place that counts, the first of equals; None where none does."""
        if not self.counts.any():
            return None
        y, x = self.centres[int(np.argmax(self.scores[self.counts]))]
        return float(y), float(x)


@dataclass(frozen=True)
class JudgedSlice:
    """A slice with labelled sites, and what was said of it.

    Attributes:
        patient_id: Pseudonym.
        scan_id: Pseudonym.
        manipulation: What was done at its sites.
        spacing_mm: Between rows, and between columns.
        sites: (n, 2) rows and columns of the labelled sites, px.
        map: Of its places; None for a detector that gives none.
        strongest: Row and column of the place that the detector names, px; None where it names none.
    """

    patient_id: str
    scan_id: str
    manipulation: Manipulation
    spacing_mm: tuple[float, float]
    sites: Floats
    map: PlaceMap | None
    strongest: tuple[float, float] | None

    def distance_mm(self, places: Floats) -> Floats:
        """(n,) distance of (n, 2) places, px, to the nearest site of this slice."""
        gaps = (places[:, None, :] - self.sites[None, :, :]) * np.array(self.spacing_mm)
        distance: Floats = np.hypot(gaps[..., 0], gaps[..., 1]).min(axis=1, initial=np.inf)
        return distance

    @property
    def hit(self) -> bool:
        """Whether the named place lies within `HIT_MM` of a site; a slice without one is a miss."""
        return self.hits_within(HIT_MM)

    def hits_within(self, mm: float) -> bool:
        """As `hit`, at another distance."""
        return self.strongest is not None and bool(self.distance_mm(np.array([self.strongest]))[0] <= mm)

    def near_and_far(self) -> tuple[Floats, Floats]:
        """Scores of the places of a site, and of lung far from every site."""
        if self.map is None:
            return np.empty(0), np.empty(0)
        distance, scores = self.distance_mm(self.map.centres), self.map.scores[self.map.counts].astype(np.float64)
        return scores[distance <= NEAR_MM], scores[distance > FAR_MM]


@dataclass(frozen=True)
class Figure:
    """One figure with its interval.

    Attributes:
        value: 0..1; None where it is undefined.
        interval: Of a bootstrap over patients; None where there is one patient only.
    """

    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True)
class WithinSlice:
    """How well the labelled sites of some slices stand out from the slices themselves.

    Attributes:
        window_auc: Places within `NEAR_MM` of a site against places of lung farther than `FAR_MM` from every site of
            their slice, pooled over slices.
        slice_auc: The strongest place of the sites against the strongest place farther than `FAR_MM`, pooled over
            slices. A site where no place counts ranks below everything: the detector cannot see it.
        hit_rate: Share of slices whose strongest place lies within `HIT_MM` of a site.
        slices: How many.
        patients: How many; `unit` is what was resampled.
        unseen: Slices with a site where no place counts as lung.
        unit: "patients", or "scans" where there is only one patient.
    """

    window_auc: Figure
    slice_auc: Figure
    hit_rate: Figure
    slices: int
    patients: int
    unseen: int
    unit: str


def measure_within_slices(slices: Sequence[JudgedSlice], bootstrap: Bootstrap | None = None) -> WithinSlice:
    """Measure some slices; patients are resampled whole.

    Args:
        slices: With at least one site each, in any order.
        bootstrap: 1000 resamples, 95 % and seed 1 unless told otherwise.
    """
    bootstrap = bootstrap or Bootstrap()
    clusters = cluster([one.patient_id for one in slices], [one.scan_id for one in slices])
    mapped = [index for index, one in enumerate(slices) if one.map is not None]
    pairs = [slices[index].near_and_far() for index in mapped]
    near, far = ([pair[side] for pair in pairs] for side in (0, 1))
    lowest = min((float(part.min()) for part in (*near, *far) if len(part)), default=0.0) - 1.0  # below everything
    peaks = [np.array([part.max(initial=lowest)]) for part in near]
    others = [part.max(keepdims=True) if len(part) else part for part in far]
    return WithinSlice(
        window_auc=_auc(near, far, mapped, clusters, bootstrap),
        slice_auc=_auc(peaks, others, mapped, clusters, bootstrap),
        hit_rate=mean_figure(np.array([one.hit for one in slices], np.float64), clusters, bootstrap),
        slices=len(slices),
        patients=len({one.patient_id for one in slices}),
        unseen=sum(len(part) == 0 for part in near),
        unit=clusters.unit,
    )


def auc_figure(label: NDArray[Any], score: Floats, clusters: Clusters, bootstrap: Bootstrap) -> Figure:
    """Area under the ROC curve with its interval; ties count one half.

    Args:
        label: (n,) 1 = tampered.
        score: (n,) finite.
        clusters: Of the n rows.
        bootstrap: As for `measure_within_slices`.
    """
    both = 0 < label.sum() < len(label)
    if not both:
        return Figure(None)
    weights = np.vstack([np.ones(clusters.count), draw(clusters.count, bootstrap)])
    values = clustered_auc(label, score, clusters.codes, weights)
    return Figure(float(values[0]), percentile_interval(values[1:], bootstrap) if clusters.count > 1 else None)


def mean_figure(values: Floats, clusters: Clusters, bootstrap: Bootstrap) -> Figure:
    """Mean of (n,) values with its interval, e.g. a rate of hits."""
    if not len(values):
        return Figure(None)
    if clusters.count < 2:
        return Figure(float(values.mean()))
    weights = draw(clusters.count, bootstrap)
    sizes = weights @ np.bincount(clusters.codes, minlength=clusters.count)
    sums = weights @ np.bincount(clusters.codes, values, clusters.count)
    means = np.divide(sums, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)
    return Figure(float(values.mean()), percentile_interval(means, bootstrap))


def _auc(
    tampered: Sequence[Floats], untouched: Sequence[Floats], owners: Sequence[int], of: Clusters, bootstrap: Bootstrap
) -> Figure:
    """AUC of scores by slice; `owners` are the indices of the slices."""
    parts = [*tampered, *untouched]
    if not parts:
        return Figure(None)
    label = np.repeat([1.0, 0.0], [sum(map(len, tampered)), sum(map(len, untouched))])
    codes = np.repeat(of.codes[np.tile(np.asarray(owners, np.intp), 2)], [len(part) for part in parts])
    return auc_figure(label, np.concatenate(parts), Clusters(codes, of.count, of.unit), bootstrap)
