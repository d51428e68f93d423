"""What a comparison found: one result a training, best first within each data set."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from medfake.config import ChoosingMetric
from medfake.metrics.binary import Metrics
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.classes import ClassMetrics
from medfake.metrics.intervals import MetricsWithIntervals
from medfake.metrics.localisation import Localisation
from medfake.metrics.roc import RocBand
from medfake.reports.entry import Absent, Entry
from medfake.reports.published import Published
from medfake.reports.standings import Standing
from medfake.vocabulary import PositiveClass


@dataclass(frozen=True)
class VerdictCounts:
    """Scans by verdict."""

    tampered: int
    uncertain: int
    not_tampered: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one entry reached on the test split, and on validation for choosing.

    Attributes:
        val: Figures of the validation slices, at the stored threshold.
        slices: Figures of the test slices, with intervals.
        scan_scores: `scan_table` of the test split.
        scans: Figures of the test scans: called tampered from the upper scan threshold on; uncertain ones
            are not called.
        verdicts: Verdicts on the test scans by truth, keys "tampered" and "real".
        by_manipulation: Each manipulation's test slices against all real ones; then each generator's, where several
            are named.
        classes: Of detectors that tell removed from injected; None for others.
        localisation: None when the detector names no site.
        roc: ROC curve of the test slices with its band; None when a class is missing.
        published: What the paper that its data set is set beside prints for this detector.
        standing: Place among the runs of the same data set.
    """

    entry: Entry
    val: Metrics
    slices: MetricsWithIntervals
    scan_scores: pd.DataFrame = field(repr=False)
    scans: MetricsWithIntervals
    verdicts: Mapping[str, VerdictCounts]
    by_manipulation: Mapping[str, MetricsWithIntervals]
    classes: ClassMetrics | None
    localisation: Localisation | None
    roc: RocBand | None = field(repr=False)
    published: tuple[Published, ...]
    standing: Standing


@dataclass(frozen=True)
class Comparison:
    """All results, best first within each data set, and how their intervals were made.

    Attributes:
        absent: Trainings of the study that have no package and so no result.
        metric: Of the test slices, by which results are ranked and tested.
        positive: Class that precision, recall, specificity, F1, H and fall-out are of.
    """

    results: tuple[Result, ...]
    bootstrap: Bootstrap
    absent: tuple[Absent, ...] = ()
    metric: ChoosingMetric = "auc"
    positive: PositiveClass = PositiveClass.TAMPERED

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets, sorted."""
        return tuple(sorted({result.entry.dataset for result in self.results}))

    def of(self, dataset: str) -> tuple[Result, ...]:
        """Results on one data set, best first."""
        return tuple(result for result in self.results if result.entry.dataset == dataset)
