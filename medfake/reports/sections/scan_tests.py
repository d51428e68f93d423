"""Whether the best detector of slices is also better on scans than each of the others."""

from collections.abc import Sequence

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.delong import ScanAucDifference, scan_auc_difference
from medfake.metrics.significance import holm
from medfake.reports.comparison import Result
from medfake.reports.parts import Cell, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import and_text, data_text, interval_text, p_text, run_text

Tested = tuple[Result, ScanAucDifference | None]


@section("scan tests", order=18)
def scan_tests(given: ReportInput) -> Section | None:
    """AUC over scans of every run against the best's; nothing where one detector was trained."""
    parts: list[Part] = []
    for dataset in given.comparison.datasets:
        results = given.comparison.of(dataset)
        best = next((run for run in results if run.standing.best), None)
        if len(results) > 1:
            parts += _of_dataset(best, results, given.comparison.bootstrap)
    return Section(heading="Tests on scans", nav="Tests", parts=parts) if parts else None


def _of_dataset(best: Result | None, results: Sequence[Result], bootstrap: Bootstrap) -> list[Part]:
    if best is None:
        return [f"On {data_text(results[0])} the test split lacks a class: there is no best to test against."]
    others = [run for run in results if run is not best]
    found = [(run, scan_auc_difference(run.scan_scores, best.scan_scores, bootstrap)) for run in others]
    adjusted = holm([None if one is None else one.p_value for _, one in found])
    level = 1 - bootstrap.confidence
    apart = [run_text(run, results) for (run, _), p in zip(found, adjusted, strict=True) if p is not None and p < level]
    differ = f"differs from {and_text(apart)}" if apart else "cannot be told apart from any other"
    name = run_text(best, results)
    return [
        f"On the scans of {data_text(best)} the AUC of {name}, the best on slices, {differ}.",
        Table(
            caption=f"AUC over test scans minus that of {name}, on the scans that both scored: DeLong's test where "
            "every patient has one scan, else a bootstrap that resamples patients; p-values are Holm-corrected over "
            "the rows.",
            head=("Detector", "Scans", "Difference of AUC", "p", "p (Holm)", "Test"),
            rows=[_row(run, one, p, results) for (run, one), p in zip(found, adjusted, strict=True)],
        ),
    ]


def _row(
    run: Result, one: ScanAucDifference | None, adjusted: float | None, results: Sequence[Result]
) -> list[Cell | str]:
    name = run_text(run, results)
    if one is None:
        return [name, *["n/a"] * 5]
    return [
        name,
        Cell(str(one.scans), one.scans),
        Cell(f"{one.value:+.3f}", one.value, interval_text(one.interval)),
        Cell(p_text(one.p_value), one.p_value),
        Cell(p_text(adjusted), adjusted),
        one.test.value,
    ]
