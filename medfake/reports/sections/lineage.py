"""What every training came from: data, code, options, run."""

from typing import Any

from medfake.reports.comparison import Result
from medfake.reports.parts import Details, Part, Section, Table
from medfake.reports.sections.registry import ReportInput, section

_SAID = (
    "Everything here can be made again: the manifest's digest names the data, the revision the code, the run its "
    "params, curves and files."
)
_DIGITS = 12  # of digests: enough to tell them apart, and to look them up


@section("lineage", order=80)
def lineage(given: ReportInput) -> Section:
    """Digests of data, revisions of code, MLflow runs, and the options that were trained with."""
    results = given.comparison.results
    rows = [
        [
            result.entry.detector,
            result.entry.dataset,
            str(result.entry.seed),
            result.entry.dataset_sha256[:_DIGITS],
            result.entry.git_revision[:_DIGITS] or "not kept",
            result.entry.run_id or "none",
        ]
        for result in results
    ]
    head = ("Detector", "Data set", "Seed", "Manifest, SHA-256", "Code, git", "MLflow run")
    parts: list[Part] = [
        _SAID,
        Table(caption="What each training came from.", head=head, rows=rows),
        Details(summary="Options of the detectors", parts=[_options(results)]),
    ]
    return Section(heading="Lineage", nav="Lineage", parts=parts)


def _options(results: tuple[Result, ...]) -> Table:
    by_detector = {result.entry.detector: result.entry.options for result in results}
    rows = [[name, ", ".join(f"{key} {_shown(value)}" for key, value in sorted(options.items()))]
            for name, options in sorted(by_detector.items())]  # fmt: skip
    return Table(caption="Options as trained, those at their default too.", head=("Detector", "Options"), rows=rows)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_shown(one)}" for key, one in value.items()) + ")"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shown(one) for one in value) + "]"
    return "none" if value is None else str(value)
