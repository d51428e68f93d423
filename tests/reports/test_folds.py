"""Folds in what people read: mean and deviation, all slices together, and what is said of a missing test split."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from medfake.datasets.dataset import SOURCES_APART
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.over_folds import measure_fold, rows_with_folds, summarise_folds
from medfake.metrics.threshold import ScanThresholds, SliceThreshold
from medfake.reports.compare import compare
from medfake.reports.comparison import Comparison
from medfake.reports.markdown import to_markdown
from medfake.reports.metrics_files import to_json
from medfake.reports.parts import Drawing, Table
from medfake.reports.sections.folds import folds_section
from medfake.reports.sections.registry import ReportInput

BOOTSTRAP = Bootstrap(resamples=100)
NOTHING: Any = None  # this section looks at the comparison alone


@pytest.fixture
def comparison(predict, enter) -> Comparison:
    """One detector without a test split in three folds, and another on another set without folds."""
    rows: pd.DataFrame = predict(patients=6, val_patients=0, slices=4)
    rows = rows.assign(fold=rows.patient_id.str[1:].astype(int) % 3)
    cut, scans = SliceThreshold(0.5, "", None, 1, 1), ScanThresholds(0.4, 0.6, "", 1, 1)
    each = [measure_fold(own, cut, scans) for _, own in rows.groupby("fold")]
    folds = summarise_folds(rows, each, BOOTSTRAP, stand_for_test=True)
    val = predict(patients=0, val_patients=4)
    folded = enter(rows_with_folds(val, 0.5, (0.4, 0.6), rows, each), folds=folds)
    return compare([folded, enter(predict(dataset="other"))], BOOTSTRAP)


def _means(comparison: Comparison) -> tuple[float, float]:
    folds = comparison.of("chest")[0].entry.folds
    assert folds is not None
    return folds.mean["auc"] or 0.0, folds.deviation["auc"] or 0.0


def test_markdown_has_mean_and_deviation_and_says_what_stands_for_the_test_split(comparison: Comparison) -> None:
    text, (mean, deviation) = to_markdown(comparison), _means(comparison)
    assert f"| ResidualCNN | 1 | 3 | {mean:.3f} ± {deviation:.3f} |" in text
    assert "Out of fold: 6 patients, 12 scans (6 tampered), 48 slices" in text
    assert text.count("There is no test split: every patient was tested once, by one of 3 trainings") == 1
    assert text.count("### Over folds") == 1


def test_the_metrics_file_has_both_under_keys_of_their_own(comparison: Comparison) -> None:
    values, (mean, deviation) = json.loads(to_json(comparison)), _means(comparison)
    assert values["chest/ResidualCNN/seed-1/folds/auc_mean"] == pytest.approx(mean, abs=1e-6)
    assert values["chest/ResidualCNN/seed-1/folds/auc_sd"] == pytest.approx(deviation, abs=1e-6)
    assert values["chest/ResidualCNN/seed-1/folds/pooled_auc"] == values["chest/ResidualCNN/seed-1/slice/auc"]
    assert not [key for key in values if key.startswith("other") and "/folds/" in key]


def test_the_section_begins_with_what_was_found_and_draws_every_fold(comparison: Comparison) -> None:
    written = folds_section(ReportInput(comparison=comparison, params=NOTHING, reports=Path()))
    assert written is not None
    (mean, deviation), (found, table, drawing) = _means(comparison), written.parts
    assert f"Over 3 folds of data set chest, ResidualCNN reaches the highest mean slice AUC, {mean:.3f}" in str(found)
    assert isinstance(table, Table)
    assert f"{mean:.3f} ± {deviation:.3f}" in str(table.rows)
    assert isinstance(drawing, Drawing)
    folds = comparison.of("chest")[0].entry.folds
    assert folds is not None
    assert all(f"{one.metrics['auc']:.3f}" in drawing.alt for one in folds.each)


def test_a_set_whose_sources_are_apart_is_called_confounded_beside_its_figures(comparison: Comparison) -> None:
    (folded,) = comparison.of("chest")
    apart = replace(comparison, results=(replace(folded, entry=replace(folded.entry, sources_apart=True)),))
    written = folds_section(ReportInput(comparison=apart, params=NOTHING, reports=Path()))
    assert written is not None
    assert written.parts[1] == SOURCES_APART
    assert SOURCES_APART in to_markdown(apart)
    assert SOURCES_APART not in to_markdown(comparison)


def test_without_folds_there_is_no_section(predict, enter) -> None:
    plain = compare([enter(predict())], BOOTSTRAP)
    assert folds_section(ReportInput(comparison=plain, params=NOTHING, reports=Path())) is None
    assert "folds" not in to_markdown(plain)
