"""Slices of each class of each data set, sites marked."""

from typing import Final

from medfake.metrics.classes import HEADINGS
from medfake.reports.class_rows import ROWS_PNG, ClassRows, read_class_rows
from medfake.reports.parts import Section
from medfake.reports.sections.dataset_pictures import dataset_pictures
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import nodules_text

_HEADINGS: Final = {str(word): heading for word, heading in HEADINGS.items()}
_SAID: Final = (
    "What detectors learn from, as each data set stores it: rows of slices by class, the site of a manipulation or "
    "nodule ringed."
)


@section("class rows", order=71)
def class_rows(given: ReportInput) -> Section | None:
    """A picture a data set; None where slices of no data set may be shown."""
    pictures = dataset_pictures(given, "class_rows", ROWS_PNG, read_class_rows, _words)
    return Section(heading="Slices by class", nav="Slices", parts=[_SAID, *pictures]) if pictures else None


def _words(name: str, shown: ClassRows) -> tuple[str, str]:
    rows = ", then ".join(_HEADINGS.get(word, word) for word in shown.rows)
    nodules = f" Of the untampered slices, {nodules_text(shown.negatives)}." if shown.negatives else ""
    return (
        f"Up to {shown.columns} training slices of each class of data set {name}; from the top {rows}.",
        f"{name}: from the top {rows}. Lung window.{nodules}",
    )
