"""The table of what was left out against what was tested."""

import json
from pathlib import Path

import pytest

from medfake.errors import MedfakeError
from medfake.reports.leave_out import LeaveOut, LeaveOutMatrix, write_leave_out

ROWS = [
    LeaveOut("cube", "cube", 0.81, 0.7, 0.9),
    LeaveOut("cube", "paste", 0.9),
    LeaveOut("nothing", "cube", 0.95, 0.9, 0.99),
    LeaveOut("<paste>", "<paste>", None),
]


def test_trainings_are_rows_and_the_one_that_saw_all_stands_first() -> None:
    matrix = LeaveOutMatrix.of("Slice AUC", ROWS)
    assert matrix.left_out == ("nothing", "cube", "<paste>")
    assert matrix.tested_on == ("cube", "paste", "<paste>")
    assert matrix.cells[0] == (ROWS[2], None, None)


def test_markdown_marks_what_was_not_seen_and_leaves_the_unmeasured_empty() -> None:
    lines = LeaveOutMatrix.of("Slice AUC", ROWS).to_markdown().splitlines()
    assert lines[0] == "### Slice AUC"
    assert lines[4] == "| nothing | 0.950 [0.900, 0.990] |  |  |"
    assert lines[5] == "| cube | **0.810 [0.700, 0.900]** | 0.900 |  |"


def test_html_escapes_names() -> None:
    html = LeaveOutMatrix.of("Slice AUC", ROWS).to_html()
    assert "&lt;paste&gt;" in html
    assert "<paste>" not in html
    assert html.count("unseen") == 2


def test_a_cell_says_of_how_many_it_is_and_the_table_of_what() -> None:
    rows = [LeaveOut("nothing", "cube", 0.9, tampered=1200, untouched=8), LeaveOut("cube", "cube", 0.8, tampered=3)]
    matrix = LeaveOutMatrix.of("Scan AUC", rows, "scans")
    lines = matrix.to_markdown().splitlines()
    assert lines[4:6] == ["| nothing | 0.900, n 1,200 + 8 |", "| cube | **0.800**, n 3 |"]
    assert lines[7] == "Bold: not seen in training. n: tampered + untouched scans."
    assert '<span class="interval">n 1,200 + 8</span>' in matrix.to_html()
    alone = LeaveOutMatrix.of("Right place", rows[1:], "scans")
    assert "n: tampered scans." in alone.to_html()


def test_two_figures_of_one_pair_are_refused() -> None:
    with pytest.raises(MedfakeError, match="two figures of one training and one test"):
        LeaveOutMatrix.of("Slice AUC", [ROWS[0], ROWS[0]])


def test_files_hold_every_figure_and_no_outside_request(tmp_path: Path) -> None:
    write_leave_out(tmp_path, "families", [LeaveOutMatrix.of("Slice AUC", ROWS)], ["Of <two> patients."])
    stored = json.loads((tmp_path / "families.json").read_text())
    assert len(stored["matrices"]["Slice AUC"]) == 4
    assert stored["notes"] == ["Of <two> patients."]
    assert "0.810" in (tmp_path / "families.md").read_text()
    page = (tmp_path / "families.html").read_text()
    assert "0.810" in page
    assert "<p>Of &lt;two&gt; patients.</p>" in page
    for outside in ("http://", "https://", "<script"):
        assert outside not in page
