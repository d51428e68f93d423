"""By which metric of which class trainings are ranked, and who the data cannot tell apart from the best."""

from medfake.metrics.binary import HEADINGS
from medfake.reports.comparison import Comparison, Result
from medfake.reports.parts import Cell, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import (
    headline,
    interval_text,
    metric_text,
    number_text,
    p_text,
    place_text,
    positive_text,
    run_text,
    task_text,
)


@section("ranking", order=20)
def ranking(given: ReportInput) -> Section:
    """One table a data set."""
    comparison = given.comparison
    metric = metric_text(comparison.metric)
    parts: list[Part] = [
        f"{name}: {headline(comparison, name)}" if len(comparison.datasets) > 1 else headline(comparison, name)
        for name in comparison.datasets
    ]
    parts.append(
        f"This study ranks by {metric} of the test slices, and nominates by {metric} of the validation slices "
        f"(nominate.metric). {positive_text(comparison.positive)} {_thresholds(comparison)}"
    )
    parts += [said for name in comparison.datasets if (said := task_text(comparison.of(name)[0]))]
    parts += [_table(comparison, name) for name in comparison.datasets]
    return Section(heading=f"Ranking by {metric}", nav="Ranking", parts=parts)


def _thresholds(comparison: Comparison) -> str:
    rules = sorted({result.entry.threshold_rule for result in comparison.results})
    return f"Thresholds of slices: {'; '.join(rules)}."


def _table(comparison: Comparison, dataset: str) -> Table:
    results = comparison.of(dataset)
    shown = tuple(dict.fromkeys((comparison.metric, "auc", "h")))
    tests = ("Difference to the best", "p (Holm)") if len(results) > 1 else ()
    return Table(
        caption=f"{dataset}: ranks by {HEADINGS[comparison.metric]} of the test slices. Differences are paired, on the "
        f"same resampled {results[0].slices.unit}.",
        head=("Detector", "Rank", *(HEADINGS[name] for name in shown), *tests, ""),
        rows=[_row(result, results, shown) for result in results],
        best=[at for at, result in enumerate(results) if result.standing.best],
    )


def _row(result: Result, results: tuple[Result, ...], shown: tuple[str, ...]) -> list[Cell | str]:
    values = result.slices.metrics.values()
    cells: list[Cell | str] = [run_text(result, results), Cell(str(result.standing.rank), result.standing.rank)]
    cells += [
        Cell(number_text(values[name]), values[name], interval_text(result.slices.intervals[name])) for name in shown
    ]
    if len(results) > 1:
        difference = result.standing.difference
        gap = Cell("", 0.0) if result.standing.best else Cell("n/a")
        if difference is not None:
            gap = Cell(f"{difference.value:+.3f}", difference.value, interval_text(difference.interval))
        p = result.standing.difference_p
        cells += [gap, Cell("" if result.standing.best else p_text(p), p)]
    return [*cells, place_text(result)]
