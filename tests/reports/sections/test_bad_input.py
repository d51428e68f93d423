"""Predictions of one class, of one patient, all alike: every section comes out, with n/a and a sentence."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.comparison import Comparison
from medfake.reports.entry import Entry
from medfake.reports.markdown import to_markdown
from medfake.reports.metrics_files import to_json
from medfake.reports.parts import Cell, Drawing, Section, Table
from medfake.reports.report import report_html
from medfake.reports.sections.registry import SECTIONS
from tests.fixtures.reports import report_input, write_stages

Predict = Callable[..., pd.DataFrame]
SECTIONS_HERE = ("needs", "scan tests", "three classes", "calibration", "step time", "pareto", "latent space")
ODD = {
    "only real": lambda table: table.query("split == 'val' or label == 0"),
    "only tampered": lambda table: table.query("split == 'val' or label == 1"),
    "validation of one class": lambda table: table.query("split == 'test' or label == 0"),
    "one patient": lambda table: table.query("split == 'val' or patient_id == 'p04'"),
    "one scan": lambda table: table.query("split == 'val' or scan_id == 'p04-s0'"),
    "one slice": lambda table: table.query("split == 'val' or slice_id == 'p04-s0-000'"),
    "all alike": lambda table: table.assign(p_tampered=0.5, p_removed=0.25, p_injected=0.25),
    "all certain": lambda table: table.assign(p_tampered=1.0, p_removed=0.5, p_injected=0.5),
}


@pytest.fixture(params=list(ODD), scope="module")
def odd(request: pytest.FixtureRequest, predict: Predict, enter: Callable[..., Entry]) -> Comparison:
    """Three detectors, one of three classes that a temperature calibrated."""
    entries = []
    for name in ("ResNet50V2", "MobileNetV3Large", "RandomForest"):
        table = predict(detector=name, slices=3).assign(p_removed=float("nan"), p_injected=float("nan"))
        if name == "ResNet50V2":
            table = table.assign(p_removed=table.p_tampered / 2, p_injected=table.p_tampered / 2)
        table = ODD[request.param](table).reset_index(drop=True)
        if name != "ResNet50V2":
            table = table.assign(p_removed=float("nan"), p_injected=float("nan"))
        entries.append(enter(table, calibration={"temperature": 2.0} if name == "ResNet50V2" else {}))
    return compare(entries, Bootstrap(resamples=100))


def sections_of(comparison: Comparison, reports: Path) -> dict[str, Section]:
    write_stages(reports, [run.entry for run in comparison.results])
    given = report_input(comparison, reports)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = {name: SECTIONS[name].write(given) for name in SECTIONS_HERE}
    return {name: one for name, one in written.items() if one is not None}


def test_every_section_comes_out_in_words_and_without_a_nan(odd: Comparison, tmp_path: Path) -> None:
    written = sections_of(odd, tmp_path)
    assert set(written) == set(SECTIONS_HERE)
    for section in written.values():
        assert isinstance(section.parts[0], str)
        assert section.parts[0].endswith(".")
        for part in section.parts:
            if isinstance(part, Table):
                cells = [cell.text if isinstance(cell, Cell) else cell for row in part.rows for cell in row]
                assert all(cells)
                assert {len(row) for row in part.rows} == {len(part.head)}
                assert not any("nan" in text.lower() or "none" in text.lower() for text in cells)
            if isinstance(part, Drawing):
                assert part.svg.startswith("<svg")
                assert "nan" not in part.alt + part.svg


def test_tables_and_the_page_come_out_too(odd: Comparison) -> None:
    for text in (to_markdown(odd), to_json(odd), report_html(odd)):
        assert "NaN" not in text
        assert " nan" not in text


def test_one_class_is_said(predict: Predict, enter: Callable[..., Entry], tmp_path: Path) -> None:
    entries = [
        enter(predict(detector=name, slices=3).query("split == 'val' or label == 0").reset_index(drop=True))
        for name in ("ResNet50V2", "RandomForest")
    ]
    written = sections_of(compare(entries, Bootstrap(resamples=100)), tmp_path)
    for name in ("needs", "scan tests", "pareto"):
        assert "the test split lacks a class" in str(written[name].parts[0])
    assert "a class is missing" in str(written["latent space"].parts[0])
