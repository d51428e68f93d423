"""Rows for people: aligned, and broken within a terminal."""

import pytest

from medfake.cli.tables import print_columns

ROWS = [
    ("passed", "size", "its graphs have 0.2 MB"),
    ("REFUSED", "champion", "a tie, the interval of the difference reaches 0"),
]


def test_a_line_a_row_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns(ROWS, None)
    assert capsys.readouterr().out.splitlines() == [
        "passed   size      its graphs have 0.2 MB",
        "REFUSED  champion  a tie, the interval of the difference reaches 0",
    ]


def test_a_text_is_broken_under_itself_within_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns(ROWS, 50)
    assert capsys.readouterr().out.splitlines() == [
        "passed   size      its graphs have 0.2 MB",
        "REFUSED  champion  a tie, the interval of the",
        "                   difference reaches 0",
    ]


def test_a_terminal_that_is_too_narrow_still_has_room_for_words(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns(ROWS, 10)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= len("REFUSED  champion  ") + 30
