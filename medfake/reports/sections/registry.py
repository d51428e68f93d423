"""Sections of the report by name; one decorated function adds one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medfake.by_name import Registry
from medfake.config import Params
from medfake.reports.comparison import Comparison
from medfake.reports.parts import Section


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """What a report is written from.

    Attributes:
        comparison: All trainings, measured.
        params: Of the study.
        reports: Folder of what other stages found, such as probes/<data set>.json.
    """

    comparison: Comparison
    params: Params
    reports: Path


Write = Callable[[ReportInput], Section | None]


@dataclass(frozen=True)
class NamedSection:
    """Writes a section, and where in the report it stands."""

    name: str
    order: int
    write: Write


SECTIONS: Registry[NamedSection] = Registry(
    "report section", room="medfake.reports.sections", where="the sections of the report"
)


def section(name: str, *, order: int) -> Callable[[Write], Write]:
    """Register a function that writes a section; None where it has nothing to say of a study.

    Args:
        name: Unique.
        order: Sections with lower numbers come first; 0..99.
    """

    def register(write: Write) -> Write:
        SECTIONS.add(name, NamedSection(name, order, write), write)
        return write

    return register


def written_sections(given: ReportInput) -> dict[str, Section]:
    """All sections that have something to say, in their order, by name."""
    named = sorted(SECTIONS.values(), key=lambda one: (one.order, one.name))
    written = {one.name: one.write(given) for one in named}
    return {name: section for name, section in written.items() if section is not None}
