"""Steps beside the paper's table, and quality against cost."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.comparison import Comparison
from medfake.reports.entry import Entry
from medfake.reports.parts import Cell, Drawing, Table
from medfake.reports.sections.pareto import pareto
from medfake.reports.sections.registry import SECTIONS
from medfake.reports.sections.timings import paper_steps, step_time
from tests.fixtures.reports import report_input
from tests.fixtures.timed import package_timing, timings_of


@pytest.fixture(scope="module")
def comparison(predict: Callable[..., pd.DataFrame], enter: Callable[..., Entry]) -> Comparison:
    skills = {"ResNet50V2": 3.0, "RandomForest": 0.5, "SVM": 0.2}
    return compare([enter(predict(detector=name, skill=skill)) for name, skill in skills.items()], Bootstrap(100))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    timings_of(
        ResNet50V2=package_timing([10.0, 12.0], 2_000_000, 24_700_000),
        RandomForest=package_timing([1.0, 3.0], 1_000_000, None),
        SVM=package_timing([5.0, 5.0], 3_000_000, None),
    ).write(tmp_path / "timings.json")
    return tmp_path


def texts(table: Table) -> list[list[str]]:
    return [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in table.rows]


def test_each_stands_beside_the_papers_step_and_size(comparison: Comparison, reports: Path) -> None:
    section = step_time(report_input(comparison, reports))
    assert section is not None
    table = next(part for part in section.parts if isinstance(part, Table))
    assert texts(table) == [
        ["RandomForest", "2.0 ± 1.4", "16.0 ± 11.3", "2.0", "1.00", "n/a", "n/a", "n/a"],
        ["SVM", "5.0 ± 0.0", "40.0 ± 0.0", "5.0", "3.00", "n/a", "n/a", "n/a"],
        ["ResNet50V2", "11.0 ± 1.4", "88.0 ± 11.3", "11.0", "2.00", "24.70", "368.3 ± 87.2", "24.70"],
    ]
    assert section.parts[0] == (
        "On chest the fastest step: RandomForest takes 2.0 ± 1.4 ms a slice, the slowest: ResNet50V2 takes 11.0 ± "
        "1.4 ms a slice."
    )
    assert "A CPU, 2 cores, ONNX Runtime 1.0" in str(section.parts[-1])


def test_all_thirteen_networks_of_the_paper_have_a_step() -> None:
    steps = paper_steps()
    assert len(steps) == 13
    assert (steps["ConvNeXtTiny"].mean_ms, steps["ConvNeXtTiny"].deviation_ms) == (582.1, 18.6)


def test_front_and_those_behind_it_are_said(comparison: Comparison, reports: Path) -> None:
    section = pareto(report_input(comparison, reports))
    assert section is not None
    places = [[row[0], row[3], row[5], row[7]] for row in texts(section.parts[-1])]  # type: ignore[arg-type]
    assert places == [
        ["ResNet50V2", "front", "front", "front"],
        ["RandomForest", "front", "front", "n/a"],
        ["SVM", "behind RandomForest", "behind ResNet50V2", "n/a"],
    ]
    assert "(phantom)" in str(section.parts[0])
    drawings = [part for part in section.parts if isinstance(part, Drawing)]
    assert all("phantom" in one.caption and "ResNet50V2 0." in one.alt for one in drawings)


def test_equal_comparisons_give_equal_drawings(comparison: Comparison, reports: Path) -> None:
    assert pareto(report_input(comparison, reports)) == pareto(report_input(comparison, reports))


@pytest.mark.parametrize("name", ["step time", "pareto"])
def test_where_no_step_was_measured_there_is_no_section(comparison: Comparison, tmp_path: Path, name: str) -> None:
    assert SECTIONS[name].write(report_input(comparison, tmp_path)) is None
