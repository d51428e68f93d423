"""Slices of each class of each data set, sites marked."""

from typing import Final

from medfake.metrics.classes import HEADINGS
from medfake.reports.class_rows import ROWS_PNG, ClassRows, read_class_rows
from medfake.reports.parts import Part, Picture, Section
from medfake.reports.sections.registry import ReportInput, section
from medfake.reports.sentences import nodules_text
from medfake.vocabulary import Evidence, Manipulation

_SAID: Final = (
    "What detectors learn from, as each data set stores it: rows of slices by class, the site of a manipulation ringed."
)


@section("class rows", order=71)
def class_rows(given: ReportInput) -> Section | None:
    """A picture a data set; None where slices of no data set may be shown."""
    pictures: list[Part] = []
    for name in given.comparison.datasets:
        folder = given.reports / "class_rows" / name
        if (folder / ROWS_PNG).is_file():
            pictures.append(_picture(name, read_class_rows(folder), (folder / ROWS_PNG).read_bytes(), given))
    return Section(heading="Slices by class", nav="Slices", parts=[_SAID, *pictures]) if pictures else None


def _picture(name: str, shown: ClassRows, png: bytes, given: ReportInput) -> Picture:
    rows = ", then ".join(HEADINGS.get(Manipulation(word), word) for word in shown.rows)
    evidence = given.comparison.of(name)[0].entry.evidence
    worth = "" if evidence is Evidence.CLINICAL else f" {evidence.sentence}"
    nodules = f" Of the untampered slices, {nodules_text(shown.negatives)}." if shown.negatives else ""
    return Picture(
        png=png,
        alt=f"Up to {shown.columns} training slices of each class of data set {name}; from the top {rows}.",
        caption=f"{name}: from the top {rows}. Lung window.{nodules}{worth}",
    )
