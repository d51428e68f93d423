"""Latent space, three classes, calibration and tests on scans: what their sections say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.latent import LatentReport, look
from medfake.reports.compare import compare
from medfake.reports.comparison import Comparison
from medfake.reports.entry import Entry
from medfake.reports.parts import Cell, Details, Drawing, Table
from medfake.reports.sections.calibration import calibration
from medfake.reports.sections.latent import latent_space
from medfake.reports.sections.needs import needs
from medfake.reports.sections.scan_tests import scan_tests
from medfake.reports.sections.three_classes import three_classes
from tests.fixtures.reports import report_input, write_stages

Predict = Callable[..., pd.DataFrame]
Enter = Callable[..., Entry]
FEW = Bootstrap(resamples=100)
NAMES = ("ResNet50V2", "MobileNetV3Large", "VGG19", "RandomForest")


@pytest.fixture(scope="module")
def comparison(predict: Predict, enter: Enter) -> Comparison:
    tables = {name: predict(detector=name, slices=4, scans_per_patient=1 + (name != "VGG19")) for name in NAMES}
    first = tables["ResNet50V2"]
    tables["ResNet50V2"] = first.assign(p_removed=first.p_tampered * 0.6, p_injected=first.p_tampered * 0.4)
    calibrations = {"ResNet50V2": {"temperature": 2.5}}
    return compare([enter(table, calibration=calibrations.get(name, {})) for name, table in tables.items()], FEW)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in table.rows]


def test_two_are_drawn_in_both_ways_and_the_others_a_click_away(comparison: Comparison, tmp_path: Path) -> None:
    write_stages(tmp_path, [run.entry for run in comparison.results])
    section = latent_space(report_input(comparison, tmp_path))
    assert section is not None
    drawings = [part for part in section.parts if isinstance(part, Drawing)]
    assert len(drawings) == 4
    assert ["principal" in one.caption for one in drawings] == [True, False, True, False]
    (closed,) = [part for part in section.parts if isinstance(part, Details)]
    assert len(closed.parts) == 1
    table = next(part for part in section.parts if isinstance(part, Table))
    assert {row[0] for row in texts(table)} == set(NAMES) - {"RandomForest"}
    assert "None for RandomForest" in str(section.parts[-1])
    assert "(phantom)" in str(section.parts[0])


def test_many_slices_are_thinned_out_in_drawings_and_it_is_said(predict: Predict, enter: Enter, tmp_path: Path) -> None:
    entry = enter(predict(slices=30, patients=8))
    test = entry.split("test")
    noise = np.random.default_rng(0).normal(size=(len(test), 3))
    LatentReport("chest", (look(test, noise, seed=1),), ()).write(tmp_path / "latent/chest.json")
    section = latent_space(report_input(compare([entry], FEW), tmp_path))
    assert section is not None
    drawing = next(part for part in section.parts if isinstance(part, Drawing))
    assert drawing.caption.endswith("240 of 480 slices.")
    assert drawing.svg.count("<use") >= 240


def test_three_classes_are_counted_and_their_shares_stand_beneath(comparison: Comparison, tmp_path: Path) -> None:
    section = three_classes(report_input(comparison, tmp_path))
    assert section is not None
    (table,) = [part for part in section.parts if isinstance(part, Table)]
    counts = np.array([[int(text) for text in row[1:]] for row in texts(table)])
    assert (counts[:, :3].sum(axis=1) == counts[:, 3]).all()
    assert counts[:, 3].sum() == 64
    assert counts[:, 2].sum() == 0  # injected is never the largest here


def test_calibration_is_told_for_whom_it_was_fitted(comparison: Comparison, tmp_path: Path) -> None:
    section = calibration(report_input(comparison, tmp_path))
    assert section is not None
    (table,) = [part for part in section.parts if isinstance(part, Table)]
    assert [row[:2] for row in texts(table)] == [["ResNet50V2", "temperature 2.5"]]


def test_scans_are_tested_by_what_their_patients_allow(comparison: Comparison, tmp_path: Path) -> None:
    """Of VGG19 every patient has one scan, all tampered; of the others two."""
    section = scan_tests(report_input(comparison, tmp_path))
    assert section is not None
    (table,) = [part for part in section.parts if isinstance(part, Table)]
    tests = {row[0]: row[-1] for row in texts(table)}
    assert tests.pop("VGG19", "n/a") == "n/a"
    assert set(tests.values()) == {"paired bootstrap over patients"}


def test_needs_are_told_without_steps_too(comparison: Comparison, tmp_path: Path) -> None:
    section = needs(report_input(comparison, tmp_path))
    assert section is not None
    rows = {row[0]: row[1] for row in texts(section.parts[1])}  # type: ignore[arg-type]
    assert rows["fastest"] == rows["smallest"] == "n/a"
    assert rows["best"] in NAMES


def test_one_detector_has_no_rivals(predict: Predict, enter: Enter, tmp_path: Path) -> None:
    given = report_input(compare([enter(predict(slices=3))], FEW), tmp_path)
    assert [write(given) for write in (needs, scan_tests, three_classes, calibration, latent_space)] == [None] * 5
