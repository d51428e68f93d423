"""Sections that are written from the comparison and from what guards and probes left."""

from pathlib import Path

import pytest

from medfake.checks.suite import CheckReport, RuleResult
from medfake.metrics.bootstrap import Bootstrap
from medfake.probes.answer import Score
from medfake.probes.outcome import ProbeOutcome
from medfake.probes.report import Finding, ProbeReport
from medfake.reports.compare import compare
from medfake.reports.parts import Details, Table
from medfake.reports.sections.guards_and_probes import guards_and_probes
from medfake.reports.sections.limits import limits
from medfake.reports.sections.lineage import lineage
from medfake.reports.sections.registry import ReportInput
from medfake.vocabulary import Evidence

QUICK = Bootstrap(resamples=100)


@pytest.fixture
def given(predict, enter, tmp_path):
    entry = enter(predict(), options={"trees": 5, "max_depth": None}, git_revision="4e6c7d0" * 5, run_id="f" * 32)
    return ReportInput(comparison=compare([entry], QUICK), params=None, reports=tmp_path)


def _probed(given: ReportInput, outcome: ProbeOutcome) -> None:
    score = Score(0.71, 0.66, 0.75, "patients", 12)
    finding = Finding("headers", "Do headers tell?", score, None, None, outcome, "They do.")
    ProbeReport("chest", "0" * 64, Evidence.PHANTOM, 0.1, (finding,)).write(given.reports / "probes/chest.json")


def _checked(given: ReportInput) -> None:
    kept = RuleResult("balance", "half and half", True, "50 %", "none", ())
    waived = RuleResult("folds", "folds apart", True, "none", "none", (), "there are no folds")
    CheckReport("chest", "0" * 64, (kept, waived)).write(given.reports / "checks/chest.json")


def _tables(parts):
    return [part for part in parts if isinstance(part, Table)]


def test_what_has_not_run_is_said_with_the_command_that_runs_it(given):
    said = " ".join(guards_and_probes(given).parts)
    assert "stage check has not run; `dvc repro check@chest` does" in said
    assert "stage probe has not run; `dvc repro probe@chest` does" in said


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (ProbeOutcome.SHORTCUT, "A shortcut tells the class without the manipulation: chest (headers)."),
        (ProbeOutcome.UNDECIDED, "Too few patients to tell: chest (headers)."),
        (ProbeOutcome.CLEAR, "No probe found a shortcut"),
    ],
)
def test_a_shortcut_is_said_first(given, outcome, sentence):
    _probed(given, outcome)
    first, *parts = guards_and_probes(given).parts
    assert sentence in first
    (table,) = _tables(parts)
    assert table.rows[0][2].text == "0.710 [0.660, 0.750]"


def test_rules_that_ask_for_nothing_are_not_counted_as_kept(given):
    _checked(given)
    (details,) = [part for part in guards_and_probes(given).parts if isinstance(part, Details)]
    assert details.summary == "Data set chest: 1 of 1 rules hold"
    assert details.parts[0].rows[1][2] == "asks for nothing here: there are no folds"


def test_lineage_names_data_code_run_and_options(given):
    parts = lineage(given).parts
    (table,) = _tables(parts)
    assert table.rows[0] == ["ResidualCNN", "chest", "1", "0" * 12, "4e6c7d04e6c7", "f" * 32]
    assert parts[-1].parts[0].rows == [["ResidualCNN", "max_depth none, trees 5"]]


def test_a_perfect_order_is_a_limit_and_no_merit(predict, enter):
    frame = predict()
    perfect = enter(frame.assign(p_tampered=frame["label"] * 0.8 + 0.1))
    said = " ".join(limits(ReportInput(comparison=compare([perfect], QUICK), params=None, reports=Path())).parts)
    assert "more often a fault of the data than a merit" in said


def test_limits_of_an_ordinary_result_say_what_it_is_worth(given):
    said = " ".join(limits(given).parts)
    assert "Phantom figures are no clinical evidence" in said
    assert "8 patients were tested" in said
    assert "merit" not in said
