"""Figures as text: one wording for the terminal, Markdown and the page."""

from collections.abc import Mapping, Sequence
from typing import Final

from medfake.datasets.manifest import ELSEWHERE, ON_NODULE
from medfake.metrics.binary import HEADINGS
from medfake.metrics.intervals import Interval, MetricsWithIntervals
from medfake.reports.comparison import Comparison, Result
from medfake.vocabulary import Evidence, PositiveClass, Task

RESEARCH_ONLY: Final = "Research use only, not a diagnostic device."
PUBLISHED_NOTE: Final = (
    "Each is the paper's figure on its own data and split; it is called leaky where, by its own account, slices of one "
    "patient may be on both sides. n/a where nothing is printed or it cannot be restated for the positive class."
)

_MOST_NAMES: Final = 4
_LONGEST_SIGN: Final = 3  # AUC, F1 and H are signs and keep their capitals


def number_text(value: float | None, digits: int = 3) -> str:
    """A number to three digits, or "n/a"."""
    return "n/a" if value is None else f"{value:.{digits}f}"


def nodules_text(counts: Mapping[str, int]) -> str:
    """How many untampered slices, or squares of them, lie at annotated nodules, and how many do not.

    >>> nodules_text({"on_nodule": 98, "elsewhere": 15})
    '98 at annotated nodules, 15 at other places'
    """
    return f"{counts[ON_NODULE]} at annotated nodules, {counts[ELSEWHERE]} at other places"


def interval_text(interval: Interval | None, digits: int = 3) -> str:
    """An interval as "[0.884, 0.992]", or "" where there is none."""
    return "" if interval is None else f"[{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def plus_minus_text(mean: float | None, deviation: float | None) -> str:
    """A mean with its deviation as "0.912 ± 0.034", or "n/a"."""
    return "n/a" if mean is None or deviation is None else f"{mean:.3f} ± {deviation:.3f}"


def with_interval_text(measured: MetricsWithIntervals, name: str) -> str:
    """A metric with its interval."""
    return f"{number_text(measured.metrics.values()[name])} {interval_text(measured.intervals[name])}".strip()


def metric_text(metric: str) -> str:
    """A metric's name within a sentence: "AUC", "H", "accuracy"."""
    heading = HEADINGS[metric]
    return heading if len(heading) <= _LONGEST_SIGN else heading.lower()


def p_text(p_value: float | None) -> str:
    """A p-value, never as zero."""
    if p_value is None:
        return "n/a"
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def place_text(result: Result) -> str:
    """Say in a word how a run stands: "best", "tied" or nothing."""
    if result.standing.best:
        return "best"
    return "tied" if result.standing.tied else ""


def run_text(result: Result, results: Sequence[Result]) -> str:
    """The detector's name, with the seed where it was trained with several."""
    seeds = {other.entry.seed for other in results if other.entry.detector == result.entry.detector}
    return result.entry.detector if len(seeds) == 1 else f"{result.entry.detector}, seed {result.entry.seed}"


def data_text(result: Result) -> str:
    """The data set of a result, with what figures on it are worth where that is less than clinical."""
    worth = result.entry.evidence
    return result.entry.dataset if worth is Evidence.CLINICAL else f"{result.entry.dataset} ({worth})"


def verdict_text(result: Result, truth: str) -> str:
    """Say how many scans of a truth, "tampered" or "real", got which verdict."""
    said, task = result.verdicts[truth], result.entry.task
    return f"{said.tampered} {task.yes}, {said.uncertain} uncertain, {said.not_tampered} {negative_text(result)}"


def negative_text(result: Result) -> str:
    """What a slice or scan is called that is not called positive: "not tampered", "no nodule"."""
    return "not tampered" if result.entry.task is Task.TAMPERING else result.entry.task.no


def split_text(result: Result) -> str:
    """Say in a sentence what the test split holds."""
    scans, slices, yes = result.scan_scores, result.slices.metrics.confusion, result.entry.task.yes
    what = "Out of fold" if stand_for_test(result) else "Test split"
    return (
        f"{what}: {_count(scans['patient_id'].nunique(), 'patient')}, "
        f"{_count(len(scans), 'scan')} ({int(scans['label'].sum())} {yes}), "
        f"{_count(slices.total, 'slice')} ({slices.tp + slices.fn} {yes})."
    )


def stand_for_test(result: Result) -> bool:
    """Whether test rows are those that folds scored, as the data set has no test split."""
    return result.entry.folds is not None and result.entry.folds.stand_for_test


def method_text(comparison: Comparison, dataset: str) -> str:
    """Say in a sentence how intervals and ties were made."""
    results = comparison.of(dataset)
    resampled = f"{comparison.bootstrap.resamples} resamples of {results[0].slices.unit}"
    tied = (
        f" Tied: a paired, Holm-corrected bootstrap of the {metric_text(comparison.metric)} difference "
        "cannot tell it apart from the best."
    )
    of = f" {positive_text(comparison.positive)}" if comparison.positive is not PositiveClass.TAMPERED else ""
    return f"{percent_text(comparison)} intervals from {resampled}.{tied if len(results) > 1 else ''}{of}"


def task_text(result: Result) -> str:
    """Say in a sentence that a data set asks another question than the others; "" where it does not."""
    task = result.entry.task
    if task is Task.TAMPERING:
        return ""
    return (
        f"Data set {result.entry.dataset} has another task than tampering: {task.sentence} Its positive class is "
        f"{task.yes}, and what learnt from it is no detector of fakes and is ranked among its like alone."
    )


def positive_text(positive: PositiveClass) -> str:
    """Say in a sentence of which class figures are."""
    return f"Precision, recall, specificity, F1, H and fall-out are of the class {positive}."


def percent_text(comparison: Comparison) -> str:
    """The confidence of intervals, e.g. "95 %"."""
    return f"{100 * comparison.bootstrap.confidence:g} %"


def headline(comparison: Comparison, dataset: str) -> str:
    """Say in plain words who is best on a data set, on slices and on scans, and who is tied with it."""
    results = comparison.of(dataset)
    best = results[0]
    name = run_text(best, results)
    if not best.standing.best:
        return f"No detector can be ranked on {dataset}: the test split lacks a class."
    metric = metric_text(comparison.metric)
    lead = f"{name} has the highest {metric}: " if len(results) > 1 else f"{name} reaches {metric} "
    tied = [run_text(result, results) for result in results if result.standing.tied]
    tie = f" The data cannot tell it apart from {and_text(tied)}." if tied else ""
    slices, scans = (with_interval_text(level, comparison.metric) for level in (best.slices, best.scans))
    return f"{lead}{slices} on slices, {scans} on scans.{tie}"


def scans_sentence(result: Result) -> str:
    """Say in plain words what became of the test scans."""
    tampered, real, task = result.verdicts["tampered"], result.verdicts["real"], result.entry.task
    n_tampered = tampered.tampered + tampered.uncertain + tampered.not_tampered
    n_real = real.tampered + real.uncertain + real.not_tampered
    return (
        f"Of {_scans(n_tampered, task, 1)} it called {tampered.tampered} {task.yes} "
        f"and {tampered.uncertain} uncertain; "
        f"of {_scans(n_real, task, 0)} it called {real.tampered} {task.yes} and {real.uncertain} uncertain."
    )


def and_text(names: Sequence[str]) -> str:
    """Names as in a sentence, at least one; of many the first few."""
    if len(names) > _MOST_NAMES:
        return f"{', '.join(names[:_MOST_NAMES])} and {_count(len(names) - _MOST_NAMES, 'other')}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _scans(number: int, task: Task, label: int) -> str:
    return f"{number} {task.of('scan' if number == 1 else 'scans', label)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
