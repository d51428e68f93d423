"""Trainings side by side: what is compared, what was found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from medfake.errors import ManifestError
from medfake.metrics.binary import Metrics, measure
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.classes import ClassMetrics, measure_classes
from medfake.metrics.intervals import FEW_CLUSTERS, MetricsWithIntervals, evaluate_with_intervals
from medfake.metrics.localisation import Localisation, localise
from medfake.metrics.predictions import scan_table
from medfake.metrics.roc import RocBand, roc_band
from medfake.metrics.scans import Verdict, decide
from medfake.reports.entry import Entry
from medfake.reports.published import Published, published_for
from medfake.reports.standings import Standing, rank

if TYPE_CHECKING:
    from rich.console import Console

EVIDENCE: Final[dict[str, str]] = {  # evidence -> what it is worth
    "phantom": "Phantom figures are no clinical evidence: scans and fakes were made by medfake's built-in phantom.",
    "forged": "Figures on home-made fakes are no clinical evidence: medfake forged them out of real scans.",
    "clinical": "Figures on a public or local set of real scans; they hold for its scanners, patients and fakes.",
}
LEAKY_PROTOCOLS: Final = frozenset({"replica"})
RESEARCH_ONLY: Final = "Research use only, not a diagnostic device."


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
        by_manipulation: Each manipulation's test slices against all real ones.
        classes: Of detectors that tell removed from injected; None for others.
        localisation: None when the detector names no site.
        roc: ROC curve of the test slices with its band; None when a class is missing.
        published: The papers' figures for this detector.
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
    """All results, best first within each data set, and how their intervals were made."""

    results: tuple[Result, ...]
    bootstrap: Bootstrap

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets, sorted."""
        return tuple(sorted({result.entry.dataset for result in self.results}))

    def of(self, dataset: str) -> tuple[Result, ...]:
        """Results on one data set, best first."""
        return tuple(result for result in self.results if result.entry.dataset == dataset)

    def evidence(self, dataset: str) -> tuple[str, ...]:
        """What figures on a data set are worth, in words."""
        kinds = sorted({result.entry.evidence for result in self.of(dataset)})
        return tuple(EVIDENCE.get(kind, f"Evidence: {kind}.") for kind in kinds)

    def notes(self, dataset: str) -> tuple[str, ...]:
        """What a reader must know about the intervals on a data set."""
        return tuple(_notes(self.of(dataset)))

    def to_markdown(self) -> str:
        """Tables for a README or a pull request."""
        from medfake.reports.tables import to_markdown

        return to_markdown(self)

    def to_json(self) -> str:
        """Flat, byte-stable figures for `dvc metrics`."""
        from medfake.reports.tables import to_json

        return to_json(self)

    def render(self, console: "Console") -> None:
        """Print the tables on a terminal."""
        from medfake.reports.tables import render

        render(self, console)


def compare(entries: Iterable[Entry], bootstrap: Bootstrap | None = None) -> Comparison:
    """Measure every entry on the test split and rank them within each data set by slice AUC.

    Args:
        entries: In any order, each run once.
        bootstrap: Number of resamples, confidence and seed; 1000, 95 % and 1 unless told otherwise.

    Raises:
        ManifestError: There is nothing to compare, a run comes twice, or a run has no test rows.
    """
    bootstrap = bootstrap or Bootstrap()
    sorted_entries = sorted(entries, key=lambda entry: (entry.dataset, entry.detector, entry.seed))
    _check(sorted_entries)
    results: list[Result] = []
    for dataset in sorted({entry.dataset for entry in sorted_entries}):
        runs = [entry for entry in sorted_entries if entry.dataset == dataset]
        results += _compare_on(runs, bootstrap)
    return Comparison(tuple(results), bootstrap)


def _compare_on(runs: Sequence[Entry], bootstrap: Bootstrap) -> list[Result]:
    tests = [run.split("test") for run in runs]
    scans = [scan_table(test) for test in tests]
    slices = [evaluate_with_intervals(test, run.threshold, bootstrap) for run, test in zip(runs, tests, strict=True)]
    correct = [_is_right(table, run) for run, table in zip(runs, scans, strict=True)]
    standings = rank([measured.metrics.auc for measured in slices], tests, correct, bootstrap)
    results = [
        Result(
            entry=run,
            val=measure(run.split("val"), run.threshold),
            slices=measured,
            scan_scores=table,
            scans=evaluate_with_intervals(table, run.scan_high, bootstrap),
            verdicts=_verdicts(table, run),
            by_manipulation=_by_manipulation(test, run.threshold, bootstrap),
            classes=measure_classes(test, bootstrap),
            localisation=localise(test, bootstrap),
            roc=roc_band(test, bootstrap),
            published=published_for(run.detector),
            standing=standing,
        )
        for run, test, table, measured, standing in zip(runs, tests, scans, slices, standings, strict=True)
    ]
    return sorted(results, key=lambda r: (r.standing.rank, r.entry.detector, r.entry.seed))


def _check(entries: Sequence[Entry]) -> None:
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        raise ManifestError(
            "each run is compared once" if twice else "there is nothing to compare",
            where=", ".join(twice) or None,
            remedy="train first: `dvc repro`",
        )
    for entry in entries:
        if entry.split("test").empty:
            raise ManifestError(
                "the predictions have no test slices",
                where=entry.name,
                remedy="give the test split patients in params.yaml",
            )


def _is_right(scans: pd.DataFrame, run: Entry) -> "pd.Series[bool]":
    by_scan = scans.set_index("scan_id")
    return (by_scan["p_tampered"] >= run.scan_high) == (by_scan["label"] == 1)


def _verdicts(scans: pd.DataFrame, run: Entry) -> dict[str, VerdictCounts]:
    counts = {}
    for truth, label in (("tampered", 1), ("real", 0)):
        said = [decide(p, run.scan_low, run.scan_high) for p in scans.loc[scans["label"] == label, "p_tampered"]]
        counts[truth] = VerdictCounts(
            *(said.count(v) for v in (Verdict.TAMPERED, Verdict.UNCERTAIN, Verdict.NOT_TAMPERED))
        )
    return counts


def _by_manipulation(test: pd.DataFrame, threshold: float, bootstrap: Bootstrap) -> dict[str, MetricsWithIntervals]:
    words = sorted(set(test["manipulation"]) - {"none"})
    return {
        word: evaluate_with_intervals(test[test["manipulation"].isin(["none", word])], threshold, bootstrap)
        for word in words
    }


def _notes(results: Sequence[Result]) -> list[str]:
    notes = []
    best = results[0]
    if best.slices.clusters < 2:
        notes.append("The test split has one scan: there is nothing to resample, so there are no intervals.")
    elif best.slices.unit == "scans":
        notes.append(
            "The test split has one patient: its scans were resampled, so the intervals say nothing of other patients."
        )
    elif best.slices.few:
        notes.append(
            f"The test split has {best.slices.clusters} patients, fewer than {FEW_CLUSTERS}: "
            "the intervals are too narrow, read them as a hint."
        )
    if any(result.entry.protocol in LEAKY_PROTOCOLS for result in results):
        notes.append(
            "Protocol replica: slices of one patient may be in training and in the test split. These figures are leaky."
        )
    if len({result.entry.dataset_sha256 for result in results}) > 1:
        notes.append("The trainings saw different versions of the data set: `dvc repro` makes them anew.")
    if best.slices.degenerate:
        notes.append(
            f"{best.slices.degenerate} of {best.slices.bootstrap.resamples} resamples had one class only "
            "and were left out."
        )
    if any(measured.metrics.auc is None for measured in (best.slices, best.scans)):
        notes.append("n/a: the test split lacks a class at that level, so the figure is undefined.")
    return notes
