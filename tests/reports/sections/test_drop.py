"""What the report says of a drop on deepfakes: the paper's beside it, what it is no proof of, and who detects."""

from dataclasses import replace
from pathlib import Path

import pytest

from medfake.config import Params, load_params
from medfake.metrics.drop_report import Agreement, DropReport, OnSlices, RunDrop, Shares
from medfake.metrics.intervals import Interval
from medfake.metrics.within_slice import Figure
from medfake.probes.answer import Score
from medfake.probes.outcome import ProbeOutcome
from medfake.probes.report import Finding, ProbeReport
from medfake.reports.compare import compare_study
from medfake.reports.parts import Cell, Drawing, Section, Table
from medfake.reports.sections.drop import drop, finding
from medfake.reports.sections.ranking import ranking
from medfake.reports.sections.registry import ReportInput
from medfake.vocabulary import Evidence, Task

STUDY = Path(__file__).resolve().parents[3] / "studies/shree.yaml"


def figure(value: float, reach: float = 0.05) -> Figure:
    return Figure(value, Interval(value - reach, value + reach))


def run(
    detector: str, originals: float, deepfakes: float, val: float = 0.9, reach: float = 0.05, called: float = 0.6
) -> RunDrop:
    on = [
        OnSlices(accuracy=figure(one), sensitivity=figure(one), specificity=figure(one), auc=figure(one))
        for one in (originals, deepfakes)
    ]
    return RunDrop(
        detector=detector, seed=1, threshold=0.5, val_accuracy=val, called=called, originals=on[0], deepfakes=on[1],
        drop=figure(originals - deepfakes, reach), doubt_auc=figure(0.6),
    )  # fmt: skip


@pytest.fixture
def report() -> DropReport:
    shares = Shares(with_label=figure(0.7), against_label=figure(0.2), split=figure(0.1))
    runs = [run("CustomCNN", 0.9, 0.6, val=0.93), run("ResNet18", 0.95, 0.7, val=0.91)]
    return DropReport(
        name="dcgan", dataset="nodules", generator="dcgan", protocol="grouped", evidence=Evidence.PHANTOM,
        confidence=0.95, slices=40, patients=8, deepfakes=500, asked=250,
        agreement=Agreement(detectors=2, originals=shares, deepfakes=shares),
        single_numbers={"highest HU": Figure(0.02, Interval(0.0, 0.05)), "fine structure": figure(0.6)},
        runs={f"nodules/{one.detector}/seed-1": one for one in runs},
    )  # fmt: skip


@pytest.fixture
def params() -> Params:
    params = load_params(STUDY)
    return params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"bootstrap": 100})})


@pytest.fixture
def given(predict, enter, params: Params, tmp_path: Path) -> ReportInput:
    entries = [
        enter(predict(dataset="nodules", detector="CustomCNN"), task=Task.NODULES),
        enter(predict(dataset="generated", detector="CustomCNN", skill=3.0)),
        enter(predict(dataset="generated", detector="RandomForest", skill=1.0)),
    ]
    return ReportInput(comparison=compare_study(entries, params), params=params, reports=tmp_path)


def words(section: Section | None) -> str:
    assert section is not None
    return " ".join(part for part in section.parts if isinstance(part, str))


def test_the_first_sentence_says_what_the_network_that_validation_chose_loses(report: DropReport) -> None:
    said = finding(report)
    assert said.startswith("CustomCNN, the most accurate on validation,")
    assert "a drop of 0.300 [0.250, 0.350]. Phantom figures are no clinical evidence" in said
    assert said.endswith("print 0.996 and 0.50 for their CNN.")


@pytest.mark.parametrize(("reach", "told"), [(0.29, True), (0.31, False)])
def test_a_drop_whose_interval_holds_none_is_called_so(report: DropReport, reach: float, told: bool) -> None:
    one = run("CustomCNN", 0.9, 0.6, reach=reach)
    assert ("which is not told from none" not in finding(replace(report, runs={"a": one}))) is told


@pytest.mark.parametrize(("called", "constant"), [(0.89, False), (0.91, True), (0.11, False), (0.09, True)])
def test_one_answer_to_all_deepfakes_is_called_so(report: DropReport, called: float, constant: bool) -> None:
    one = run("CustomCNN", 0.9, 0.5, called=called)
    assert ("whatever was asked for" in finding(replace(report, runs={"a": one}))) is constant


@pytest.mark.parametrize(("originals", "guesses"), [(0.54, True), (0.56, False)])
def test_who_guesses_on_originals_has_little_to_lose(report: DropReport, originals: float, guesses: bool) -> None:
    one = run("CustomCNN", originals, 0.5)
    assert ("little to lose" in finding(replace(report, runs={"a": one}))) is guesses


@pytest.mark.parametrize(("protocol", "known"), [("grouped", False), ("replica", True)])
def test_a_split_that_mixes_patients_is_said(report: DropReport, protocol: str, known: bool) -> None:
    assert ("knowing patients again" in finding(replace(report, protocol=protocol))) is known


def test_of_several_drops_what_holds_of_all_is_said_once(given: ReportInput, report: DropReport) -> None:
    for name in given.params.drop:
        replace(report, name=name).write(given.reports / f"drop/{name}.json")
    said = words(drop(given))
    assert len(given.params.drop) > 1
    assert said.count("A drop is no detection.") == 1
    assert said.count("the most accurate on validation") == len(given.params.drop)


def test_the_section_says_why_a_drop_is_no_detection_and_what_is(given: ReportInput, report: DropReport) -> None:
    report.write(given.reports / "drop/dcgan.json")
    section = drop(given)
    said = words(section)
    assert "A drop is no detection." in said
    assert "Both detectors call 20 % [15, 25] of the deepfakes the other class" in said
    assert "CustomCNN, the best on validation, has AUC" in said
    assert "was not probed" in said
    assert section is not None
    (first, second) = [part for part in section.parts if isinstance(part, Table)]
    printed = [cell if isinstance(cell, str) else cell.text for cell in first.rows[-1]]
    assert printed[:4] == ["CustomCNN", "0.996", "0.500", "0.496"]
    assert list(first.theirs) == [2]
    assert {len(row) for row in first.rows} == {len(first.head)}
    assert [row[0] for row in second.rows] == ["CustomCNN", "RandomForest"]
    assert any(isinstance(part, Drawing) for part in section.parts)


@pytest.mark.parametrize(("auc", "told"), [(0.11, False), (0.1, True), (0.89, False), (0.9, True)])
def test_a_direct_detector_stands_beside_what_one_number_tells(
    given: ReportInput, report: DropReport, auc: float, told: bool
) -> None:
    replace(report, single_numbers={"highest HU": figure(auc)}).write(given.reports / "drop/dcgan.json")
    said = words(drop(given))
    assert ("One number of the pixels tells them as well" in said) is told
    assert f"by highest HU {auc:.3f}" in said


def test_what_gives_the_class_away_is_said_beside_the_figure(given: ReportInput, report: DropReport) -> None:
    report.write(given.reports / "drop/dcgan.json")
    score = Score(1.0, 0.99, 1.0, "patients", 9)
    shortcut = Finding("metadata", "?", score, None, None, ProbeOutcome.SHORTCUT, "A shortcut: told by headers.")
    ProbeReport("generated", "d", Evidence.PHANTOM, 0.1, (shortcut,)).write(given.reports / "probes/generated.json")
    assert "without looking at what is drawn (metadata, AUC 1.000" in words(drop(given))


def test_one_detector_alone_says_nothing_of_labels(given: ReportInput, report: DropReport) -> None:
    alone = replace(report, agreement=replace(report.agreement, detectors=1), runs=dict(list(report.runs.items())[:1]))
    alone.write(given.reports / "drop/dcgan.json")
    assert "One detector alone cannot tell" in words(drop(given))


def test_nothing_is_said_where_nothing_was_measured(given: ReportInput) -> None:
    assert drop(given) is None


def test_detectors_of_nodules_are_ranked_among_their_like(given: ReportInput) -> None:
    section = ranking(given)
    assert "Data set nodules has another task than tampering: does the slice show a nodule?" in words(section)
    tables = [part for part in section.parts if isinstance(part, Table)]
    assert [len(table.rows) for table in tables] == [2, 1]
    assert all(isinstance(row[1], Cell) and row[1].value is not None for table in tables for row in table.rows)
