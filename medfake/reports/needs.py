"""Which detector for which need: the best, the safest, the fastest, the smallest, and whom each is tied with.

Computed from a comparison and measured steps alone. Figures are those of the test split, so this tells a reader what
was found and chooses nothing that is served: promotion goes by the validation split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.paired import difference_interval
from medfake.metrics.timings import SINGLE, StepTime, Timings
from medfake.reports.comparison import Result
from medfake.vocabulary import Split

SAFE_METRIC: Final = "tpr_at_fpr_5"
"""Share of tampered slices found where at most 5 % of the real ones are called tampered."""


class Need(StrEnum):
    """What one may want of a detector."""

    BEST = "best"
    SAFEST = "safest"
    FASTEST = "fastest"
    SMALLEST = "smallest"


@dataclass(frozen=True)
class Answer:
    """Who meets a need.

    Attributes:
        need: Which.
        chosen: None where nothing decides.
        figure: What decided: a metric of test slices, milliseconds of a step, or bytes; None with `chosen`.
        tied: Whom the data cannot tell apart from the chosen one, in the order of the comparison.
    """

    need: Need
    chosen: Result | None = None
    figure: float | None = None
    tied: tuple[Result, ...] = ()


def answer_needs(
    results: Sequence[Result], timings: Timings | None, bootstrap: Bootstrap, metric: str = "auc"
) -> tuple[Answer, ...]:
    """Answer every need on one data set.

    Best: ranked first; tied as its standing says. Safest: the highest `SAFE_METRIC`; tied is who differs by an interval
    of a paired bootstrap that holds zero. Fastest: the shortest mean step of one slice among the best and those tied
    with it; tied where means differ by no more than both standard deviations. Smallest: the fewest bytes among the
    same; tied where they are equal.

    Args:
        results: Runs on one data set, best first.
        timings: None where no step was measured; then nobody is fastest or smallest.
        bootstrap: Of the paired differences.
        metric: By which results are ranked, for the figure of the best.
    """
    return _best(results, metric), _safest(results, bootstrap), *_cheapest(_as_good(results), timings)


def _best(results: Sequence[Result], metric: str) -> Answer:
    best = next((run for run in results if run.standing.best), None)
    if best is None:
        return Answer(Need.BEST)
    tied = tuple(run for run in results if run.standing.tied)
    return Answer(Need.BEST, best, best.slices.metrics.values()[metric], tied)


def _safest(results: Sequence[Result], bootstrap: Bootstrap) -> Answer:
    known = [(value, run) for run in results if (value := run.slices.metrics.values()[SAFE_METRIC]) is not None]
    if not known:
        return Answer(Need.SAFEST)
    figure, chosen = max(known, key=lambda one: one[0])
    test = chosen.entry.split(Split.TEST)
    tied = []
    for _, run in known:
        if run is not chosen:
            gap = difference_interval(run.entry.split(Split.TEST), test, SAFE_METRIC, bootstrap)
            if gap is None or gap.low <= 0 <= gap.high:
                tied.append(run)
    return Answer(Need.SAFEST, chosen, figure, tuple(tied))


def _as_good(results: Sequence[Result]) -> list[Result]:
    return [run for run in results if run.standing.best or run.standing.tied]


def _cheapest(good: Sequence[Result], timings: Timings | None) -> tuple[Answer, Answer]:
    known = [(run, timings.packages[run.entry.name]) for run in good if timings and run.entry.name in timings.packages]
    if not known:
        return Answer(Need.FASTEST), Answer(Need.SMALLEST)
    fastest, timed = min(known, key=lambda one: one[1].steps[SINGLE].mean_ms)
    step = timed.steps[SINGLE]
    as_fast = tuple(run for run, one in known if run is not fastest and _overlap(one.steps[SINGLE], step))
    smallest, sized = min(known, key=lambda one: one[1].graph_bytes)
    as_small = tuple(run for run, one in known if run is not smallest and one.graph_bytes == sized.graph_bytes)
    return (
        Answer(Need.FASTEST, fastest, step.mean_ms, as_fast),
        Answer(Need.SMALLEST, smallest, float(sized.graph_bytes), as_small),
    )


def _overlap(one: StepTime, other: StepTime) -> bool:
    return abs(one.mean_ms - other.mean_ms) <= one.deviation_ms + other.deviation_ms
