"""Which detector for which need."""

from collections.abc import Sequence
from typing import Final

from medfake.metrics.binary import HEADINGS
from medfake.metrics.timings import read_timings
from medfake.reports.comparison import Result
from medfake.reports.needs import SAFE_METRIC, Answer, Need, answer_needs
from medfake.reports.parts import Cell, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import and_text, data_text, interval_text, number_text, run_text

_NOBODY: Final = "n/a"
_ANY: Final = "where it is best or tied with the best"


@section("needs", order=15)
def needs(given: ReportInput) -> Section | None:
    """The best, the safest, the fastest and the smallest on each data set; nothing where one detector was trained."""
    path = given.reports / "timings.json"
    timings = read_timings(path) if path.is_file() else None
    metric = given.params.nominate.metric
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        results = given.comparison.of(dataset)
        if len(results) > 1:
            answers = answer_needs(results, timings, given.comparison.bootstrap, metric)
            parts += [_sentence(answers, results), _table(answers, results, metric)]
    return Section(heading="Which detector for which need", nav="Needs", parts=parts) if parts else None


def _sentence(answers: Sequence[Answer], results: Sequence[Result]) -> str:
    said = [f"{one.need} {run_text(one.chosen, results)}{_tie(one, results)}" for one in answers if one.chosen]
    where = f"On {data_text(results[0])}"
    if not said:
        return f"{where} nothing decides between the detectors: the test split lacks a class."
    return f"{where}: {'; '.join(said)}."


def _tie(answer: Answer, results: Sequence[Result]) -> str:
    return f" (tied with {and_text([run_text(run, results) for run in answer.tied])})" if answer.tied else ""


def _table(answers: Sequence[Answer], results: Sequence[Result], metric: str) -> Table:
    return Table(
        caption=f"{data_text(results[0])}: figures of the test split, read by nobody who chooses what is served. Tied: "
        "the data cannot tell it apart from the one named.",
        head=("Need", "Detector", "Figure", "What it means", "Tied"),
        rows=[_row(one, results, metric) for one in answers],
    )


def _row(answer: Answer, results: Sequence[Result], metric: str) -> list[Cell | str]:
    tied = ", ".join(run_text(run, results) for run in answer.tied) or "nobody"
    meaning = _meaning(answer.need, metric)
    if answer.chosen is None:
        return [answer.need.value, _NOBODY, _NOBODY, meaning, _NOBODY]
    return [answer.need.value, run_text(answer.chosen, results), _figure(answer, metric), meaning, tied]


def _figure(answer: Answer, metric: str) -> Cell:
    if answer.need is Need.FASTEST:
        return Cell(f"{answer.figure:.1f} ms", answer.figure)
    if answer.need is Need.SMALLEST:
        return Cell(f"{(answer.figure or 0) / 1e6:.2f} MB", answer.figure)
    name = metric if answer.need is Need.BEST else SAFE_METRIC
    interval = answer.chosen.slices.intervals.get(name) if answer.chosen else None
    return Cell(number_text(answer.figure), answer.figure, interval_text(interval, digits=2))


def _meaning(need: Need, metric: str) -> str:
    return {
        Need.BEST: f"the highest {HEADINGS[metric]} on slices",
        Need.SAFEST: "misses the fewest tampered slices where 5 % of the real ones at most may be called tampered",
        Need.FASTEST: f"the shortest step of one slice {_ANY}",
        Need.SMALLEST: f"the smallest graphs {_ANY}",
    }[need]
