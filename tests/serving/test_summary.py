"""What a reader is told stays short, however many scans there were."""

from typing import Any

import pytest
from rich.console import Console

from medfake.serving.report import ScanReport, ScanVerdict, SiteFound, SkippedFile, SliceScore
from medfake.serving.summary import MOST_ROWS, MOST_WARNINGS, Summary

MODEL: dict[str, Any] = {
    "name": "package a", "detector": "A", "chosen": "", "measured_on": [], "blind_to": [], "false_alarms": None,
    "false_alarms_of_few": None,
}  # fmt: skip


def scan(number: int, p: float, verdict: str, *warnings: str) -> ScanVerdict:
    site = SiteFound(f"in/{number}/7.dcm", 1.0, 32.0, 33.0, p)
    scores = (SliceScore(f"in/{number}/1.dcm", p),)
    return ScanVerdict(f"scan-{number}", "patient", p, verdict, 9, (site,), scores, warnings)


def text_of(summary: Summary) -> str:
    console = Console(width=200, record=True)
    summary.render(console, MODEL)
    return console.export_text()


def test_of_many_scans_the_most_suspicious_are_in_the_table_and_all_are_counted() -> None:
    summary = Summary()
    for number in range(1000):
        summary.add(scan(number, number / 1000, "not tampered"))
    summary.add(scan(1000, 0.3, "tampered"))
    summary.add(scan(1001, 0.2, "uncertain"))
    lines = text_of(summary).splitlines()
    rows = [line for line in lines if "7.dcm y 32 x 33" in line]
    assert len(rows) == MOST_ROWS
    assert [row.split()[1] for row in rows[:3]] == ["in/1000", "in/1001", "in/999"]
    assert "1002 scans: 1000 not tampered, 1 tampered, 1 uncertain; the table has the 40 that are most suspicious" in (
        "\n".join(lines)
    )


def test_of_few_scans_all_are_in_the_order_in_which_they_were_found() -> None:
    summary = Summary()
    for number in range(MOST_ROWS):
        summary.add(scan(number, number % 7 / 10, "not tampered"))
    rows = [line.split()[1] for line in text_of(summary).splitlines() if "7.dcm" in line]
    assert rows == [f"in/{number}" for number in range(MOST_ROWS)]
    assert "most suspicious" not in text_of(summary)


def test_a_warning_is_told_once_with_three_folders_and_the_number_of_others() -> None:
    summary = Summary()
    for number in range(6):
        summary.add(scan(number, 0.1, "not tampered", "all", *(["some"] if number else [])))
    lines = text_of(summary).splitlines()
    assert "warning: all" in lines
    assert "warning: some: in/1, in/2, in/3, and 2 more" in lines


def test_kinds_of_warnings_that_headers_make_up_are_bounded() -> None:
    summary = Summary()
    for number in range(10 * MOST_WARNINGS):
        summary.add(scan(number, 0.1, "not tampered", f"Image Type is {number}"))
    assert text_of(summary).count("warning: ") == MOST_WARNINGS + 1


def test_of_skipped_files_five_are_named_and_all_are_counted() -> None:
    summary = Summary()
    for number in range(100):
        summary.add_skipped(SkippedFile(f"{number}.txt", f"reason {number % 2}"))
    assert text_of(summary).count(".txt: reason") == 5
    assert "... and 95 more (--json lists all)" in text_of(summary)
    assert summary.reasons == {"reason 0": 50, "reason 1": 50}


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "\x9b31m", "\u202etxt", "[red]"])
def test_what_a_terminal_would_obey_is_told_as_text(text: str) -> None:
    one = scan(0, 0.1, "not tampered", text)
    report = ScanReport(MODEL | {"blind_to": [text], "name": text}, (one,), (SkippedFile("a", text),))
    console = Console(width=200, record=True)
    report.render(console)
    said = console.export_text()
    assert all(character.isprintable() or character == "\n" for character in said)
    assert said.count("[red]") == (4 if text == "[red]" else 0)
