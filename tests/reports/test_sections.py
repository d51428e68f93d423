"""Sections of the report are found by name, stand in their order, and leave out what they have nothing to say of."""

from pathlib import Path
from typing import Any

import pytest

from medfake.reports.parts import Picture, Section
from medfake.reports.sections import registry
from medfake.reports.sections.registry import ReportInput, section, written_sections


@pytest.fixture
def given() -> ReportInput:
    nothing: Any = None  # the sections here look at nothing
    return ReportInput(comparison=nothing, params=nothing, reports=Path())


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> None:
    own = registry.Registry[registry.NamedSection]("report section", room="medfake.reports.parts", where="tests")
    monkeypatch.setattr(registry, "SECTIONS", own)


@pytest.mark.usefixtures("sections")
def test_sections_stand_by_their_order_then_by_name(given: ReportInput) -> None:
    for name, order in (("late", 90), ("second", 10), ("first", 10)):
        section(name, order=order)(lambda _: Section(heading="", nav="", parts=()))
    assert list(written_sections(given)) == ["first", "second", "late"]


@pytest.mark.usefixtures("sections")
def test_a_section_without_a_word_is_left_out(given: ReportInput) -> None:
    section("silent", order=1)(lambda _: None)
    assert written_sections(given) == {}


def test_a_picture_is_a_png_file() -> None:
    with pytest.raises(ValueError, match="must be a PNG file"):
        Picture(png=b"GIF89a", alt="", caption="")
    assert Picture(png=b"\x89PNG\r\n\x1a\n", alt="", caption="").uri.startswith("data:image/png;base64,iVBORw0KGgo")
