"""Figures over folds: golden means and deviations, and every row called by its own fold's threshold."""

import numpy as np
import pandas as pd
import pytest

from medfake.metrics.binary import measure
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.over_folds import measure_fold, rows_with_folds, summarise_folds, with_thresholds
from medfake.metrics.predictions import read_predictions, scan_table, write_predictions
from medfake.metrics.threshold import ScanThresholds, SliceThreshold
from medfake.reports.compare import compare

BOOTSTRAP = Bootstrap(resamples=200)
CUTS = {0: 0.2, 1: 0.5, 2: 0.8}


@pytest.fixture
def rows(predict) -> pd.DataFrame:
    """Six patients in three folds."""
    table = predict(patients=6, val_patients=0, slices=4)
    return table.assign(fold=table.patient_id.str[1:].astype(int) % 3)


def _figures(rows: pd.DataFrame) -> list:
    cuts = {
        fold: (SliceThreshold(cut, "", None, 1, 1), ScanThresholds(0.3, cut, "", 1, 1)) for fold, cut in CUTS.items()
    }
    return [measure_fold(rows[rows.fold == fold], *own) for fold, own in cuts.items()]


def test_mean_and_deviation_are_those_of_the_folds(rows: pd.DataFrame) -> None:
    each = _figures(rows)
    folds = summarise_folds(rows, each, BOOTSTRAP, stand_for_test=True)
    accuracies = [((own.p_tampered >= CUTS[f]) == (own.label == 1)).mean() for f, own in rows.groupby("fold")]
    assert [one.metrics["accuracy"] for one in each] == pytest.approx(accuracies)
    assert folds.mean["accuracy"] == pytest.approx(np.mean(accuracies))
    assert folds.deviation["accuracy"] == pytest.approx(np.std(accuracies, ddof=1))
    assert (folds.patients, folds.interval_unit, [one.patients for one in each]) == (6, "patients", [2, 2, 2])


def test_golden_mean_and_deviation_of_known_folds() -> None:
    """Folds that get 4, 3 and 2 of 4 right: 0.75 +- 0.25."""
    parts = []
    for fold, wrong in enumerate((0, 1, 2)):
        right = np.array([0.9, 0.9, 0.1, 0.1])
        right[:wrong] = 0.2
        part = pd.DataFrame({"label": [1, 1, 0, 0], "p_tampered": right, "fold": fold})
        parts.append(part.assign(patient_id=f"p{fold}", scan_id=f"s{fold}"))
    cuts, scans = SliceThreshold(0.5, "", None, 2, 2), ScanThresholds(0.4, 0.6, "", 1, 1)
    each = [measure_fold(part, cuts, scans) for part in parts]
    folds = summarise_folds(pd.concat(parts), each, BOOTSTRAP, stand_for_test=False)
    assert (folds.mean["accuracy"], folds.deviation["accuracy"]) == (pytest.approx(0.75), pytest.approx(0.25))
    assert folds.pooled["accuracy"] == pytest.approx(9 / 12)


def test_pooled_slices_are_each_called_by_the_threshold_of_their_fold(rows: pd.DataFrame) -> None:
    folds = summarise_folds(rows, _figures(rows), BOOTSTRAP, stand_for_test=True)
    right = (rows.p_tampered >= rows.fold.map(CUTS)) == (rows.label == 1)
    assert folds.pooled["accuracy"] == pytest.approx(right.mean())
    low, high = folds.intervals["accuracy"]
    assert low <= right.mean() <= high


def test_a_figure_that_one_fold_alone_defines_has_no_deviation(rows: pd.DataFrame) -> None:
    one_class = rows.assign(label=rows.label.where(rows.fold == 0, 1))
    folds = summarise_folds(one_class, _figures(one_class), BOOTSTRAP, stand_for_test=True)
    assert (folds.mean["auc"], folds.deviation["auc"]) == (None, None)


def test_scans_are_called_by_the_thresholds_of_their_fold(rows: pd.DataFrame) -> None:
    scans = scan_table(with_thresholds(rows, _figures(rows)))
    own = scans.patient_id.str[1:].astype(int).mod(3).map(CUTS)
    assert scans.called_from.tolist() == own.tolist()
    assert set(scans.scan_low) == {0.3}
    assert measure(scans, 0.5).accuracy == pytest.approx(((scans.p_tampered >= own) == (scans.label == 1)).mean())


def test_a_comparison_without_a_test_split_measures_what_was_scored_out_of_fold(rows, predict, enter) -> None:
    each, val = _figures(rows), predict(patients=0, val_patients=4)
    folds = summarise_folds(rows, each, BOOTSTRAP, stand_for_test=True)
    (result,) = compare([enter(rows_with_folds(val, 0.5, (0.4, 0.6), rows, each), folds=folds)], BOOTSTRAP).results
    assert result.slices.metrics.values() == folds.pooled
    assert result.val == measure(val, 0.5)
    called = sum(one.tampered for one in result.verdicts.values())
    scans = scan_table(with_thresholds(rows, each))
    assert called == int((scans.p_tampered >= scans.called_from).sum())


def test_the_fold_of_a_slice_is_stored_and_is_null_where_splits_decide(rows: pd.DataFrame, tmp_path) -> None:
    write_predictions(tmp_path / "folds.parquet", rows)
    assert set(read_predictions(tmp_path / "folds.parquet").fold) == {0.0, 1.0, 2.0}
    write_predictions(tmp_path / "predictions.parquet", rows.drop(columns="fold"))
    assert read_predictions(tmp_path / "predictions.parquet").fold.isna().all()
