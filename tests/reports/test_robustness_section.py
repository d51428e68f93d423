"""The section on robustness names the weakest point first, draws a panel a perturbation and says what is missing."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medfake.errors import ManifestError
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import Interval
from medfake.metrics.robustness.curves import Curve, Point, RobustnessReport, RunRobustness
from medfake.metrics.within_slice import Figure
from medfake.reports.parts import Cell, Details, Drawing, Section, Table
from medfake.reports.sections.registry import ReportInput
from medfake.reports.sections.robustness import headline, write_robustness
from medfake.vocabulary import Evidence


def figure(value: float | None, half: float = 0.05) -> Figure:
    return Figure(value, None if value is None else Interval(value - half, value + half))


def point(severity: float, auc: float | None, **changes: Any) -> Point:
    return Point(severity=severity, auc=figure(auc), **changes)


def curve(name: str, aucs: dict[float, float | None], **changes: Any) -> Curve:
    drop = figure(aucs[0] - [*aucs.values()][-1]) if aucs and aucs[0] is not None else Figure(None)  # type: ignore[operator]
    points = tuple(point(severity, auc) for severity, auc in aucs.items())
    facts = {"unit": "HU of it", "white_box": False, "slices": 20, "points": points, "auc_drop": drop, **changes}
    return Curve(perturbation=name, **facts)


def run(detector: str, drop: float | None, *curves: Curve, seed: int = 1) -> RunRobustness:
    return RunRobustness(
        detector=detector, seed=seed, threshold=0.5, robustness_drop=figure(drop), hit_rate_drop=Figure(None),
        white_box_drop=Figure(None), curves=curves,
    )  # fmt: skip


def report(*runs: RunRobustness, dataset: str = "chest", **changes: Any) -> RobustnessReport:
    return RobustnessReport(
        dataset=dataset, dataset_sha256="d" * 64, evidence=Evidence.PHANTOM, protocol="grouped", slices=20, tampered=10,
        patients=5, unit="patients", seed=1, bootstrap=Bootstrap(),
        runs={f"{dataset}/{one.detector}/seed-{one.seed}": one for one in runs}, **changes,
    )  # fmt: skip


FIRM = run("Firm", 0.02, curve("noise", {0: 0.9, 10: 0.88}), curve("jpeg", {0: 0.9, 40: 0.89}))
FRAIL = run("Frail", 0.3, curve("noise", {0: 0.95, 10: 0.5}), curve("jpeg", {0: 0.95, 40: 0.7}))
BLIND = run("Blind", -0.1, curve("noise", {0: 0.5, 10: 0.6}), curve("jpeg", {0: 0.5, 40: 0.6}))


def section_of(tmp_path: Path, *reports: RobustnessReport) -> Section | None:
    class Found:
        datasets = tuple(one.dataset for one in reports) or ("chest",)

    found: Any = Found()
    for one in reports:
        one.write(tmp_path / "robustness" / f"{one.dataset}.json")
    return write_robustness(ReportInput(comparison=found, params=found, reports=tmp_path))


def texts(section: Section) -> str:
    return " ".join(part for part in section.parts if isinstance(part, str))


def test_nothing_was_measured_and_nothing_is_said(tmp_path: Path) -> None:
    assert section_of(tmp_path) is None
    assert section_of(tmp_path, report()) is None


def test_the_first_sentence_names_the_weakest_point_and_the_second_who_loses_least() -> None:
    assert headline(report(FRAIL, FIRM)) == (
        "Weakest point on chest: Frail falls from AUC 0.950 to 0.500 after noise (10 HU of it). "
        "Firm loses least: its AUC drops by 0.020 on average."
    )


def test_who_finds_nothing_has_nothing_to_lose(tmp_path: Path) -> None:
    section = section_of(tmp_path, report(BLIND, FIRM, FRAIL))
    assert section is not None
    assert "Firm loses least" in str(section.parts[0])
    assert "there may be nothing to lose: Blind (AUC 0.500)" in texts(section)
    table = next(part for part in section.parts if isinstance(part, Table))
    assert [row[0] for row in table.rows] == ["Firm", "Frail", "Blind"]
    assert list(table.best) == [0]


def test_where_nothing_falls_that_is_said() -> None:
    firm = run("Firm", -0.01, curve("noise", {0: 0.9, 10: 0.91}))
    assert headline(report(firm)) == "On chest no perturbation of the grid lowers the AUC of any detector."
    nothing = run("Firm", None, curve("fgsm", {}, white_box=True, reason="no gradient"))
    assert headline(report(nothing)) == "On chest no perturbation could be measured."


def test_attacks_are_called_white_box_and_do_not_count_as_the_weakest_point(tmp_path: Path) -> None:
    attacked = replace(FIRM, curves=(*FIRM.curves, curve("fgsm", {0: 0.9, 2: 0.1}, white_box=True)))
    section = section_of(tmp_path, report(attacked))
    assert section is not None
    first = str(section.parts[0])
    assert first.startswith("Weakest point on chest: Firm falls from AUC 0.900 to 0.880 after noise")
    assert first.endswith("Somebody who holds Firm brings it down to AUC 0.100 with fgsm of 2 HU (white-box).")
    assert "fgsm and pgd are white-box" in texts(section)


def test_detectors_that_look_along_z_are_said_to_be_judged_on_slices_alone(tmp_path: Path) -> None:
    one, two = replace(FIRM, detector="SliceGRU"), replace(FRAIL, detector="SliceFeatureGRU")
    said = [section_of(tmp_path, report(*runs)) for runs in ((FIRM, FRAIL), (one, FRAIL), (one, two, FIRM))]
    none, single, both = (texts(section) for section in said if section is not None)
    assert "along z" not in none
    assert "SliceGRU looks along z in scans and cannot here" in single
    assert "SliceGRU, SliceFeatureGRU look along z in scans and cannot here" in both
    assert "say nothing of how a perturbed scan is judged" in both


def test_there_is_a_panel_a_perturbation_with_a_line_a_training(tmp_path: Path) -> None:
    section = section_of(tmp_path, report(FRAIL, FIRM))
    assert section is not None
    panels = [part for part in section.parts if isinstance(part, Drawing)]
    assert [one.caption for one in panels] == ["jpeg: AUC against HU of it", "noise: AUC against HU of it"]
    assert "Frail 0.950 at 0, 0.500 at 10" in panels[1].alt
    assert {word for word in ("Firm", "Frail") if word in panels[1].svg} == {"Firm", "Frail"}
    assert not re.search(r"(href|src)=\"(?!#)", panels[0].svg)
    assert section.heading.startswith("Robustness")


def test_phantom_figures_are_called_that(tmp_path: Path) -> None:
    section = section_of(tmp_path, report(FIRM))
    assert section is not None
    assert Evidence.PHANTOM.sentence in texts(section)
    assert "20 test slices of 5 patients, 10 of them tampered" in texts(section)


def test_more_trainings_than_colours_are_all_in_the_table(tmp_path: Path) -> None:
    many = [replace(FIRM, detector=f"D{number}") for number in range(8)]
    section = section_of(tmp_path, report(*many))
    assert section is not None
    assert "Curves of the 6 trainings that lose least; the table has all 8." in texts(section)
    table = next(part for part in section.parts if isinstance(part, Table))
    assert len(table.rows) == 8


def test_seeds_are_named_where_there_are_several() -> None:
    assert "Firm, seed 2" in headline(report(FRAIL, FIRM, replace(FIRM, seed=2, robustness_drop=figure(0.01))))


def test_why_figures_are_missing_is_told_once_for_all_that_share_a_reason(tmp_path: Path) -> None:
    tiny = Point(severity=60, reason="slices of 77 px are smaller than the 96 px of detectors")
    zoom = replace(curve("zoom", {0: 0.9}), points=(point(0, 0.9), tiny))
    forest = run("Forest", 0.0, zoom, curve("fgsm", {}, white_box=True, reason="Forest has no gradient"))
    net = run("Net", 0.0, zoom, curve("thick-slices", {0: 0.9, 5: 0.9}, left_out=3))
    section = section_of(tmp_path, report(forest, net))
    assert section is not None
    (missing,) = [one for one in section.parts if isinstance(one, Details) and one.summary.startswith("What could not")]
    assert sorted(str(part) for part in missing.parts) == [
        "fgsm: Forest has no gradient (Forest).",
        "thick-slices: 3 slices lack the neighbours that it needs (Net).",
        "zoom at 60: slices of 77 px are smaller than the 96 px of detectors.",
    ]
    table = next(part for part in section.parts if isinstance(part, Table))
    (row,) = [row for row in table.rows if row[0] == "Forest"]
    assert any(isinstance(cell, Cell) and cell.text == "n/a" for cell in row)


def test_every_figure_stands_in_a_table(tmp_path: Path) -> None:
    section = section_of(tmp_path, report(FIRM, FRAIL))
    assert section is not None
    (everything,) = [one for one in section.parts if isinstance(one, Details) and one.summary == "All figures"]
    (table,) = everything.parts
    assert isinstance(table, Table)
    assert len(table.rows) == 2 * 2 * 2


def test_data_sets_are_named_where_there_are_several(tmp_path: Path) -> None:
    section = section_of(tmp_path, report(FIRM), report(FRAIL, dataset="knees"))
    assert section is not None
    assert {one.summary for one in section.parts if isinstance(one, Details)} >= {
        "All figures on chest", "All figures on knees",
    }  # fmt: skip


def test_equal_measurements_give_equal_drawings(tmp_path: Path) -> None:
    assert section_of(tmp_path, report(FIRM)) == section_of(tmp_path, report(FIRM))


def test_a_damaged_file_says_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "robustness").mkdir()
    (tmp_path / "robustness/chest.json").write_text("[]")
    with pytest.raises(ManifestError) as caught:
        section_of(tmp_path)
    assert caught.value.remedy == "dvc repro -s -f robustness@chest"
