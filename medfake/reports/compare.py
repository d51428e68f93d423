"""Trainings side by side: what is compared, and how."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from medfake.config import ChoosingMetric, Params, PublishedParams
from medfake.errors import ManifestError
from medfake.metrics.binary import measure
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.classes import measure_classes
from medfake.metrics.intervals import MetricsWithIntervals, evaluate_with_intervals
from medfake.metrics.localisation import localise
from medfake.metrics.own_thresholds import CALLED_FROM, SCAN_LOW, cut_of
from medfake.metrics.predictions import scan_table
from medfake.metrics.roc import roc_band
from medfake.metrics.scans import Verdict, decide
from medfake.reports.comparison import Comparison, Result, VerdictCounts
from medfake.reports.entry import Absent, Entry
from medfake.reports.published import published_for
from medfake.reports.standings import Contestant, rank
from medfake.vocabulary import Manipulation, PositiveClass, Split


@dataclass(frozen=True)
class _Rules:
    """What all data sets of a comparison are measured by."""

    bootstrap: Bootstrap
    metric: ChoosingMetric
    positive: PositiveClass


def compare(
    entries: Iterable[Entry],
    bootstrap: Bootstrap | None = None,
    absent: Iterable[Absent] = (),
    *,
    metric: ChoosingMetric = "auc",
    positive: PositiveClass = PositiveClass.TAMPERED,
    published: Mapping[str, PublishedParams | None] | None = None,
) -> Comparison:
    """Measure every entry on the test split and rank them within each data set by a metric of slices.

    Where a data set has no test split, the rows that its folds scored stand for it.

    Args:
        entries: In any order, each run once.
        bootstrap: Number of resamples, confidence and seed; 1000, 95 % and 1 unless told otherwise.
        absent: Trainings that belong here and have no package; the reader is told.
        metric: That ranks.
        positive: Class that precision, recall, specificity, F1, H and fall-out are of.
        published: Data set -> paper and setting whose figures stand beside its own.

    Raises:
        ManifestError: There is nothing to compare, a run comes twice, or a run has no test rows.
    """
    rules = _Rules(bootstrap or Bootstrap(), metric, positive)
    sorted_entries = sorted(entries, key=lambda entry: (entry.dataset, entry.detector, entry.seed))
    _check(sorted_entries)
    results: list[Result] = []
    for dataset in sorted({entry.dataset for entry in sorted_entries}):
        runs = [entry for entry in sorted_entries if entry.dataset == dataset]
        results += _compare_on(runs, rules, (published or {}).get(dataset))
    return Comparison(tuple(results), rules.bootstrap, tuple(absent), metric, positive)


def compare_study(entries: Iterable[Entry], params: Params, absent: Iterable[Absent] = ()) -> Comparison:
    """Compare the trainings of a study as its params say; arguments and errors as for `compare`."""
    return compare(
        entries,
        Bootstrap.of(params.evaluation),
        absent,
        metric=params.nominate.metric,
        positive=params.evaluation.positive,
        published={name: dataset.published for name, dataset in params.datasets.items()},
    )


def _compare_on(runs: Sequence[Entry], rules: _Rules, published: PublishedParams | None) -> list[Result]:
    bootstrap, positive = rules.bootstrap, rules.positive
    tests = [run.split(Split.TEST) for run in runs]
    scans = [scan_table(test) for test in tests]
    slices = [
        evaluate_with_intervals(test, run.threshold, bootstrap, positive) for run, test in zip(runs, tests, strict=True)
    ]
    contestants = [
        Contestant(measured.metrics.values()[rules.metric], test, run.threshold, _is_right(table, run))
        for run, test, table, measured in zip(runs, tests, scans, slices, strict=True)
    ]
    standings = rank(contestants, bootstrap, rules.metric, positive)
    results = [
        Result(
            entry=run,
            val=measure(run.split(Split.VAL), run.threshold, positive),
            slices=measured,
            scan_scores=table,
            scans=evaluate_with_intervals(table, run.scan_high, bootstrap, positive),
            verdicts=_verdicts(table, run),
            by_manipulation=_by_manipulation(test, run.threshold, rules),
            classes=measure_classes(test, bootstrap),
            localisation=localise(test, bootstrap),
            roc=roc_band(test, bootstrap),
            published=published_for(run.detector, published, positive),
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
        if entry.split(Split.TEST).empty:
            raise ManifestError(
                "the predictions have no test slices",
                where=entry.name,
                remedy="give the test split patients in params.yaml",
            )


def _is_right(scans: pd.DataFrame, run: Entry) -> "pd.Series[bool]":
    by_scan = scans.set_index("scan_id")
    return (by_scan["p_tampered"] >= cut_of(by_scan, run.scan_high)) == (by_scan["label"] == 1)


def _verdicts(scans: pd.DataFrame, run: Entry) -> dict[str, VerdictCounts]:
    counts = {}
    for truth, label in (("tampered", 1), ("real", 0)):
        own = scans[scans["label"] == label]
        low = own.get(SCAN_LOW, pd.Series(run.scan_low, own.index))
        high = own.get(CALLED_FROM, pd.Series(run.scan_high, own.index))
        said = [decide(*one) for one in zip(own["p_tampered"], low, high, strict=True)]
        counts[truth] = VerdictCounts(
            *(said.count(v) for v in (Verdict.TAMPERED, Verdict.UNCERTAIN, Verdict.NOT_TAMPERED))
        )
    return counts


def _by_manipulation(test: pd.DataFrame, threshold: float, rules: _Rules) -> dict[str, MetricsWithIntervals]:
    """By the words of the vocabulary, then by what made the fakes where several are named."""
    untouched = test["manipulation"] == Manipulation.NONE
    parts = {word: test["manipulation"] == word for word in sorted(set(test["manipulation"]) - {Manipulation.NONE})}
    made_by = sorted(set(test["generator"]) - {""})
    parts |= {name: test["generator"] == name for name in (made_by if len(made_by) > 1 else [])}
    return {
        name: evaluate_with_intervals(test[untouched | own], threshold, rules.bootstrap, rules.positive)
        for name, own in parts.items()
    }
